import type { WeirEvent } from '@weir/core/event/event.js'
import type { WeirError } from '@weir/core/errors.js'
import { databaseStorage, EventLog, type LogDatabase, type LogFinding } from '@weir/store'
import { decodeGroup, encodeGroup, recordOf } from '@weir/store/log/group.js'
import { binary, groupKey, headKey } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { codeOf } from './conformance.js'
import { draft, draftsOf } from './drafts.js'

/** Groups of 1 to 5 events, 30 in all; `ends` are their last sequence numbers. */
const sizes = [1, 5, 3, 2, 4, 1, 1, 5, 5, 3]
const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0))
const total = ends.at(-1) as number
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function makeLog(): Promise<LogDatabase> {
  const database = new MemoryLevel() as unknown as LogDatabase
  const log = await EventLog.open({ storage: databaseStorage(database) })
  let next = 1
  for (const size of sizes) {
    await log.append(draftsOf(size, next))
    next += size
  }
  await log.close()
  await database.open()
  return database
}

async function getGroup(database: LogDatabase, last: number): Promise<Buffer> {
  return Buffer.from((await database.get<Buffer, Buffer>(groupKey(last), binary)) as Buffer)
}

const put = (database: LogDatabase, key: Buffer, value: Buffer): Promise<void> => database.put(key, value, binary)

/** Looks at a log whose end may be damaged, as `openReadOnly` would. */
async function inspect(
  database: LogDatabase,
): Promise<{ findings: readonly LogFinding[]; readable: number[]; skipped: LogFinding[]; log: EventLog }> {
  const log = await EventLog.open({ storage: { ...databaseStorage(database), readOnly: true } })
  const { findings } = await log.verify()
  const readable: number[] = []
  const skipped: LogFinding[] = []
  for await (const batch of log.read({ onDamage: found => skipped.push(found) })) {
    for (const event of batch as readonly (WeirEvent & { until: number })[]) {
      expect(event.until).to.equal(event.seq)
      readable.push(event.seq)
    }
  }
  return { findings, readable, skipped, log }
}

