import { bisect, flowOutcome, StatesBetween } from '@weir/adapters/agent/bisect.js'
import { Engine, type EventBody, type WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { configured, numbered } from '../../oracle/generate/history.js'
import { sampling } from '../../oracle/generate/seed.js'
import { allow, pod as clusterPod } from './cluster.js'

const pod = (name: string, address: string): EventBody => ({
  kind: 'pod.upserted',
  pod: clusterPod(name, address, { addresses: [address], node: 'here' }),
})
const noPod = (name: string): EventBody => ({ kind: 'pod.deleted', namespace: 'shop', name })

describe('bisecting a log', () => {
  it('finds where good states end in about as many trials as there are halves, whatever is skipped', async () => {
    const draw = fc.record({
      length: fc.integer({ min: 1, max: 3000 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      skips: fc.array(fc.nat(3000), { maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(draw, async ({ length, at, skips }) => {
        const [good, firstBad, bad] = [10, 11 + Math.floor(at * (length - 1)), 10 + length]
        const skipped = new Set(skips.map(each => 10 + each))
        const asked: number[] = []
        const found = await bisect(good, bad, async seq => {
          asked.push(seq)
          return skipped.has(seq) ? 'skip' : seq < firstBad ? 'good' : 'bad'
        })
        expect(found.good).lessThan(firstBad)
        expect(found.bad).at.least(firstBad)
        for (let between = found.good + 1; between < found.bad; between++) expect(skipped.has(between)).equals(true)
        expect(new Set(asked).size).equals(asked.length)
        expect(found.tried).equals(asked.length)
        expect(asked.length).at.most(Math.ceil(Math.log2(length)) + 1 + skipped.size)
        expect(asked.every(seq => seq > good && seq < bad)).equals(true)
      }),
      sampling('bisections', 500),
    )
  })

  it('folds no more events than lie between, twice over, and comes to the states that folding all comes to', async () => {
    const more = Array.from({ length: 400 }, (_, at): EventBody[] => [pod(`p${at % 7}`, `10.0.1.${at % 250}`)])
    const events = numbered([configured, ...more.flat()])
    let read = 0
    const log = {
      head: { seq: events.length },
      base: { seq: 0 },
      snapshots: { latest: async () => undefined, list: async () => [] },
      async *read({ from = 1, to = events.length } = {}) {
        read += to - from + 1
        yield events.slice(from - 1, to)
      },
    } as unknown as EventLog
    const states = new StatesBetween(log)
    states.keep(await states.at(1))
    read = 0
    await bisect(1, events.length, async seq => {
      const engine = await states.at(seq)
      expect(engine.seq).equals(seq)
      const naive = new Engine()
      naive.apply(events.slice(0, seq))
      expect(engine.digest()).deep.equals(naive.digest())
      if (seq >= 300) return 'bad'
      states.keep(engine)
      return 'good'
    })
    expect(read).lessThan(2 * events.length)
  })

  it('says what a state makes of all that words mean', () => {
    const engine = new Engine()
    const words = { from: 'shop/web', to: 'shop/db:80' }
    const tell = (...bodies: readonly EventBody[]): string => {
      engine.fold(numbered(bodies, engine.seq + 1) as readonly WeirEvent[])
      return flowOutcome(engine, words)
    }
    expect(tell(configured, pod('web', '10.0.0.1'))).equals('not there')
    expect(tell(pod('db', '10.0.0.2'))).equals('allowed')
    expect(tell({ kind: 'networkpolicy.upserted', policy: allow('p', 'db', 'nobody', 80) })).equals('denied')
    expect(tell({ kind: 'networkpolicy.upserted', policy: allow('p', 'db', 'web', 80) })).equals('allowed')
    expect(flowOutcome(engine, { from: 'shop/web', to: 'shop/db:79-80' })).equals('partly allowed')
    expect(tell(noPod('web'))).equals('not there')
  })
})
