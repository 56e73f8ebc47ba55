import { expect } from 'chai'
import { kernel, memory } from './machines.js'
import { families, type Family, of, reasons } from './packets/fixture.js'
import { flags, frame, icmpError, mac, tcp, udp } from './packets/frames.js'
import type { ProgramName, Typed } from './packets/machine.js'
import { empty } from './packets/reset.js'
import { dropsOf, far, know } from './packets/tunnel-world.js'
import { egress, fill, ingress, node, outside, putAddress, putCell, rows } from './packets/world.js'

const udpPort = 8472
const subject = 77
const unrelated = 163
const [ok, next, shot] = [0, -1, 2] as const
const [here, there] = [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')]

/** Policy of the node that lets nothing pass, or all that it sends. */
function judge(machine: Typed, isSending = false): void {
  for (const address of [node.four, node.six]) putAddress(machine, address, { ...node, subject })
  const cell = (first: number) => ({ first, chunks: 1 })
  putCell(machine, subject, ingress, 0, cell(rows.nothing))
  putCell(machine, subject, egress, 0, cell(isSending ? rows.everything : rows.nothing))
}

for (const kind of [memory, kernel])
  describe(`tunnels of a node that policy isolates, in ${kind.name}`, () => {
    let machine: Typed

    before(function () {
      if (kind.isMissing) return this.skip()
      machine = kind.open({ variables: { weir_tunnel_port: udpPort } })
    })
    after(() => machine?.close())
    beforeEach(() => {
      empty(machine)
      fill(machine)
      know(machine, 4)
      judge(machine)
    })

    const run = (program: ProgramName, packet: Uint8Array): number =>
      machine.run(program, packet, machine.ifindex.n, 0, {}).result
    const datagram = (from: string, to: string, port = udpPort): Uint8Array =>
      frame({ from: there, to: here }, { from, to }, udp(50_000, port))
    const drops = (program: ProgramName, packet: Uint8Array, reason: number, what: string): void => {
      const before = dropsOf(machine, reason)
      expect(run(program, packet), what).to.equal(shot)
      expect(Number(dropsOf(machine, reason) - before), what).to.be.greaterThan(0)
    }

    for (const family of families) {
      const [own, peer, stranger] = [of(node, family), of(far, family), of(outside, family)]

      it(`IPv${family}: pass between nodes that are known, and for nobody else`, () => {
        expect(run('weir_from_device', datagram(peer, own))).to.equal(next)
        expect(run('weir_to_device', datagram(own, peer))).to.equal(next)
        drops('weir_from_device', datagram(stranger, own), reasons.denied, 'from no node')
        drops('weir_from_device', datagram(peer, own, udpPort + 1), reasons.denied, 'at another port')
        drops('weir_to_device', datagram(own, stranger), reasons.denied, 'to no node')
      })

      it(`IPv${family}: are told how much fits, and others are not`, () => {
        expect(run('weir_from_device', tooBig(stranger, own, datagram(own, peer), family))).to.equal(next)
        drops(
          'weir_from_device',
          tooBig(stranger, own, datagram(own, stranger), family),
          unrelated,
          'about another flow',
        )
      })

      it(`IPv${family}: carry what the node sends to others’ pods as far as its policy lets it`, () => {
        const segment = frame(
          { from: there, to: here },
          { from: own, to: of(far.pod, family) },
          tcp(4000, 80, flags.syn),
        )
        drops('weir_to_overlay', segment, reasons.denied, 'isolated')
        judge(machine, true)
        expect(run('weir_to_overlay', segment)).to.equal(ok)
      })
    }
  })

/** What a router says of a packet that doesn't fit. */
function tooBig(router: string, to: string, packet: Uint8Array, family: Family): Uint8Array {
  const inner = packet.subarray(14)
  const error = family === 4 ? icmpError(3, 4, inner, 1400) : icmpError(2, 0, inner, 1400)
  return frame({ from: there, to: here }, { from: router, to }, error)
}
