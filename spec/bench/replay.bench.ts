import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { EventDraft } from '@weir/core/event/event.js'
import { EventLog, folderStorage } from '@weir/store'
import { type Bench, median } from './bench.js'
import { Closing } from './closing.js'
import { clusterLife } from './workload.js'

const phases = ['scan', 'unpack', 'fold'] as const
type Phase = (typeof phases)[number]

/** What one walk over the log, in a process of its own, took. */
interface Walk {
  readonly events: number
  readonly seconds: number
  /** Time on processors, which other work on the machine changes less than wall time. */
  readonly cpuSeconds: number
  /** Settling the tables after the last event; 0 but for `fold`. */
  readonly settleSeconds: number
  readonly peakMiB: number
}

export const bench: Bench = {
  name: 'replay',
  summary: 'a log from its first event to its last: raw scan, scan and unpack, fold through the engine',
  options: {
    events: { value: 1_000_000, help: 'events in the log' },
    pods: { value: 5_000, help: 'pods alive at a time' },
    namespaces: { value: 50, help: 'namespaces' },
    rounds: { value: 3, help: 'walks of each kind, by turns' },
  },
  async run(options, say) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-replay-'))
    const closing = new Closing()
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const path = join(folder, 'log')
      const events = options.number('events')
      const life = { namespaces: options.number('namespaces'), pods: options.number('pods') }
      say(`writing ${events} events`)
      await write(path, clusterLife(events, life))
      const walks: Record<Phase, Walk[]> = { scan: [], unpack: [], fold: [] }
      for (let round = 0; round < options.number('rounds'); round++) {
        for (const phase of phases) {
          const walk = await walkApart(path, phase)
          walks[phase].push(walk)
          say(`${phase}: ${Math.round(walk.events / walk.seconds)} events/s, peak ${Math.round(walk.peakMiB)} MiB`)
        }
      }
      const rate = (phase: Phase): number => median(walks[phase].map(walk => walk.events / walk.seconds))
      const over = (phase: Phase, of: (walk: Walk) => number): number => median(walks[phase].map(of))
      return {
        workload: { events, ...life, rounds: options.number('rounds') },
        figures: {
          'raw scan': { value: rate('scan'), unit: 'events/s' },
          'scan and unpack': { value: rate('unpack'), unit: 'events/s' },
          'fold replay': { value: rate('fold'), unit: 'events/s', goal: { atLeast: 300_000 } },
          'processor time, unpack': {
            value: over('unpack', walk => (walk.cpuSeconds * 1e6) / walk.events),
            unit: 'µs per event',
          },
          'processor time, fold': {
            value: over('fold', walk => (walk.cpuSeconds * 1e6) / walk.events),
            unit: 'µs per event',
          },
          'settling the tables afterwards': { value: over('fold', walk => walk.settleSeconds), unit: 's' },
          'peak memory, unpack': { value: over('unpack', walk => walk.peakMiB), unit: 'MiB' },
          'peak memory, fold': { value: over('fold', walk => walk.peakMiB), unit: 'MiB', goal: { atMost: 1024 } },
        },
        ratios: { 'fold / unpack': { value: rate('fold') / rate('unpack') } },
      }
    } finally {
      await closing.close()
    }
  },
}

async function write(path: string, life: Iterable<EventDraft>): Promise<void> {
  const log = await EventLog.open({
    storage: folderStorage({ path, holder: { pid: process.pid, command: 'bench', since: 0 } }),
  })
  let batch: EventDraft[] = []
  for (const draft of life) {
    if (batch.push(draft) < 1000) continue
    await log.append(batch)
    batch = []
  }
  await log.append(batch)
  await log.close()
}

/** In a process of its own, so that its memory is that of the walk. */
async function walkApart(path: string, phase: Phase): Promise<Walk> {
  const child = fileURLToPath(new URL('./replay-walk.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [child, path, phase])
  return JSON.parse(stdout) as Walk
}