describe('a damaged log', function () {
  this.timeout(30_000)

  it('locates any single altered record exactly, and reads all the others', async () => {
    for (const end of ends) {
      const size = sizes[ends.indexOf(end)] as number
      for (let seq = end - size + 1; seq <= end; seq++) {
        const database = await makeLog()
        const value = await getGroup(database, end)
        const group = decodeGroup(value)!
        const record = recordOf(group, seq - group.first)
        record[record.length >> 1]! ^= 1
        await put(database, groupKey(end), value)
        const { findings, readable, skipped } = await inspect(database)
        expect(findings.map(({ kind, seq, lastSeq }) => [kind, seq, lastSeq])).to.deep.include(['altered', seq, seq])
        expect(findings[0]).to.include({ kind: 'altered', seq, lastSeq: seq })
        expect(readable).to.deep.equal(range(1, total).filter(other => other !== seq))
        expect(skipped.map(found => found.seq)).to.deep.equal([seq])
      }
    }
  })

  it('finds any altered byte of any group, and never reads a wrong event', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ends),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (end, position, change) => {
          const database = await makeLog()
          const value = await getGroup(database, end)
          value[position % value.length]! ^= change
          await put(database, groupKey(end), value)
          const { findings, readable } = await inspect(database)
          const first = end - (sizes[ends.indexOf(end)] as number) + 1
          expect(findings).to.not.be.empty
          expect(findings[0]!.seq).to.be.at.most(end)
          expect(findings[0]!.lastSeq).to.be.at.least(first)
          expect(readable).to.include.members(range(1, total).filter(seq => seq < first || seq > end))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('locates a group that is gone', async () => {
    for (const [i, end] of ends.slice(0, -1).entries()) {
      const database = await makeLog()
      await database.del(groupKey(end), binary)
      const first = end - (sizes[i] as number) + 1
      const { findings, readable } = await inspect(database)
      expect(findings[0]).to.include({ kind: 'missing', seq: first, lastSeq: end })
      expect(findings).to.have.length(1)
      expect(readable).to.deep.equal(range(1, total).filter(seq => seq < first || seq > end))
    }
  })

  it('locates groups that changed places', async () => {
    const database = await makeLog()
    const [a, b] = [await getGroup(database, 6), await getGroup(database, 22)]
    await put(database, groupKey(6), b)
    await put(database, groupKey(22), a)
    const { findings, readable } = await inspect(database)
    expect(findings.map(({ kind, seq, lastSeq }) => [kind, seq, lastSeq])).to.deep.equal([
      ['misplaced', 2, 6],
      ['misplaced', 18, 22],
    ])
    expect(readable).to.not.include.members([2, 22])
  })

  it('locates records that changed places within a group, rows and all', async () => {
    const database = await makeLog()
    const value = await getGroup(database, 6)
    const group = decodeGroup(value)!
    const [a, b] = [Buffer.from(recordOf(group, 1)), Buffer.from(recordOf(group, 3))]
    recordOf(group, 1).set(b)
    recordOf(group, 3).set(a)
    const row = (i: number): Buffer => value.subarray(75 + 12 * i, 75 + 12 * (i + 1))
    const rows = [Buffer.from(row(1)), Buffer.from(row(3))]
    row(1).set(rows[1]!)
    row(3).set(rows[0]!)
    await put(database, groupKey(6), value)
    const { findings, readable } = await inspect(database)
    expect(findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([
      ['altered', 3],
      ['altered', 5],
    ])
    expect(readable).to.deep.equal(range(1, total).filter(seq => seq !== 3 && seq !== 5))
  })

  it('locates a group that was made anew with all its hashes', async () => {
    const database = await makeLog()
    const old = decodeGroup(await getGroup(database, 9))!
    const other = decodeGroup(await getGroup(database, 30))!
    const records = [0, 1, 2].map(i => recordOf(other, i))
    const forged = encodeGroup(
      old.first,
      old.previous,
      records.map(({ length }) => length),
      records,
    )
    await put(database, groupKey(9), forged.value)
    const log = await EventLog.open({ storage: databaseStorage(database) })
    const { findings } = await log.verify()
    expect(findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([['chain', 10]])
  })

  it('finds an end that is gone, refuses to write there, reads the rest', async () => {
    for (const keep of [0, 1, 9, 27]) {
      const database = await makeLog()
      for (const end of ends) if (end > keep) await database.del(groupKey(end), binary)
      expect(await codeOf(EventLog.open({ storage: databaseStorage(database) }))).to.equal('WEIR_LOG_DAMAGED')
      await database.open()
      const { findings, readable } = await inspect(database)
      expect(findings.map(({ kind, seq, lastSeq }) => [kind, seq, lastSeq])).to.deep.equal([
        ['truncated', keep + 1, total],
      ])
      expect(readable).to.deep.equal(range(1, keep))
    }
  })

  it('finds a cut end whose head was rewritten, by a snapshot or a known head', async () => {
    const database = await makeLog()
    const whole = await EventLog.open({ storage: databaseStorage(database) })
    const known = whole.head
    await whole.snapshots.write('engine', 8, 'older state')
    await whole.close()
    await database.open()
    const value = await getGroup(database, 27)
    const head = Buffer.alloc(38)
    head.writeUIntBE(27, 0, 6)
    value.copy(head, 6, 0, 32)
    await database.del(groupKey(30), binary)
    await put(database, headKey, head)
    const log = await EventLog.open({ storage: databaseStorage(database) })
    expect((await log.verify()).findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([['snapshot', 8]])
    const { findings } = await log.verify({ knownHead: known })
    expect(findings[0]).to.include({ kind: 'truncated', seq: 28, lastSeq: 30 })
  })

  it('throws at the first damaged event when nobody asks to go on', async () => {
    const database = await makeLog()
    const value = await getGroup(database, 15)
    value[value.length - 1]! ^= 1
    await put(database, groupKey(15), value)
    const log = await EventLog.open({ storage: databaseStorage(database) })
    const read: number[] = []
    const error = await (async () => {
      for await (const batch of log.read({ batchSize: 4 })) read.push(...batch.map(({ seq }) => seq))
    })().catch(error => error as WeirError<'WEIR_LOG_DAMAGED'>)
    expect(error).to.have.property('code', 'WEIR_LOG_DAMAGED')
    expect(error).to.have.nested.property('payload.seq', 15)
    expect(read).to.deep.equal(range(1, 14))
    expect(await codeOf(drain(log.export()))).to.equal('WEIR_LOG_DAMAGED')
  })

  it('reports each step of a verification and starts where it is told to', async () => {
    const log = await EventLog.open({ storage: databaseStorage(await makeLog()) })
    const steps: number[] = []
    const report = await log.verify({ onProgress: ({ seq, head }) => steps.push(seq, head) })
    expect(report).to.include({ events: total, snapshots: 0 })
    expect(steps.slice(-2)).to.deep.equal([total, total])
    expect(await log.verify({ from: 12 })).to.deep.include({ findings: [], events: total - 11 })
  })

  it('skips a damaged snapshot, says so, and uses the one before', async () => {
    const database = await makeLog()
    const log = await EventLog.open({ storage: databaseStorage(database) })
    await log.snapshots.write('engine', 10, { rows: new Array(300_000).fill('x'.repeat(10)) })
    await log.snapshots.write('engine', 20, 'newer')
    await log.snapshots.write('engine', 30, 'newest')
    const entries = await database
      .iterator<Buffer, Buffer>({ gte: Buffer.from('sc'), lt: Buffer.from('sd'), ...binary })
      .all()
    expect(entries.length).to.be.greaterThan(4)
    for (const [, value] of entries) expect(value.length).to.be.at.most(1 << 20)
    const [newest, newer] = entries.reverse()
    await put(database, newest![0], Buffer.concat([newest![1], Buffer.from([0])]))
    await database.del(newer![0], binary)
    const skipped: LogFinding[] = []
    const latest = await log.snapshots.latest('engine', { onDamage: found => skipped.push(found) })
    expect(latest?.seq).to.equal(10)
    expect(skipped.map(({ kind, seq }) => [kind, seq])).to.deep.equal([
      ['snapshot', 30],
      ['snapshot', 20],
    ])
    expect((await log.verify()).findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([
      ['snapshot', 20],
      ['snapshot', 30],
    ])
  })

  it('goes on after an import that was cut off as if it had not been', async () => {
    const database = new MemoryLevel() as unknown as LogDatabase
    const source = await EventLog.open({ storage: databaseStorage(await makeLog()) })
    const lines: string[] = []
    for await (const text of source.export()) lines.push(...text.split(/(?<=\n)/))
    const log = await EventLog.open({ storage: databaseStorage(database) })
    let stall: () => void = () => undefined
    const stalled = new Promise<void>(resolve => {
      stall = resolve
    })
    const slow = async function* (): AsyncGenerator<string> {
      for (const line of lines.slice(0, 20)) yield line
      stall()
      await new Promise(() => undefined)
    }
    void log.import(slow()).catch(() => undefined)
    await stalled
    // What a crash at this point leaves, with groups of the import already written.
    const crashed = new MemoryLevel() as unknown as LogDatabase
    for await (const [key, value] of database.iterator<Buffer, Buffer>(binary)) await put(crashed, key, value)
    await put(crashed, groupKey(ends[0] as number), await getGroup(await makeLog(), ends[0] as number))
    const after = await EventLog.open({ storage: databaseStorage(crashed) })
    expect(after.head.seq).to.equal(0)
    expect(await after.append([draft(1)])).to.deep.equal({ first: 1, last: 1 })
    expect((await after.verify()).findings).to.deep.equal([])
  })
})

async function drain(texts: AsyncIterable<string>): Promise<void> {
  for await (const _ of texts);
}
