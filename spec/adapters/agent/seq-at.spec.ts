import { EventLog, databaseStorage, type LogDatabase } from '@weir/store'
import { headTime, seqAt } from '@weir/adapters/agent/seq-at.js'
import { expect } from 'chai'
import { MemoryLevel } from 'memory-level'

async function logOf(...times: readonly number[]): Promise<EventLog> {
  const log = await EventLog.open({ storage: databaseStorage(new MemoryLevel() as unknown as LogDatabase) })
  for (const time of times) await log.append([{ kind: 'time.passed', until: time, time, source: 'test' }])
  return log
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    error => error,
  )

describe('the event of a time', () => {
  it('is the last one that was written until then', async () => {
    const log = await logOf(10, 20, 20, 30)
    expect(await seqAt(log, 19)).to.equal(1)
    expect(await seqAt(log, 20)).to.equal(3)
    expect(await seqAt(log, 99)).to.equal(4)
  })

  it('comes before the first later one where a clock jumped back', async () => {
    const log = await logOf(10, 50, 20, 30, 60)
    expect(await seqAt(log, 30)).to.equal(1)
    expect(await seqAt(log, 50)).to.equal(4)
  })

  it('is none before the log begins', async () => {
    const late = await failure(seqAt(await logOf(10), 9))
    expect(late).to.deep.include({ code: 'WEIR_NOT_FOUND' })
    expect(late).to.have.nested.property('payload.near').that.deep.equals(['1970-01-01T00:00:00.010Z'])
    expect(await failure(seqAt(await logOf(), 9))).to.include({ code: 'WEIR_NOT_FOUND' })
  })

  it('is not guessed where the events of that time were compacted', async () => {
    const log = await logOf(10, 50, 20, 30, 60)
    await log.compact(3, 'state', 99)
    expect(await failure(seqAt(log, 49))).to.include({ code: 'WEIR_LOG_COMPACTED' })
    expect(await seqAt(log, 50)).to.equal(4)
  })

  it('counts back from the last event', async () => {
    expect(await headTime(await logOf(10, 50, 20))).to.equal(20)
    expect(await headTime(await logOf())).to.equal(undefined)
  })
})
