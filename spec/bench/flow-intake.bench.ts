import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { FlowAggregator } from '@weir/adapters/flows/aggregator.js'
import type { EventBody } from '@weir/core'
import { codecs, eventKinds } from '@weir/datapath/codec/maps.js'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'

export const bench: Bench = {
  name: 'flow-intake',
  summary:
    'packets told of, from the kernel into aggregated flows: CPU time of the agent, and policy updates meanwhile',
  options: {
    flows: { value: 4096, help: 'sources of the flood, each a flow' },
    seconds: { value: 8, help: 'how long the flood lasts' },
    rate: { value: 250_000, help: 'packets a second of the flood' },
    records: { value: 2_000_000, help: 'records summed up by themselves' },
  },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-intake-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const [flows, seconds, rate] = [options.number('flows'), options.number('seconds'), options.number('rate')]
      const alone = summing(options.number('records'), flows)
      say(`summing up alone: ${alone.toFixed(0)} ns a record`)
      const node = `intake${process.pid}`
      const agent = await createAgent({
        ...{ stateFolder: folder, node, backend: 'kernel', clock: systemClock, devices: [] },
        flowHistory: { ageMs: 3_600_000, sizeBytes: 2 ** 30 },
        flowEventsPerSecond: 2 ** 32 - 1,
      })
      closing.add(async () => {
        await agent.stop()
        const pins = createKernelBackend({ node })
        pins.uninstall()
        pins.close()
      })
      const disk = await syncing(join(folder, 'disk'), seconds / 4)
      const idle = await updating(change => agent.submit('bench', [change]), seconds / 4)
      const flood = fork(fileURLToPath(new URL('./flood.js', import.meta.url)), [node, String(flows), String(rate)])
      closing.add(async () => {
        if (flood.exitCode !== null || flood.signalCode !== null) return
        const gone = once(flood, 'exit')
        flood.kill('SIGTERM')
        await gone
      })
      await once(flood, 'message')
      const [before, start, clock] = [agent.history!.figures, process.cpuUsage(), process.hrtime.bigint()]
      const meanwhile = await updating(change => agent.submit('bench', [change]), seconds)
      const spent = process.cpuUsage(start)
      const wall = Number(process.hrtime.bigint() - clock) / 1e9
      const after = agent.history!.figures
      const packets = after.packets - before.packets
      const lost = after.lostPackets - before.lostPackets
      const cpuSeconds = (spent.user + spent.system) / 1e6
      const { tallies } = agent.datapath.figures()
      return {
        workload: { flows, rate, seconds, updates: meanwhile.count },
        figures: {
          'summing up alone': { value: alone, unit: 'ns of CPU time per packet' },
          'packets taken by the agent': { value: packets / wall, unit: 'packets/s' },
          'of them lost': { value: lost / wall, unit: 'packets/s' },
          'lost in the ring': { value: (tallies.events_lost ?? 0) / wall, unit: 'packets/s' },
          'all threads of the agent, per packet': { value: (cpuSeconds * 1e6) / packets, unit: 'µs of CPU time' },
          'packets per second of CPU time': {
            value: packets / cpuSeconds,
            unit: 'packets/s',
            goal: { atLeast: 200_000 },
          },
          'event to map in the flood, p50': { value: meanwhile.p50, unit: 'ms' },
          'event to map in the flood, p99': { value: meanwhile.p99, unit: 'ms', goal: { atMost: 5 } },
          'the disk alone, a write and its sync, p50': { value: disk.p50, unit: 'ms' },
          'the disk alone, a write and its sync, p99': { value: disk.p99, unit: 'ms' },
          'event to map without, p50': { value: idle.p50, unit: 'ms' },
          'event to map without, p99': { value: idle.p99, unit: 'ms' },
        },
        ratios: {
          'p50 in the flood / without': { value: meanwhile.p50 / idle.p50 },
          'p99 in the flood / of the disk alone': { value: meanwhile.p99 / disk.p99 },
        },
      }
    } finally {
      await closing.close()
    }
  },
}

/** Nanoseconds of CPU time that a record takes; the least of five rounds. */
function summing(records: number, flows: number): number {
  const { size } = codecs.event
  const data = new Uint8Array(flows * size)
  for (let at = 0; at < flows; at++) {
    codecs.event.write(data, at * size, {
      ...codecs.event.read(new Uint8Array(size)),
      ...{ kind: eventKinds.WEIR_EVENT_DROP!, reason: 133, family: 4, protocol: 6, destination_port: 80, length: 60 },
      source: Uint8Array.from({ length: 16 }, (_, byte) => (byte < 4 ? (at >> (8 * (3 - byte))) & 255 : 0)),
    })
  }
  const aggregator = new FlowAggregator(65_536)
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const start = process.cpuUsage()
    for (let done = 0; done < records; done += flows) aggregator.add(data, 0, flows, 1, done)
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, ((user + system) * 1000) / records)
    aggregator.clear()
  }
  return least
}

interface Delays {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

/** Submits a change every few milliseconds; milliseconds until each was in the maps. */
const updating = (submit: (change: EventBody) => Promise<unknown>, seconds: number): Promise<Delays> =>
  delays(seconds, number =>
    submit({
      kind: 'pod.upserted',
      pod: {
        ...{ namespace: 'bench', name: `pod-${number % 50}`, labels: { app: `a${number % 7}` } },
        ...{ serviceAccount: 'default', node: 'elsewhere', hostNetwork: false, ports: [] },
        addresses: [`10.9.0.${1 + (number % 50)}`],
      },
    }),
  )

/** An event is on the disk before anything follows from it, so that nothing is in the maps sooner than this. */
async function syncing(path: string, seconds: number): Promise<Delays> {
  const file = await open(path, 'w')
  try {
    const bytes = new Uint8Array(200)
    return await delays(seconds, async () => {
      await file.write(bytes)
      await file.datasync()
    })
  } finally {
    await file.close()
  }
}

async function delays(seconds: number, work: (number: number) => Promise<unknown>): Promise<Delays> {
  const times: number[] = []
  const end = Date.now() + seconds * 1000
  for (let number = 0; Date.now() < end; number++) {
    const start = process.hrtime.bigint()
    await work(number)
    times.push(Number(process.hrtime.bigint() - start) / 1e6)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0
  return { p50: at(0.5), p99: at(0.99), count: times.length }
}
