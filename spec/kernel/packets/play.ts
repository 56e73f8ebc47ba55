import { expect } from 'chai'
import { brokenChecksum } from './checksum.js'
import { arrivalOf, type Fixture, ifindexOf, type PacketStep, programOf } from './fixture.js'
import { routed } from './frames.js'
import type { Run, Typed } from './machine.js'
import { arriving, device } from './world.js'

const ok = 0
/** TC_ACT_UNSPEC: whatever program comes next at the device. */
const next = -1
const shot = 2
const redirected = 7
const markMask = 0x0ff00000
const mark = 0x05700000
const steeredMark = 0x05800000
const markOf = (step: PacketStep): number => (step.isSteered ? steeredMark : step.isMarked ? mark : 0)
/** A bit that belongs to someone else. */
const foreignMark = 0x4000

/** Runs a fixture in a filled world: every outcome is as it says. Returns the runs, to compare machines by. */
export function play(machine: Typed, { steps }: Fixture): Run[] {
  const runs: Run[] = []
  for (const [index, step] of steps.entries()) {
    if ('change' in step) {
      step.change(machine)
      continue
    }
    const before = counted(machine, step)
    const ifindex = ifindexOf(machine, step)
    const run = machine.run(programOf(step), step.packet, ifindex, markOf(step) | foreignMark, arrivalOf(machine, step))
    runs.push(run)
    const where = `packet ${index + 1} on ${machine.name}`
    check(machine, step, run, where)
    const isCounted = step.outcome.kind !== 'unjudged'
    expect(counted(machine, step) > before, `${where} is counted by its reason`).to.equal(isCounted)
    expect(run.mark & ~markMask, `${where}: foreign bits of the mark`).to.equal(foreignMark)
  }
  return runs
}

function check(machine: Typed, step: PacketStep, run: Run, where: string): void {
  const { outcome } = step
  switch (outcome.kind) {
    case 'unjudged':
    case 'pass':
      expect(run.result, where).to.equal(step.at === device ? next : ok)
      if (outcome.packet !== undefined) {
        expect(hex(run.packet), where).to.equal(hex(outcome.packet))
        expect(brokenChecksum(run.packet), `${where}: checksums`).to.equal(undefined)
      } else {
        expect(hex(run.packet), where).to.equal(hex(step.packet))
      }
      if (step.at === device) expect(run.mark & markMask, where).to.equal(markOf(step))
      else if (step.direction === 'from' && isIp(step.packet)) {
        const isNeighbour = step.packet[12] === 0x86 && step.packet[20] === 58 && step.packet[54]! >= 133
        if (!isNeighbour) expect(run.mark & markMask, `${where} is marked`).to.equal(mark)
      }
      return
    case 'drop':
      expect(run.result, where).to.equal(shot)
      return
    case 'peer': {
      expect(run.result, where).to.equal(redirected)
      expect(hex(run.packet), where).to.equal(hex(routed(outcome.packet ?? step.packet, arriving(outcome.to))))
      expect(brokenChecksum(run.packet), `${where}: checksums`).to.equal(undefined)
      if (run.redirect !== undefined) {
        const ifindex = outcome.to.name === 'd' ? 0 : machine.ifindex[outcome.to.name]
        expect(run.redirect, where).to.deep.equal({ kind: 'peer', ifindex })
      }
      return
    }
    case 'steered':
      expect(run.result, where).to.equal(redirected)
      expect(hex(run.packet), where).to.equal(hex(hopLess(outcome.packet)))
      expect(run.mark & markMask, where).to.equal(steeredMark)
      expect(run.redirect, where).to.deep.equal({ kind: 'neighbour', ifindex: onlyWay })
      return
    case 'answer':
      expect(run.result, where).to.equal(redirected)
      expect(hex(run.packet), where).to.equal(hex(outcome.packet))
      expect(brokenChecksum(run.packet), `${where}: checksums`).to.equal(undefined)
      if (run.redirect !== undefined) {
        const kind = outcome.reason === 0 ? 'device' : 'peer'
        expect(run.redirect, where).to.deep.equal({ kind, ifindex: ifindexOf(machine, step) })
      }
  }
}

/** The device by which the memory machine's one route leads. */
const onlyWay = 2

/** The link addresses are made by whoever sends it. */
const hopLess = (packet: Uint8Array): Uint8Array =>
  routed(packet, { to: packet.slice(0, 6), from: packet.slice(6, 12) })

const isIp = (packet: Uint8Array): boolean => [0x0800, 0x86dd].includes(packet[12]! * 256 + packet[13]!)

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Packets counted so far under the reason that the step expects. */
function counted(machine: Typed, { outcome }: PacketStep): bigint {
  const key = new Uint8Array(4)
  key[0] = 'reason' in outcome ? outcome.reason : 0
  const [egressPackets, ingressPackets] = machine.perCpu('weir_counters', key)
  return egressPackets! + ingressPackets!
}
