import type { WeirError } from '@weir/core/errors.js'
import { databaseStorage, EventLog, type LogDatabase } from '@weir/store'
import { baseKey, binary, groupKey } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import { MemoryLevel } from 'memory-level'
import { codeOf } from './conformance.js'
import { draft, draftsOf, readAll } from './drafts.js'
import { FaultyLevel } from './faulty-level.js'

const groups = 12
const each = 5
const total = groups * each

async function makeLog(database: LogDatabase): Promise<EventLog> {
  const log = await EventLog.open({ storage: databaseStorage(database) })
  for (let at = 0; at < groups; at++) await log.append(draftsOf(each, at * each + 1))
  await log.snapshots.write('engine', 10, 'early')
  await log.snapshots.write('engine', 40, 'late')
  return log
}

const memory = (): LogDatabase => new MemoryLevel() as unknown as LogDatabase

/** What a crash now would leave. */
async function copyOf(database: LogDatabase): Promise<LogDatabase> {
  const copy = memory()
  for await (const [key, value] of database.iterator<Buffer, Buffer>(binary)) await copy.put(key, value, binary)
  return copy
}

describe('a compacted log', () => {
  it('begins after its base, goes on from its hash, and has the state there', async () => {
    const database = memory()
    const log = await makeLog(database)
    const { head } = log
    const { hash } = (await log.chainAt(25))!
    expect(await log.compact(25, { state: 25 }, 777)).to.deep.equal({ seq: 25, hash, time: 777 })
    expect(log.head).to.deep.equal(head)
    expect((await readAll(log)).map(({ seq }) => seq)).to.deep.equal(Array.from({ length: 35 }, (_, at) => at + 26))
    expect((await log.snapshots.latest('base'))?.state).to.deep.equal({ state: 25 })
    expect(await log.snapshots.list('engine')).to.deep.equal([40])
    expect(await database.get(groupKey(25), binary)).to.equal(undefined)
    expect((await log.verify()).findings).to.deep.equal([])
    expect((await log.soundPrefix()).head).to.deep.equal(head)
    expect(await log.append([draft(61)])).to.deep.equal({ first: 61, last: 61 })
    await log.compact(50, { state: 50 }, 888)
    expect(await log.snapshots.list('base')).to.deep.equal([50])
    await log.close()
    await database.open()
    const again = await EventLog.open({ storage: databaseStorage(database) })
    expect(again.base).to.include({ seq: 50, time: 888 })
    expect((await again.verify()).findings).to.deep.equal([])
    expect((await readAll(again, { from: 51 })).length).to.equal(11)
  })

  it('says what it can’t tell any more, and since when', async () => {
    const log = await makeLog(memory())
    await log.compact(25, 'state', Date.UTC(2026, 0, 2))
    const error = await readAll(log, { from: 25 }).catch((error: unknown) => error as WeirError)
    expect(error).to.deep.include({ code: 'WEIR_LOG_COMPACTED' })
    expect(error).to.have.deep.property('payload', {
      path: 'memory',
      seq: 25,
      first: 26,
      compactedAt: Date.UTC(2026, 0, 2),
    })
    expect((error as WeirError).message).to.include('events before 26 were compacted on 2026-01-02')
    expect(await log.chainAt(25)).to.equal(undefined)
  })

  it('begins only where a group ends, before the newest one, and where the chain holds', async () => {
    const database = memory()
    const log = await makeLog(database)
    for (const to of [0, 12, 60, 61]) {
      const error = await log.compact(to, '', 0).catch((error: unknown) => error)
      expect(error, String(to)).to.be.instanceOf(RangeError)
    }
    await log.compact(25, '', 0)
    expect(await log.compact(20, '', 0).catch((error: unknown) => error)).to.be.instanceOf(RangeError)
    await database.put(groupKey(35), (await database.get<Buffer, Buffer>(groupKey(30), binary))!, binary)
    expect(await log.compact(30, '', 0).catch((error: unknown) => error)).to.be.instanceOf(RangeError)
    expect(log.base.seq).to.equal(25)
  })

  it('is whole after a crash before any of its writes, and after a write that fails', async () => {
    const crashes: LogDatabase[] = []
    const database = new FaultyLevel()
    const log = await makeLog(database.asLog)
    const events = await readAll(log)
    await log.compact(15, { state: 15 }, 1)
    database.fault = async () => void crashes.push(await copyOf(database.asLog))
    await log.compact(35, { state: 35 }, 2)
    crashes.push(await copyOf(database.asLog))
    expect(crashes.length).to.be.greaterThan(4)
    const bases = new Set<number>()
    for (const crashed of crashes) {
      // As it is read, without a writer that finishes the work, and after one did.
      for (const readOnly of [true, false]) {
        const after = await EventLog.open({ storage: { ...databaseStorage(crashed), readOnly } })
        bases.add(after.base.seq)
        expect((await after.verify()).findings).to.deep.equal([])
        const { seq } = after.base
        expect((await after.snapshots.latest('base', { atOrBefore: seq }))?.state).to.deep.equal({ state: seq })
        expect(await readAll(after)).to.deep.equal(events.slice(seq))
        expect(after.head).to.deep.equal(log.head)
        if (!readOnly && seq === 35)
          expect(await crashed.keys({ gte: groupKey(0), lte: groupKey(35), ...binary }).all()).to.deep.equal([])
        await after.close()
        await crashed.open()
      }
    }
    expect([...bases].sort()).to.deep.equal([15, 35])
    let fails = 0
    for (let number = 1; fails < number; number++) {
      const faulty = new FaultyLevel()
      const failing = await makeLog(faulty.asLog)
      const before = faulty.writes
      faulty.fault = at => {
        if (at === before + number) throw new Error('no space')
      }
      const code = await codeOf(failing.compact(35, { state: 35 }, 2)).catch(() => 'done')
      if (code === 'done') break
      fails = number
      expect(code).to.equal('WEIR_LOG_WRITE_FAILED')
      faulty.fault = () => undefined
      await failing.close()
      await faulty.open()
      const after = await EventLog.open({ storage: databaseStorage(faulty.asLog) })
      expect((await after.verify()).findings).to.deep.equal([])
      expect((await readAll(after)).length).to.equal(total - after.base.seq)
    }
    expect(fails).to.be.greaterThan(2)
  })

  it('is found damaged when its base is altered, forged or lost, or the state there is', async () => {
    const broken: readonly [string, (database: LogDatabase) => Promise<unknown>][] = [
      ['mark', async database => database.put(baseKey, Buffer.from('nothing'), binary)],
      ['missing', async database => database.del(baseKey, binary)],
      ['missing', async database => database.clear({ gte: Buffer.from('sp'), lt: Buffer.from('sq'), ...binary })],
    ]
    for (const [kind, breaking] of broken) {
      const database = memory()
      const log = await makeLog(database)
      await log.compact(25, 'state', 0)
      await log.close()
      await database.open()
      await breaking(database)
      const after = await EventLog.open({ storage: { ...databaseStorage(database), readOnly: true } })
      const { findings } = await after.verify()
      expect(
        findings.map(found => found.kind),
        kind,
      ).to.include(kind)
    }
    const database = memory()
    const log = await makeLog(database)
    const { hash } = (await log.chainAt(25))!
    await log.compact(25, 'state', 0)
    const { findings } = await log.verify({ signedHeads: [{ seq: 25, hash: hash.replace(/./g, '0') }] })
    expect(findings.map(({ kind, seq }) => [kind, seq])).to.deep.equal([['checkpoint', 25]])
    expect((await log.verify({ signedHeads: [{ seq: 25, hash }] })).findings).to.deep.equal([])
  })

  it('exports and imports with its base and the state there', async () => {
    const log = await makeLog(memory())
    const state = { big: 'x'.repeat(2 << 20), map: new Map([[1, new Set(['a'])]]) }
    await log.compact(25, state, 777)
    let text = ''
    for await (const part of log.export()) text += part
    const copy = await EventLog.open({ storage: databaseStorage(memory()) })
    expect(await copy.import([text])).to.deep.equal(log.head)
    expect(copy.base).to.deep.equal(log.base)
    expect(await readAll(copy)).to.deep.equal(await readAll(log))
    expect((await copy.snapshots.latest('base'))?.state).to.deep.equal(state)
    expect((await copy.verify()).findings).to.deep.equal([])
    await copy.append([draft(61)])
    const lines = text.split('\n')
    const broken: string[][] = [
      lines.with(0, lines[0]!.replace('"format":2', '"format":1')),
      lines.toSpliced(1, 1),
      lines.toSpliced(2, 1),
      lines.with(0, lines[0]!.replace(/"previous":"[^"]*"/, '"previous":"x"')),
    ]
    for (const bad of broken) {
      const empty = await EventLog.open({ storage: databaseStorage(memory()) })
      expect(await codeOf(empty.import([bad.join('\n')]))).to.equal('WEIR_IMPORT_INVALID')
      expect(empty.base.seq).to.equal(0)
    }
  })
})
