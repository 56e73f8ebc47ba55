import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventDraft } from '@weir/core/event/event.js'
import { EventLog, folderStorage } from '@weir/store'
import { createRecordCodec } from '@weir/store/log/record.js'
import { Level } from 'level'
import { type Bench, type Figure, median, type Ratio, timed } from './bench.js'
import { Closing } from './closing.js'
import { clusterLife } from './workload.js'

const durably: { readonly sync: boolean } = { sync: true }

export const bench: Bench = {
  name: 'append',
  summary: 'durable appends: the log against raw LevelDB batches of the same bytes, 64 writers, one writer',
  options: {
    events: { value: 60_000, help: 'events per round' },
    batches: { value: '100,1000', help: 'sizes: events per append and per raw batch' },
    rounds: { value: 7, help: 'rounds per size, log and raw by turns' },
    writers: { value: 64, help: 'concurrent writers of one event at a time' },
    seconds: { value: 2, help: 'how long the writers write, and the single one' },
  },
  async run(options, say) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-append-'))
    const closing = new Closing()
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const drafts = [...clusterLife(options.number('events'))]
      const codec = createRecordCodec()
      const records = drafts.map(draft => {
        const { buffer, start, end } = codec.encode(draft)
        return Buffer.from(buffer.subarray(start, end))
      })
      const bytes = records.reduce((sum, record) => sum + record.length, 0)
      const figures: Record<string, Figure> = {}
      const ratios: Record<string, Ratio> = {}
      for (const batch of options.text('batches').split(',').map(Number)) {
        const rates = await byTurns(folder, drafts, records, batch, options.number('rounds'), say)
        const ratio = (a: readonly number[], b: readonly number[]): number => median(a.map((rate, i) => rate / b[i]!))
        const by = `batches of ${batch}`
        figures[`log, ${by}`] = { value: median(rates.log), unit: 'events/s' }
        figures[`log, ${by}, four under way`] = { value: median(rates.piped), unit: 'events/s' }
        figures[`raw, ${by}, a value per event`] = { value: median(rates.raw), unit: 'events/s' }
        figures[`raw, ${by}, a value per batch`] = { value: median(rates.rawGrouped), unit: 'events/s' }
        ratios[`log / raw, ${by}`] = { value: ratio(rates.log, rates.raw), goal: { atLeast: 0.5 } }
        ratios[`log / raw, ${by}, four under way`] = { value: ratio(rates.piped, rates.raw) }
        ratios[`log / raw with a value per batch, ${by}`] = { value: ratio(rates.log, rates.rawGrouped) }
      }
      const writers = options.number('writers')
      const seconds = options.number('seconds')
      const many = await writing(join(folder, 'many'), drafts, writers, seconds)
      const one = await writing(join(folder, 'one'), drafts, 1, seconds)
      figures['concurrent writers, one event each'] = { value: many, unit: 'events/s', goal: { atLeast: 50_000 } }
      figures['one writer, one event at a time'] = { value: 1e6 / one, unit: 'µs per event' }
      const workload = {
        events: drafts.length,
        bytesPerEvent: bytes / drafts.length,
        rounds: options.number('rounds'),
        writers,
      }
      return { workload, figures, ratios }
    } finally {
      await closing.close()
    }
  },
}

interface Rates {
  readonly log: number[]
  readonly piped: number[]
  readonly raw: number[]
  readonly rawGrouped: number[]
}

/** Events per second of each way to write, measured one after the other in every round. */
async function byTurns(
  folder: string,
  drafts: readonly EventDraft[],
  records: readonly Buffer[],
  batch: number,
  rounds: number,
  say: (line: string) => void,
): Promise<Rates> {
  const rates: Rates = { log: [], piped: [], raw: [], rawGrouped: [] }
  const path = join(folder, 'turn')
  const turn = async (into: number[], seconds: Promise<number>): Promise<void> => {
    into.push(records.length / (await seconds))
    await rm(path, { recursive: true })
  }
  for (let round = 0; round < rounds; round++) {
    await turn(rates.raw, raw(path, records, batch))
    await turn(rates.log, viaLog(path, drafts, batch, 1))
    await turn(rates.piped, viaLog(path, drafts, batch, 4))
    await turn(rates.rawGrouped, rawGrouped(path, records, batch))
    say(`batches of ${batch}: log ${Math.round(rates.log[round]!)}, raw ${Math.round(rates.raw[round]!)} events/s`)
  }
  return rates
}

const openLog = (path: string): Promise<EventLog> =>
  EventLog.open({ storage: folderStorage({ path, holder: { pid: process.pid, command: 'bench', since: 0 } }) })

async function viaLog(path: string, drafts: readonly EventDraft[], batch: number, underWay: number): Promise<number> {
  const log = await openLog(path)
  const seconds = await timed(async () => {
    const waiting: Promise<unknown>[] = []
    for (let at = 0; at < drafts.length; at += batch) {
      waiting.push(log.append(drafts.slice(at, at + batch)))
      if (waiting.length >= underWay) await waiting.shift()
    }
    await Promise.all(waiting)
  })
  await log.close()
  return seconds
}

/** With the write buffer that the log has, so that both compact alike. */
const openRaw = (path: string): Level<Buffer, Buffer> =>
  new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer', writeBufferSize: 16 << 20 })

/** What one would write by hand: each event under its number, a synced chained batch at a time. */
async function raw(path: string, records: readonly Buffer[], batch: number): Promise<number> {
  const database = openRaw(path)
  await database.open()
  const seconds = await timed(async () => {
    for (let at = 0; at < records.length; at += batch) {
      const chained = database.batch()
      for (let i = at; i < Math.min(at + batch, records.length); i++) {
        const key = Buffer.allocUnsafe(7)
        key[0] = 101
        key.writeUIntBE(i + 1, 1, 6)
        chained.put(key, records[i] as Buffer)
      }
      await chained.write(durably)
    }
  })
  await database.close()
  return seconds
}

/** The floor for a layout such as the log's: the bytes of a batch as one value, without hashes. */
async function rawGrouped(path: string, records: readonly Buffer[], batch: number): Promise<number> {
  const database = openRaw(path)
  await database.open()
  const seconds = await timed(async () => {
    for (let at = 0; at < records.length; at += batch) {
      const key = Buffer.allocUnsafe(7)
      key[0] = 101
      key.writeUIntBE(at + 1, 1, 6)
      await database
        .batch()
        .put(key, Buffer.concat(records.slice(at, at + batch)))
        .write(durably)
    }
  })
  await database.close()
  return seconds
}

/** Events per second that `writers` get through when each awaits its event before the next. */
async function writing(path: string, drafts: readonly EventDraft[], writers: number, seconds: number): Promise<number> {
  const log = await openLog(path)
  let done = 0
  let next = 0
  let over = false
  const timer = setTimeout(() => {
    over = true
  }, seconds * 1000)
  const write = async (): Promise<void> => {
    while (!over) {
      await log.append([drafts[next++ % drafts.length] as EventDraft])
      done++
    }
  }
  const spent = await timed(() => Promise.all(Array.from({ length: writers }, write)))
  clearTimeout(timer)
  await log.close()
  return done / spent
}
