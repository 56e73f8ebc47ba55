import { FlowBook } from '@weir/adapters/agent/flows.js'
import { watcherOf } from '@weir/adapters/flows/history.js'
import { Engine } from '@weir/core'
import { expect } from 'chai'

describe('packets that get names', () => {
  it('are as many as there is time for while somebody looks on or a policy is staged, and some otherwise', () => {
    const time = { now: 0 }
    const clock = {
      nowMs: () => time.now,
      nextTurn: () => Promise.resolve(),
      every: () => ({ stop: () => {} }),
    }
    const engine = new Engine()
    const book = new FlowBook(engine, clock, 16)
    const watcher = watcherOf(book, undefined, clock)
    expect(watcher.wanted(10_000)).to.equal(4096)
    time.now += 100
    expect(watcher.wanted(10_000)).to.equal(50)
    const looking = book.live.subscribe()
    expect(watcher.wanted(10_000)).to.equal(10_000)
    looking.unsubscribe()
    expect(watcher.wanted(10_000)).to.equal(0)
    const policy = { namespace: 'shop', name: 'trial', podSelector: [], policyTypes: [], ingress: [], egress: [] }
    engine.apply([
      { kind: 'networkpolicy.upserted', policy: { ...policy, staged: true }, seq: 1, time: 0, source: 'test' },
    ])
    expect(watcher.wanted(10_000), 'what a staged policy would do is counted').to.equal(10_000)
  })
})
