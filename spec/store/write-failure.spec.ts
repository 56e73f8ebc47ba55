import type { WeirError } from '@weir/core/errors.js'
import { databaseStorage, EventLog } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { draft, draftsOf, readAll } from './drafts.js'
import { FaultyLevel } from './faulty-level.js'

const broken = (): never => {
  throw Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' })
}

const failureOf = (work: Promise<unknown>): Promise<WeirError> =>
  work.then(
    () => expect.fail('it was expected to fail'),
    error => error as WeirError,
  )

describe('a write that fails', function () {
  this.timeout(30_000)

  it('rejects what it held, then everything, with one typed cause, and keeps what was acknowledged', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog, '/var/lib/weir/log') })
    await log.append(draftsOf(3))
    level.fault = broken
    const errors = await Promise.all([failureOf(log.append([draft(4)])), failureOf(log.append([draft(5)]))])
    const later = await failureOf(log.append([draft(6)]))
    for (const error of [...errors, later]) {
      expect(error.code).to.equal('WEIR_LOG_WRITE_FAILED')
      expect(error.payload).to.deep.equal({
        path: '/var/lib/weir/log',
        durable: 3,
        reason: 'IO error: No space left on device',
      })
    }
    expect(later).to.equal(errors[0])
    const { writes } = level
    level.fault = () => undefined
    expect(await failureOf(log.append([draft(7)]))).to.equal(later)
    expect(level.writes).to.equal(writes)
    expect(log.head.seq).to.equal(3)
    expect(await readAll(log)).to.have.length(3)
    await log.close()
    const again = await EventLog.open({ storage: databaseStorage(level.asLog) })
    expect(await again.append([draft(4)])).to.deep.equal({ first: 4, last: 4 })
    expect((await again.verify()).findings).to.deep.equal([])
  })

  it('rejects appends that wait for room too', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog), maxPendingBytes: 100 })
    level.fault = broken
    const errors = await Promise.all(Array.from({ length: 30 }, (_, i) => failureOf(log.append([draft(i)]))))
    expect(new Set(errors).size).to.equal(1)
    expect(log.pendingBytes).to.equal(0)
    await log.close()
  })

  /** What is refused after a write failed: another of each kind, though the disk would take it. */
  async function expectEnded(log: EventLog, level: FaultyLevel): Promise<void> {
    level.fault = () => undefined
    const { writes } = level
    expect((await failureOf(log.append([draft(9)]))).code).to.equal('WEIR_LOG_WRITE_FAILED')
    expect((await failureOf(log.snapshots.write('engine', 0, 'later'))).code).to.equal('WEIR_LOG_WRITE_FAILED')
    expect(level.writes).to.equal(writes)
    await log.close()
  }

  it('is typed for imports, and nothing is written behind it', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog) })
    let text = ''
    for await (const part of log.export()) text += part
    level.fault = broken
    expect((await failureOf(log.import([text]))).code).to.equal('WEIR_LOG_WRITE_FAILED')
    await expectEnded(log, level)
    const again = await EventLog.open({ storage: databaseStorage(level.asLog) })
    expect(await again.append([draft(1)])).to.deep.equal({ first: 1, last: 1 })
  })

  it('is typed for snapshots, and nothing is written behind it', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog) })
    await log.append([draft(1)])
    await log.snapshots.write('engine', 1, 'whole')
    level.fault = broken
    expect((await failureOf(log.snapshots.write('engine', 1, 'torn'))).code).to.equal('WEIR_LOG_WRITE_FAILED')
    expect((await log.snapshots.latest('engine'))?.state).to.equal('whole')
    await expectEnded(log, level)
    const again = await EventLog.open({ storage: databaseStorage(level.asLog) })
    await again.snapshots.write('engine', 1, 'next')
    expect((await again.snapshots.latest('engine'))?.state).to.equal('next')
    expect((await again.verify()).findings).to.deep.equal([])
    await again.close()
  })

  it('holds back what was appended while it was under way', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog) })
    await log.append([draft(1)])
    level.fault = async () => {
      await new Promise(setImmediate)
      level.fault = () => undefined
      broken()
    }
    const snapshot = failureOf(log.snapshots.write('engine', 1, 'torn'))
    expect((await failureOf(log.append([draft(2)]))).code).to.equal('WEIR_LOG_WRITE_FAILED')
    await snapshot
    expect(log.head.seq).to.equal(1)
    await log.close()
  })

  it('is typed when a log is made', async () => {
    const level = new FaultyLevel()
    level.fault = broken
    const error = await failureOf(EventLog.open({ storage: databaseStorage(level.asLog, '/var/lib/weir/log') }))
    expect(error.code).to.equal('WEIR_LOG_WRITE_FAILED')
    expect(error.message).to.include('/var/lib/weir/log').and.to.include('No space left on device')
  })

  it('never acknowledges what is not there, whichever write fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }),
        fc.integer({ min: 2, max: 15 }),
        async (appends, failing) => {
          const level = new FaultyLevel()
          const log = await EventLog.open({ storage: databaseStorage(level.asLog), maxPendingBytes: 300 })
          level.fault = number => (number >= failing ? broken() : undefined)
          let acknowledged = 0
          await Promise.all(
            appends.map(async (size, i) => {
              if (i % 7 === 6) await new Promise(setImmediate)
              const got = await log.append(draftsOf(size, i * 10)).catch(() => undefined)
              acknowledged = Math.max(acknowledged, got?.last ?? 0)
            }),
          )
          expect(log.head.seq).to.equal(acknowledged)
          await log.close()
          level.fault = () => undefined
          const again = await EventLog.open({ storage: databaseStorage(level.asLog) })
          expect((await readAll(again)).length).to.equal(acknowledged)
          expect((await again.verify()).findings).to.deep.equal([])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is a synced one whenever something is acknowledged by it', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog) })
    for (let i = 0; i < 5; i++) await log.append(draftsOf(3))
    expect(level.synced).to.deep.equal([true, true, true, true, true, true])
    await log.snapshots.write('engine', 3, 'state')
    expect(level.synced.slice(6)).to.not.include(false)
    await log.close()
  })

  it('shares one write among appends that come while the disk is busy', async () => {
    const level = new FaultyLevel()
    const log = await EventLog.open({ storage: databaseStorage(level.asLog) })
    let release: () => void = () => undefined
    level.fault = number =>
      number === level.writes && level.writes === 2
        ? new Promise<void>(resolve => {
            release = resolve
          })
        : undefined
    const first = log.append([draft(1)])
    while (level.writes < 2) await new Promise(setImmediate)
    const others = Promise.all(Array.from({ length: 64 }, (_, i) => log.append([draft(i)])))
    release()
    await first
    await others
    expect(level.writes).to.equal(3)
    await log.close()
  })
})
