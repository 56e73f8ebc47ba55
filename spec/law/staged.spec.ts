import { Engine } from '@weir/core'
import type { EventBody, WeirEvent } from '@weir/core/event/event.js'
import { enforcing, unstaged } from '@weir/core/state/staged.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, histories, numbered } from '../oracle/generate/history.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf } from '../oracle/index.js'

const clusters = (maxEvents: number): fc.Arbitrary<Batches> => fc.oneof(histories(maxEvents), mixedHistories(maxEvents))

/** Of the policies that come, some come staged; the same one may be both in turn. */
const stagedHistories = (maxEvents: number): fc.Arbitrary<readonly WeirEvent[]> =>
  fc.tuple(clusters(maxEvents), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 })).map(([batches, choices]) =>
    numbered(batches.flat()).map((event, at): WeirEvent => {
      switch (event.kind) {
        case 'networkpolicy.upserted':
        case 'ciliumpolicy.upserted':
        case 'clusterpolicy.upserted':
          return choices[at % choices.length] === true
            ? ({ ...event, policy: { ...event.policy, staged: true } } as WeirEvent)
            : event
        default:
          return event
      }
    }),
  )

/** What is left of a history for somebody who has no ear for what is staged: the policy isn't there. */
const withoutStaged = (event: WeirEvent): WeirEvent => {
  const { seq, time, source } = event
  const gone = (body: EventBody): WeirEvent => ({ ...body, seq, time, source })
  if (event.kind === 'networkpolicy.upserted' && event.policy.staged === true)
    return gone({ kind: 'networkpolicy.deleted', namespace: event.policy.namespace, name: event.policy.name })
  if (event.kind === 'ciliumpolicy.upserted' && event.policy.staged === true) {
    const { kind: policyKind, namespace, name } = event.policy
    return gone({ kind: 'ciliumpolicy.deleted', policyKind, namespace, name })
  }
  if (event.kind === 'clusterpolicy.upserted' && event.policy.staged === true)
    return gone({ kind: 'clusterpolicy.deleted', policyKind: event.policy.kind, name: event.policy.name })
  return event
}

const folded = (events: readonly WeirEvent[], options = {}): Engine => {
  const engine = new Engine(options)
  for (const event of events) engine.apply([event])
  return engine
}

const identitiesOf = (engine: Engine) => [...engine.identities()].sort((a, b) => a.id - b.id)

describe('law: what is staged decides nothing', function () {
  this.timeout(120_000)

  it('leaves digest, tables and identities as if it were not there', () => {
    fc.assert(
      fc.property(stagedHistories(30), events => {
        const [engine, without] = [folded(events), folded(events.map(withoutStaged))]
        expect(engine.digest()).deep.equals(without.digest())
        expect([...engine.tables.addresses]).deep.equals([...without.tables.addresses])
        expect([...engine.tables.rows]).deep.equals([...without.tables.rows])
        expect(identitiesOf(engine)).deep.equals(identitiesOf(without))
        expect(without.state.staged.size).equals(0)
      }),
      sampling('staged beside', 150),
    )
  })

  it('comes back from a snapshot, and decides nothing then', () => {
    fc.assert(
      fc.property(stagedHistories(30), fc.nat(30), (events, at) => {
        const [before, after] = [events.slice(0, at), events.slice(at)]
        const engine = Engine.restore(structuredClone(folded(before).snapshot()))
        engine.apply(after)
        const whole = folded(events)
        expect(engine.digest()).deep.equals(whole.digest())
        expect([...engine.state.staged].sort()).deep.equals([...whole.state.staged].sort())
      }),
      sampling('staged in snapshots', 100),
    )
  })

  it('is in force in a copy that enforces it, whenever the copy was taken', () => {
    fc.assert(
      fc.property(stagedHistories(30), fc.nat(30), (events, at) => {
        const [before, after] = [events.slice(0, at), events.slice(at)]
        const numbers = at % 2 === 0 ? 'fresh' : 'kept'
        const restored = Engine.restore(folded(before).snapshot(), { enforceStaged: true, numbers })
        const copy = at % 3 === 0 ? restored.fork() : restored
        for (const event of after) copy.apply([event])
        const said = events.map(event => unstaged(event))
        const all = folded(said)
        expect(copy.digest()).deep.equals(all.digest())
        expect(folded(events, { enforceStaged: true }).digest()).deep.equals(all.digest())
        expect(copy.state.staged.size).equals(0)
        for (const flow of interestingFlows(clusterOf(said), 60, at))
          expect(copy.explain(flow).verdict, JSON.stringify(flow)).equals(all.explain(flow).verdict)
      }),
      sampling('staged enforced', 100),
    )
  })

  it('is in force once its events say so', () => {
    fc.assert(
      fc.property(stagedHistories(30), events => {
        const engine = folded(events)
        const bodies = [...engine.state.staged.values()].map(enforcing)
        engine.apply(bodies.map((body, at) => ({ ...body, seq: engine.seq + 1 + at, time: 0, source: 'spec' })))
        expect(engine.state.staged.size).equals(0)
        expect(engine.digest()).deep.equals(folded(events.map(event => unstaged(event))).digest())
      }),
      sampling('staged enforced by events', 100),
    )
  })
})
