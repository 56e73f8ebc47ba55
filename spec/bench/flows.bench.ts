import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type FlowColumns, FlowStore, folderStorage, type ReadFlows, selectRows } from '@weir/store'
import { Level } from 'level'
import { type Bench, timed } from './bench.js'
import { Closing } from './closing.js'
import { flowWindow } from './flow-life.js'

export const bench: Bench = {
  name: 'flows',
  summary: 'flow history: bytes per aggregated flow against LevelDB by itself and gzipped NDJSON, writing and asking',
  options: {
    windows: { value: 100, help: 'windows of ten seconds' },
    rows: { value: 2000, help: 'aggregated flows a window' },
    pods: { value: 500, help: 'pods that they are between' },
    events: { value: 3, help: 'events of the log a window' },
  },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-flows-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const life = {
        pods: options.number('pods'),
        rowsPerWindow: options.number('rows'),
        eventsPerWindow: options.number('events'),
        seed: 1,
      }
      const windows = Array.from({ length: options.number('windows') }, (_, at) => flowWindow(life, at))
      const flows = windows.reduce((sum, { count }) => sum + count, 0)
      const holder = { pid: process.pid, command: 'bench', since: 0 }
      const store = await FlowStore.open(folderStorage({ path: join(folder, 'flows'), holder }))
      const start = process.cpuUsage()
      for (const window of windows) await store.append(window)
      const writing = process.cpuUsage(start)
      say(`${flows} flows written`)
      const all = await asking(store, {})
      const rare = await asking(store, { addresses: [rareAddress(windows)] })
      const none = await asking(store, { addresses: ['198.51.100.1'] })
      const body = store.figures.sizeBytes / flows
      await store.close()
      const stored = (await sizeOf(join(folder, 'flows', 'db'))) / flows
      const lines = windows.flatMap(linesOf)
      const raw = await rawSize(join(folder, 'raw'), lines)
      const zipped = gzipSync(lines.join('\n')).length
      return {
        workload: { flows, windows: windows.length, pods: life.pods },
        figures: {
          'bytes per flow, blocks': { value: body, unit: 'B' },
          'bytes per flow, on disk': { value: stored, unit: 'B' },
          'bytes per flow, LevelDB with a JSON value per flow': { value: raw / flows, unit: 'B' },
          'bytes per flow, gzipped NDJSON': { value: zipped / flows, unit: 'B' },
          'CPU time to write': { value: (writing.user + writing.system) / flows, unit: 'µs per flow' },
          'reading all': { value: flows / all.seconds, unit: 'flows/s' },
          'asking for an address seen once': { value: 1000 * rare.seconds, unit: 'ms' },
          'asking for an address never seen': { value: 1000 * none.seconds, unit: 'ms' },
        },
        ratios: {
          'disk / LevelDB with a JSON value per flow': { value: (stored * flows) / raw, goal: { atMost: 0.25 } },
          'disk / gzipped NDJSON': { value: (stored * flows) / zipped, goal: { atMost: 1 } },
          'address never seen / reading all': { value: none.seconds / all.seconds, goal: { atMost: 0.5 } },
        },
      }
    } finally {
      await closing.close()
    }
  },
}

async function asking(
  store: FlowStore,
  query: ReadFlows,
): Promise<{ readonly seconds: number; readonly rows: number }> {
  let rows = 0
  const seconds = await timed(async () => {
    for await (const block of store.read(query)) rows += selectRows(block, query).length
  })
  return { seconds, rows }
}

/** The stranger of the first row of the window in the middle. */
function rareAddress(windows: readonly FlowColumns[]): string {
  const { addresses } = windows[windows.length >> 1]!
  return addresses.subarray(0, 4).join('.')
}

/** What one would write by hand: one object a flow, with what it needs and short names. */
function linesOf(columns: FlowColumns): string[] {
  const address = (at: number): string => columns.addresses.subarray(at, at + 4).join('.')
  return Array.from({ length: columns.count }, (_, row) =>
    JSON.stringify({
      src: address(32 * row),
      dst: address(32 * row + 16),
      sid: columns.sourceIdentity[row],
      did: columns.destinationIdentity[row],
      proto: columns.protocol[row],
      port: columns.port[row],
      verdict: columns.verdict[row],
      reason: columns.reason[row],
      marks: columns.marks[row],
      flags: columns.tcpFlags[row],
      packets: columns.packets[row],
      bytes: columns.bytes[row],
      first: columns.firstMs[row],
      last: columns.lastMs[row],
      seq: columns.seq[row],
    }),
  )
}

async function rawSize(path: string, lines: readonly string[]): Promise<number> {
  const database = new Level<string, string>(path)
  await database.open()
  for (let at = 0; at < lines.length; at += 1000) {
    const batch = database.batch()
    for (const [index, line] of lines.slice(at, at + 1000).entries())
      batch.put((at + index).toString(36).padStart(8, '0'), line)
    await batch.write()
  }
  const level = database as unknown as { compactRange(start: string, end: string): Promise<void> }
  await level.compactRange('', '~')
  await database.close()
  return sizeOf(path)
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0
  for (const name of await readdir(folder)) if (!name.startsWith('LOG')) size += (await stat(join(folder, name))).size
  return size
}
