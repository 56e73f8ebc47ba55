import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseStorage, type FlowDamage, type FlowRow, flowRow, FlowStore, type LogDatabase } from '@weir/store'
import { privateCopyStorage, type ReadFlows, selectRows } from '@weir/store'
import { blockRowsMost, encodeBlock } from '@weir/store/flows/encode.js'
import { blockKey, windowKey } from '@weir/store/flows/layout.js'
import { binary } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { codeOf } from './conformance.js'
import { FaultyLevel } from './faulty-level.js'
import { anyFlow, columnsOf, inTime, type WrittenFlow } from './flow-rows.js'
import { memoryPlace, storageAt } from './places.js'

/** A row as a test writes it. */
const written = ({ source, destination, ...rest }: FlowRow): WrittenFlow => ({
  ...rest,
  source: source.address,
  destination: destination.address,
  sourceIdentity: source.identity,
  destinationIdentity: destination.identity,
})

async function read(store: FlowStore, query: ReadFlows = {}): Promise<WrittenFlow[]> {
  const rows: WrittenFlow[] = []
  for await (const block of store.read(query))
    for (const at of selectRows(block, query)) rows.push(written(flowRow(block, at)))
  return rows
}

const text = (flow: WrittenFlow): string => JSON.stringify(Object.entries(flow).sort(([a], [b]) => (a < b ? -1 : 1)))
const sorted = (flows: readonly WrittenFlow[]): string[] => flows.map(text).sort()

/** A day of windows of ten seconds, an hour apart. */
const windowsOf = (windows: readonly (readonly WrittenFlow[])[]): WrittenFlow[][] =>
  windows.map((flows, at) => inTime(flows, 1_700_000_000_000 + at * 3_600_000, 100 * at))

async function filled(database: LogDatabase, windows: readonly (readonly WrittenFlow[])[]): Promise<FlowStore> {
  const store = await FlowStore.open(databaseStorage(database))
  for (const window of windows) await store.append(columnsOf(window))
  return store
}

const newDatabase = (): LogDatabase => new MemoryLevel() as unknown as LogDatabase
const oneOf = (count: number): readonly WrittenFlow[] => fc.sample(anyFlow, { numRuns: count, seed: 7 })

