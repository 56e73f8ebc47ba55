import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type BpfObject, loadObject } from 'ebpf-napi'
import { makeDevices } from './packets/devices.js'
import { of } from './packets/fixture.js'
import { outward } from './packets/fixtures/host-world.js'
import { flags, frame, tcp } from './packets/frames.js'
import { contextOf, machineOf } from './packets/kernel-machine.js'
import { masquerading } from './packets/leaving-world.js'
import { objectPath, type Typed, typed } from './packets/machine.js'
import { emptyPairs, pairSizes, pairVariables } from './packets/pairs.js'
import { quickSizes, quickVariables } from './packets/quick.js'
import type { Race, Raced } from './packets/racer.js'
import { whyNoKernel } from './packets/requires.js'
import { a, b, fill, outside } from './packets/world.js'

const racer = fileURLToPath(new URL('./packets/racer.js', import.meta.url))
const mark = 0x05700000
const next = -1
const flows = 300
const rounds = 40
const [first, last] = [2000, 2999]

/** One for each of two CPUs. */
async function racers(): Promise<ChildProcess[]> {
  const started = ['0', '1'].map(cpu =>
    spawn('taskset', ['-c', cpu, process.execPath, racer], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  )
  await Promise.all(started.map(child => once(child, 'message')))
  return started
}

/** Runs what each is given, at the same time. */
function run(children: readonly ChildProcess[], races: readonly Race[]): Promise<readonly Raced[]> {
  const ends = children.map(child => once(child, 'message') as Promise<[Raced]>)
  for (const [at, child] of children.entries()) child.send(races[at]!)
  return Promise.all(ends.map(async end => (await end)[0]))
}

const missing = whyNoKernel()
const title = `pairs that two CPUs open at the same time${missing === undefined ? '' : ` (${missing})`}`

describe(title, function () {
  this.timeout(60_000)
  let object: BpfObject | undefined
  let devices: ReturnType<typeof makeDevices> | undefined
  let machine: Typed
  let children: ChildProcess[] = []

  before(async function () {
    if (missing !== undefined || availableParallelism() < 2) this.skip()
    devices = makeDevices()
    const ports = { weir_nat_first_port: first, weir_nat_last_port: last }
    object = loadObject(objectPath, {
      maxEntries: { ...pairSizes, ...quickSizes },
      variables: { ...quickVariables, ...pairVariables, ...ports, weir_coarse_clock: 1 },
    })
    machine = typed(machineOf(object), devices.ifindex)
    fill(machine)
    masquerading().change(machine)
    children = await racers()
  })
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    machine?.close()
    devices?.close()
  })

  for (const family of [4, 6] as const)
    it(`IPv${family}: no two flows get one port`, async () => {
      const { id: program } = object!.programs.get('weir_to_device')!.info()
      const context = Buffer.from(contextOf(machine.ifindex.n, mark)).toString('base64')
      const races = [a, b].map((who): Race => {
        const ends = { from: of(who, family), to: of(outside, family) }
        const packets = Array.from({ length: flows }, (_, at) => frame(outward, ends, tcp(3000 + at, 80, flags.syn)))
        const frames = packets.map(packet => Buffer.from(packet).toString('base64'))
        return { program, context, frames, portAt: family === 4 ? 34 : 54 }
      })
      let moved = 0
      for (let round = 0; round < rounds; round++) {
        emptyPairs(machine)
        const taken = new Map<number, string>()
        for (const [cpu, results] of (await run(children, races)).entries())
          for (const [at, [result, port]] of results.entries()) {
            expect(result, `flow ${at} of CPU ${cpu}`).to.equal(next)
            expect(taken.get(port), `port ${port} in round ${round}: flow ${at} of CPU ${cpu}, and`).to.equal(undefined)
            taken.set(port, `flow ${at} of CPU ${cpu}`)
            if (port <= last) moved++
          }
      }
      expect(moved, 'one of each two had to give way').to.equal(rounds * flows)
    })
})
