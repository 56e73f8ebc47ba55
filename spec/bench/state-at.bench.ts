import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { recordEngine } from '@weir/adapters/agent/restore.js'
import { Engine } from '@weir/core'
import type { EventDraft } from '@weir/core/event/event.js'
import { EventLog, folderStorage } from '@weir/store'
import { type Bench, median, timed } from './bench.js'
import { Closing } from './closing.js'
import { clusterLife } from './workload.js'

const weir = join(dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))), '../../bin/weir.mjs')

export const bench: Bench = {
  name: 'state-at',
  summary: 'a question about a past event or time of a long log: `weir why --at`, the whole command',
  options: {
    events: { value: 1_000_000, help: 'events in the log' },
    pods: { value: 5_000, help: 'pods alive at a time' },
    namespaces: { value: 50, help: 'namespaces' },
    snapshot: { value: 10_000, help: 'events between two snapshots, before they are thinned out' },
    moments: { value: 10, help: 'moments that snapshots are far from, each asked for by event and by time' },
  },
  async run(options, say) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-state-at-'))
    const closing = new Closing()
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const path = join(folder, 'log')
      const events = options.number('events')
      const life = { namespaces: options.number('namespaces'), pods: options.number('pods') }
      say(`writing ${events} events`)
      const snapshots = await write(path, clusterLife(events, life), options.number('snapshot'))
      const count = options.number('moments')
      const took: Record<'event' | 'time', number[]> = { event: [], time: [] }
      for (let at = 0; at < count; at++) {
        const seq = lastBeforeSnapshot(snapshots, Math.max(1, Math.floor((events * (at + 0.9)) / count)))
        // The clock of these logs goes on by 20 ms an event.
        const time = new Date(1_700_000_000_000 + seq * 20).toISOString()
        const answers = new Set<string>()
        for (const [kind, moment] of [
          ['event', `@${seq}`],
          ['time', time],
        ] as const) {
          const seconds = await timed(async () => {
            const asked = ['why', '10.0.0.1', '10.1.0.1:80', '--log', path, '--at', moment]
            const { stdout } = await promisify(execFile)(process.execPath, [weir, ...asked])
            answers.add(stdout)
          })
          took[kind].push(seconds)
          say(`${moment}: ${seconds.toFixed(2)} s`)
        }
        if (answers.size > 1) throw new Error(`event ${seq} and its time have other states`)
      }
      const start = await timed(() => promisify(execFile)(process.execPath, [weir, '--version']))
      return {
        workload: { events, ...life, snapshots: snapshots.length, 'widest gap': widest(snapshots, events) },
        figures: {
          'by event, middle': { value: median(took.event), unit: 's', goal: { atMost: 1 } },
          'by event, slowest': { value: Math.max(...took.event), unit: 's', goal: { atMost: 1 } },
          'by time, middle': { value: median(took.time), unit: 's', goal: { atMost: 1 } },
          'by time, slowest': { value: Math.max(...took.time), unit: 's', goal: { atMost: 1 } },
          'of which starting the command': { value: start, unit: 's' },
        },
        ratios: { 'by time / by event': { value: median(took.time) / median(took.event) } },
      }
    } finally {
      await closing.close()
    }
  },
}

/** Writes a log as an agent does, with its snapshots; returns those that are left. */
async function write(path: string, life: Iterable<EventDraft>, every: number): Promise<readonly number[]> {
  const holder = { pid: process.pid, command: 'bench', since: 0 }
  const log = await EventLog.open({ storage: folderStorage({ path, holder }) })
  const engine = new Engine()
  let batch: EventDraft[] = []
  const commit = async (): Promise<void> => {
    const { first } = await log.append(batch)
    engine.fold(batch.map((draft, at) => ({ ...draft, seq: first + at })))
    batch = []
    if (engine.seq % every < 1000) await recordEngine(log, engine, 'bench')
  }
  for (const draft of life) if (batch.push(draft) === 1000) await commit()
  if (batch.length > 0) await commit()
  const snapshots = await log.snapshots.list('engine')
  await log.close()
  return snapshots
}

/** The moment that has the most events behind the snapshot before it, of those around a moment. */
const lastBeforeSnapshot = (snapshots: readonly number[], seq: number): number =>
  (snapshots.find(each => each >= seq) ?? seq + 1) - 1

const widest = (snapshots: readonly number[], events: number): number =>
  Math.max(...[...snapshots, events].map((seq, at) => seq - (snapshots[at - 1] ?? 0)))