describe('flow history', () => {
  it('gives back every field of every flow, ordered by sequence', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyFlow, { minLength: 1, maxLength: 40 }), { maxLength: 4 }), async drawn => {
        const windows = windowsOf(drawn)
        const store = await filled(newDatabase(), windows)
        const rows = await read(store)
        expect(sorted(rows)).to.deep.equal(sorted(windows.flat()))
        expect(rows.map(({ seq }) => seq)).to.deep.equal(rows.map(({ seq }) => seq).sort((a, b) => a - b))
        await store.close()
      }),
      { numRuns: 60 },
    )
  })

  it('lets others go on several times while it encodes a block', () => {
    const steps = encodeBlock(columnsOf(inTime(oneOf(blockRowsMost), 1_700_000_000_000, 0)), 0, blockRowsMost)
    let count = 0
    while (steps.next().done !== true) count++
    expect(count).to.be.at.least(6)
  })

  it('answers each question as a walk over all flows would', async () => {
    const some = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<Item[] | undefined> =>
      fc.option(fc.array(item, { minLength: 1, maxLength: 2 }), { nil: undefined })
    const time = fc.option(fc.integer({ min: 0, max: 4 * 3_600_000 }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyFlow, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        time,
        time,
        some(fc.constantFrom('10.0.0.1', 'fd00::2', '192.0.2.77', '192.0.2.78')),
        some(fc.constantFrom(80, 443)),
        some(fc.constantFrom('allowed' as const, 'dropped' as const)),
        some(fc.constantFrom(133, 0)),
        some(fc.constantFrom(6, 1)),
        async (drawn, since, until, addresses, ports, verdicts, reasons, protocols) => {
          const windows = windowsOf(drawn)
          const [sinceMs, untilMs] = [since, until].map(ms => (ms === undefined ? ms : ms + 1_700_000_000_000))
          const given = { sinceMs, untilMs, addresses, ports, verdicts, reasons, protocols }
          const query = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
          const store = await filled(newDatabase(), windows)
          const wanted = windows
            .flat()
            .filter(
              flow =>
                flow.lastMs >= (sinceMs ?? 0) &&
                flow.firstMs <= (untilMs ?? Number.POSITIVE_INFINITY) &&
                (addresses === undefined || addresses.some(each => [flow.source, flow.destination].includes(each))) &&
                (ports?.some(each => each === flow.port) ?? true) &&
                (verdicts?.some(each => each === flow.verdict) ?? true) &&
                (reasons?.some(each => each === flow.reason) ?? true) &&
                (protocols?.some(each => each === flow.protocol) ?? true),
            )
          expect(sorted(await read(store, query))).to.deep.equal(sorted(wanted))
          await store.close()
        },
      ),
      { numRuns: 100 },
    )
  })

  it('keeps windows of more rows than a block has', async () => {
    const flows = inTime(oneOf(2 * blockRowsMost + 1), 1_700_000_000_000, 5)
    const store = await filled(newDatabase(), [flows])
    expect(sorted(await read(store))).to.deep.equal(sorted(flows))
    await store.close()
  })

  it('reads the newest window first when asked to', async () => {
    const store = await filled(newDatabase(), windowsOf([oneOf(3), oneOf(3)]))
    const times = (await read(store, { newestFirst: true })).map(({ firstMs }) => firstMs)
    expect(times[0]).to.be.greaterThan(times.at(-1)!)
    await store.close()
  })

  it('inflates no block that lacks the address asked for', async () => {
    const elsewhere = oneOf(50).filter(flow => flow.source !== '192.0.2.77' && flow.destination !== '192.0.2.77')
    const there = { ...oneOf(1)[0]!, source: '192.0.2.77', destination: '10.0.0.1' }
    const store = await filled(newDatabase(), windowsOf([elsewhere, [there], elsewhere]))
    let blocks = 0
    for await (const block of store.read({ addresses: ['192.0.2.77'] })) blocks += Math.min(1, block.count)
    expect(blocks).to.equal(1)
    await store.close()
  })

  it('lets go of what is too old, and of the oldest where it grows too large', async () => {
    const windows = windowsOf([oneOf(20), oneOf(20), oneOf(20), oneOf(20)])
    const store = await filled(newDatabase(), windows)
    const { sizeBytes, rows } = store.figures
    expect(rows).to.equal(80)
    const nowMs = 1_700_000_000_000 + 3 * 3_600_000
    expect(await store.trim(nowMs, { ageMs: 2.5 * 3_600_000, sizeBytes })).to.equal(20)
    expect(sorted(await read(store))).to.deep.equal(sorted(windows.slice(1).flat()))
    expect(await store.trim(nowMs, { ageMs: 1e15, sizeBytes: sizeBytes / 4 + 10 })).to.equal(40)
    expect(sorted(await read(store))).to.deep.equal(sorted(windows[3]!))
    expect(store.figures).to.deep.include({ rows: 20, windows: 1 })
    await store.append(columnsOf(inTime(oneOf(2), 1_800_000_000_000, 900)))
    expect(await read(store)).to.have.length(22)
    await store.close()
  })

  it('trims by age what a clock that jumped ahead wrote before', async () => {
    const [ahead, now] = [inTime(oneOf(2), 1_900_000_000_000, 1), inTime(oneOf(3), 1_700_000_000_000, 9)]
    const store = await filled(newDatabase(), [ahead, now])
    expect(await store.trim(1_700_000_900_000, { ageMs: 600_000, sizeBytes: 1e9 })).to.equal(3)
    expect(sorted(await read(store))).to.deep.equal(sorted(ahead))
    await store.close()
  })

  it('goes on where it stopped, in a folder, and is readable as a copy meanwhile', async () => {
    const path = await mkdtemp(join(tmpdir(), 'weir-spec-flows-'))
    try {
      const windows = windowsOf([oneOf(5), oneOf(5)])
      for (const window of windows) {
        const store = await FlowStore.open(storageAt(path))
        await store.append(columnsOf(window))
        await store.close()
      }
      const held = await FlowStore.open(storageAt(path))
      const copy = await FlowStore.open(privateCopyStorage({ path, whileHeld: true }))
      expect(sorted(await read(copy))).to.deep.equal(sorted(windows.flat()))
      expect(copy.figures).to.deep.equal(held.figures)
      await copy.close()
      await held.close()
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  })

  it('tells which window is damaged, and reads the others', async () => {
    const windows = windowsOf([oneOf(5), oneOf(6), oneOf(7)])
    const database = newDatabase()
    await (await filled(database, windows)).close()
    await database.open()
    const block = Buffer.from((await database.get<Buffer, Buffer>(blockKey(2, 0), binary))!)
    for (let at = 0; at < block.length; at += 7) {
      const bent = Buffer.from(block)
      bent[at] = bent[at]! ^ 0x10
      await database.put(blockKey(2, 0), bent, binary)
      await database.close()
      const store = await FlowStore.open(databaseStorage(database))
      expect(await codeOf(read(store))).to.equal('WEIR_FLOWS_DAMAGED')
      const damage: FlowDamage[] = []
      const rows = await read(store, { onDamage: each => damage.push(each) })
      expect(damage.map(({ window }) => window)).to.deep.equal([2])
      expect(sorted(rows)).to.deep.equal(sorted([...windows[0]!, ...windows[2]!]))
      await store.close()
      await database.open()
    }
    await database.put(blockKey(2, 0), block, binary)
    await database.del(blockKey(3, 0), binary)
    await database.put(windowKey(1), Buffer.from([0xc1]), binary)
    await database.close()
    const store = await FlowStore.open(databaseStorage(database))
    const damage: FlowDamage[] = []
    expect(sorted(await read(store, { onDamage: each => damage.push(each) }))).to.deep.equal(sorted(windows[1]!))
    expect(damage.map(({ window }) => window)).to.deep.equal([1, 3])
    await store.close()
  })

  it('refuses what something else wrote', async () => {
    const { database, storage } = memoryPlace()
    await database.open()
    await database.put(Buffer.from('x'), Buffer.from('y'), binary)
    expect(await codeOf(FlowStore.open(storage()))).to.equal('WEIR_FLOWS_UNREADABLE')
    expect(await codeOf(FlowStore.open({ ...databaseStorage(newDatabase()), readOnly: true }))).to.equal(
      'WEIR_FLOWS_UNREADABLE',
    )
  })

  it('keeps nothing of a window that could not be written, and takes the next', async () => {
    const database = new FaultyLevel()
    const store = await filled(database.asLog, [])
    const [lost, kept] = windowsOf([oneOf(5), oneOf(6)])
    database.fault = () => {
      throw new Error('no space left on device')
    }
    expect(await codeOf(store.append(columnsOf(lost!)))).to.equal('WEIR_FLOWS_WRITE_FAILED')
    database.fault = () => undefined
    await store.append(columnsOf(kept!))
    expect(sorted(await read(store))).to.deep.equal(sorted(kept!))
    expect(store.figures.rows).to.equal(6)
    await store.close()
    expect(await codeOf(store.append(columnsOf(kept!)))).to.equal('WEIR_FLOWS_WRITE_FAILED')
  })
})
