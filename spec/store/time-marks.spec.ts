import type { EventDraft } from '@weir/core/event/event.js'
import { databaseStorage, EventLog, type LogDatabase } from '@weir/store'
import { binary, maxSeq, timeKey } from '@weir/store/log/keys.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'

const memory = (): LogDatabase => new MemoryLevel() as unknown as LogDatabase
const range = { gte: timeKey(0), lte: timeKey(maxSeq), ...binary }
const marksIn = async (database: LogDatabase): Promise<number> => (await database.keys(range).all()).length

const draftAt = (time: number): EventDraft => ({ kind: 'time.passed', until: 0, time, source: 'test' })

/** By the meaning: the event before the first later one. */
function lastUntil(times: readonly number[], time: number): number {
  const first = times.findIndex(each => each > time)
  return first < 0 ? times.length : first
}

/** A clock that goes on, and now and then jumps. */
const times = fc
  .array(
    fc.oneof({ weight: 50, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.integer({ min: -9000, max: 9000 }) }),
    {
      minLength: 4000,
      maxLength: 14_000,
      size: 'max',
    },
  )
  .map(steps => {
    let now = 50_000
    return steps.map(step => (now += step))
  })

async function fill(log: EventLog, all: readonly number[], size: number): Promise<void> {
  for (let at = 0; at < all.length; at += size) await log.append(all.slice(at, at + size).map(draftAt))
}

describe('marks of time', () => {
  it('find the event of any time, in a log that was closed and opened meanwhile, as a walk over it does', async function () {
    this.timeout(60_000)
    await fc.assert(
      fc.asyncProperty(times, fc.nat(), async (all, cut) => {
        const database = memory()
        const half = cut % all.length
        const log = await EventLog.open({ storage: databaseStorage(database) })
        await fill(log, all.slice(0, half), 700)
        await log.close()
        const again = await EventLog.open({ storage: databaseStorage(database) })
        await fill(again, all.slice(half), 700)
        expect(await marksIn(database)).to.be.at.least(Math.floor(all.length / 5500))
        for (let at = 0; at < all.length; at += 997)
          for (const time of [all[at]!, all[at]! - 1])
            expect(await again.seqAt(time), `time ${time}`).to.equal(lastUntil(all, time))
        expect(await again.seqAt(Number.MAX_VALUE)).to.equal(all.length)
        expect((await again.verify()).findings).to.deep.equal([])
      }),
      { numRuns: 8 },
    )
  })

  it('are made up for where a log has none', async () => {
    const database = memory()
    const log = await EventLog.open({ storage: databaseStorage(database) })
    const all = Array.from({ length: 10_000 }, (_, at) => at)
    await fill(log, all, 500)
    const before = await marksIn(database)
    await log.close()
    await database.open()
    await database.clear(range)
    const bare = await EventLog.open({ storage: databaseStorage(database) })
    expect(await bare.seqAt(6000)).to.equal(6001)
    await bare.append([draftAt(3)])
    expect(await marksIn(database)).to.equal(before)
    expect(await bare.seqAt(6000)).to.equal(6001)
    expect((await bare.verify()).findings).to.deep.equal([])
  })

  it('stay for what was compacted', async () => {
    const database = memory()
    const log = await EventLog.open({ storage: databaseStorage(database) })
    await fill(log, [...Array.from({ length: 6000 }, (_, at) => 100_000 + at), 5, 6, 7], 500)
    await log.compact(5500, 'state', 0)
    expect(await log.seqAt(105_499)).to.equal(5500)
    expect(await log.seqAt(105_600)).to.equal(5601)
    expect(await log.seqAt(105_499 - 1).catch(error => error.code)).to.equal('WEIR_LOG_COMPACTED')
    expect((await log.verify()).findings).to.deep.equal([])
  })

  it('that were altered are found', async () => {
    const database = memory()
    const log = await EventLog.open({ storage: databaseStorage(database) })
    await fill(
      log,
      Array.from({ length: 9000 }, (_, at) => at),
      500,
    )
    const [key] = await database.keys<Buffer>(range).all()
    const value = Buffer.alloc(8)
    value.writeDoubleBE(1)
    await database.put(key!, value, binary)
    expect((await log.verify()).findings.map(({ kind }) => kind)).to.deep.equal(['mark'])
    await database.put(timeKey(4444), value, binary)
    expect((await log.verify()).findings.map(({ kind, seq }) => [kind, seq])).to.deep.include(['mark', 4444])
  })
})
