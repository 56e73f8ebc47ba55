import type { WeirEvent } from '@weir/core'
import { headTime, seqAt } from '@weir/adapters/agent/seq-at.js'
import { expect } from 'chai'

const logOf = (...times: readonly number[]) => ({
  head: { seq: times.length, hash: '' },
  async *read({ from = 1 }: { from?: number } = {}) {
    for (const [at, time] of times.entries()) if (at + 1 >= from) yield [{ seq: at + 1, time } as unknown as WeirEvent]
  },
})

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    error => error,
  )

describe('the event of a time', () => {
  it('is the last one that was written until then', async () => {
    const log = logOf(10, 20, 20, 30)
    expect(await seqAt(log, 19)).to.equal(1)
    expect(await seqAt(log, 20)).to.equal(3)
    expect(await seqAt(log, 99)).to.equal(4)
  })

  it('comes before the first later one where a clock jumped back', async () => {
    const log = logOf(10, 50, 20, 30, 60)
    expect(await seqAt(log, 30)).to.equal(1)
    expect(await seqAt(log, 50)).to.equal(4)
  })

  it('is none before the log begins', async () => {
    expect(await failure(seqAt(logOf(10), 9))).to.include({ code: 'WEIR_NOT_FOUND' })
    expect(await failure(seqAt(logOf(), 9))).to.include({ code: 'WEIR_NOT_FOUND' })
  })

  it('counts back from the last event', async () => {
    expect(await headTime(logOf(10, 50, 20))).to.equal(20)
    expect(await headTime(logOf())).to.equal(undefined)
  })
})
