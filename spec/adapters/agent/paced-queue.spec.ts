import type { Clock } from '@weir/adapters/agent/clock.js'
import { PacedQueue } from '@weir/adapters/agent/paced-queue.js'
import { expect } from 'chai'

/** A clock that stands still but for what the work takes, and whose timers fire when told. */
function standing() {
  const timers = new Set<() => void>()
  const time = { nowMs: 0 }
  const clock: Clock = {
    nowMs: () => time.nowMs,
    nextTurn: () => Promise.resolve(),
    every: (_periodMs, work) => {
      const fire = (): void => void work()
      timers.add(fire)
      return { stop: () => void timers.delete(fire) }
    },
  }
  const fire = (): void => {
    for (const timer of [...timers]) timer()
  }
  return { clock, time, timers, fire }
}

describe('a queue that keeps its pace', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

  it('does few things at once, and needs no timer for them', () => {
    const { clock, timers } = standing()
    const done: number[] = []
    const queue = new PacedQueue<number>(
      clock,
      item => void done.push(item),
      () => {},
    )
    queue.push(numbers(100))
    queue.push([100])
    expect(done).to.deep.equal(numbers(101))
    expect(timers.size).to.equal(0)
  })

  it('stops after two milliseconds and goes on by and by, in order, until all is done', () => {
    const { clock, time, timers, fire } = standing()
    const done: number[] = []
    const queue = new PacedQueue<number>(
      clock,
      item => {
        done.push(item)
        time.nowMs += 1
      },
      () => {},
    )
    queue.push(numbers(5))
    expect(done).to.deep.equal([0, 1])
    queue.push([5])
    expect(done, 'what comes meanwhile waits its turn').to.deep.equal([0, 1])
    fire()
    expect(done).to.deep.equal([0, 1, 2, 3])
    fire()
    expect(done).to.deep.equal(numbers(6))
    expect(timers.size).to.equal(0)
    queue.push([6])
    expect(done.at(-1)).to.equal(6)
  })

  it('loses what is too much to wait, and says how much', () => {
    const { clock, time, timers, fire } = standing()
    let [done, lost] = [0, 0]
    const work = (): void => {
      done += 1
      time.nowMs += 2
    }
    const queue = new PacedQueue<number>(clock, work, count => {
      lost += count
    })
    queue.push(numbers(5000))
    expect([done, lost]).to.deep.equal([1, 904])
    queue.push(numbers(3))
    expect(lost).to.equal(906)
    fire()
    queue.push(numbers(1))
    expect([done, lost]).to.deep.equal([2, 906])
    queue.close()
    expect(timers.size).to.equal(0)
  })
})
