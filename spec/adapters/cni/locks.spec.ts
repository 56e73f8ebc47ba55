import { setImmediate as turn } from 'node:timers/promises'
import { Locks } from '@weir/adapters/cni/locks.js'
import { expect } from 'chai'

describe('locks', () => {
  it('have work under one key wait for the work before it, failed or not, and no other', async () => {
    const locks = new Locks()
    const done: string[] = []
    const work =
      (name: string, turns: number, fails = false) =>
      async () => {
        for (let count = 0; count < turns; count++) await turn()
        done.push(name)
        if (fails) throw new Error(name)
        return name
      }
    const results = await Promise.allSettled([
      locks.run('a', work('a1', 5, true)),
      locks.run('a', work('a2', 1)),
      locks.run('b', work('b1', 2)),
    ])
    expect(done).to.deep.equal(['b1', 'a1', 'a2'])
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'fulfilled'])
    expect(await locks.run('a', work('a3', 0))).to.equal('a3')
  })
})
