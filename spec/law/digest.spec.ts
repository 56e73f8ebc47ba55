import { type Digest, Engine, type EngineSnapshot, WeirError } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, histories, numbered, numberedBatches, reordered } from '../oracle/generate/history.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf, type TimedBody } from '../oracle/index.js'

/** Half of the clusters know NetworkPolicy alone, half every dialect. */
const clusters = (maxEvents: number): fc.Arbitrary<Batches> => fc.oneof(histories(maxEvents), mixedHistories(maxEvents))

const choices = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 })

const applied = (...batches: readonly (readonly WeirEvent[])[]): Engine => {
  const engine = new Engine()
  for (const batch of batches) engine.apply(batch)
  return engine
}

const identitiesOf = (engine: Engine) => [...engine.identities()].sort((a, b) => a.id - b.id)

describe('law: replays agree', function () {
  this.timeout(60_000)

  it('has one digest for one state, however its events were batched', () => {
    fc.assert(
      fc.property(clusters(30), batches => {
        const events = numberedBatches(batches)
        expect(applied(...events).digest()).deep.equals(applied(events.flat()).digest())
        expect(applied(...events.flat().map(event => [event])).digest()).deep.equals(applied(events.flat()).digest())
      }),
      sampling('digest by batches', 150),
    )
  })

  it('has one digest for one state, whatever order its objects came in', () => {
    fc.assert(
      fc.property(clusters(30), choices, (batches, drawn) => {
        const bodies = batches.flat()
        const one = applied(numbered(bodies))
        const other = applied(...numbered(reordered(bodies, drawn)).map(event => [event]))
        expect(other.digest()).deep.equals(one.digest())
      }),
      sampling('digest by order', 200),
    )
  })

  it('has another digest for another state', () => {
    const agent = { kind: 'agent.configured', agent: { node: 'n', cluster: 'c', labelFilter: [] } } as const
    const pod = {
      namespace: 'default',
      name: 'a',
      labels: {},
      serviceAccount: 'default',
      node: 'n',
      addresses: ['10.0.0.1'],
      hostNetwork: false,
      ports: [],
    } as const
    const rest = { podSelector: [], policyTypes: ['ingress'], ingress: [], egress: [] } as const
    const policy = { kind: 'networkpolicy.upserted', policy: { namespace: 'default', name: 'p', ...rest } } as const
    const states = [
      [agent],
      [agent, { kind: 'pod.upserted', pod }],
      [agent, { kind: 'pod.upserted', pod: { ...pod, addresses: ['10.0.0.2'] } }],
      [agent, { kind: 'pod.upserted', pod: { ...pod, labels: { app: 'x' } } }],
      [agent, { kind: 'pod.upserted', pod }, policy],
    ] as const
    const digests = states.map(bodies => applied(numbered(bodies)).digest().hex)
    expect(new Set(digests).size).equals(states.length)
  })

  it('has another digest of the tables when one verdict is another, whatever was left out of the history', () => {
    fc.assert(
      fc.property(clusters(24), fc.nat(100), (batches, at) => {
        const bodies = batches.flat()
        const fewer = bodies.filter((_, index) => index !== at % bodies.length)
        const [whole, lacking] = [applied(numbered(bodies)), applied(numbered(fewer))]
        const flows = [...interestingFlows(clusterOf(bodies), 150, at)]
        fc.pre(flows.some(flow => whole.verdict(flow) !== lacking.verdict(flow)))
        const tablesOf = ({ parts: { addresses, prefixes, endpoints, cells } }: Digest) =>
          [addresses, prefixes, endpoints, cells].join()
        expect(tablesOf(whole.digest())).not.equals(tablesOf(lacking.digest()))
      }),
      sampling('digest tells verdicts apart', 60),
    )
  })

  it('says the same after folding as after applying', () => {
    fc.assert(
      fc.property(clusters(30), fc.nat(20), (batches, at) => {
        const events = numberedBatches(batches).flat()
        const folded = new Engine()
        folded.fold(events.slice(0, at))
        folded.fold(events.slice(at))
        const stepped = new Engine()
        stepped.fold(events.slice(0, at))
        stepped.apply(events.slice(at))
        const expected = applied(events)
        for (const engine of [folded, stepped]) {
          expect(engine.seq).equals(expected.seq)
          expect(engine.digest()).deep.equals(expected.digest())
        }
      }),
      sampling('fold = apply', 150),
    )
  })

  it('gives identities the same numbers by folding, by applying and in other batches', () => {
    fc.assert(
      fc.property(clusters(30), batches => {
        const events = numberedBatches(batches)
        const folded = new Engine()
        folded.fold(events.flat())
        const expected = identitiesOf(applied(events.flat()))
        expect(identitiesOf(applied(...events))).deep.equals(expected)
        expect(identitiesOf(folded)).deep.equals(expected)
      }),
      sampling('identities', 100),
    )
  })

  it('goes on from a snapshot as if it had never stopped', () => {
    fc.assert(
      fc.property(clusters(30), fc.nat(8), (batches, at) => {
        const events = numberedBatches(batches)
        const whole = applied(...events)
        const before = applied(...events.slice(0, at))
        const kept = structuredClone(before.snapshot())
        const digest = before.digest()
        const after = Engine.restore(kept)
        expect(after.seq).equals(before.seq)
        expect(after.digest()).deep.equals(digest)
        for (const batch of events.slice(at)) after.apply(batch)
        expect(after.digest()).deep.equals(whole.digest())
        expect(identitiesOf(after)).deep.equals(identitiesOf(whole))
        expect(before.digest(), 'restoring and going on left the first engine alone').deep.equals(digest)
      }),
      sampling('snapshot', 150),
    )
  })

  it('does not go on from what another build kept', () => {
    const kept = { ...applied().snapshot(), version: 1 } as unknown as EngineSnapshot
    expect(() => Engine.restore(kept))
      .throws(WeirError)
      .with.property('code', 'WEIR_SNAPSHOT_VERSION')
  })

  it('comes back to the digest of nothing when everything is gone', () => {
    fc.assert(
      fc.property(clusters(24), batches => {
        const events = batches.flat()
        const engine = applied(numbered(events))
        const bare = applied(
          numbered([...events.filter(body => body.kind === 'agent.configured'), { kind: 'time.passed', until: endMs }]),
        )
        const gone = goneWith(events)
        engine.apply(numbered(gone, engine.seq + 1))
        expect(engine.digest()).deep.equals(bare.digest())
        expect(engine.tables.rows.size).equals(0)
        expect(engine.tables.prefixes.size).equals(2)
      }),
      sampling('deletion', 100),
    )
  })
})

/** Later than any DNS answer of a random history holds. */
const endMs = 1_800_000_000_000

/** What must happen so that nothing is left of a history. */
const goneWith = (events: readonly TimedBody[]): readonly TimedBody[] => {
  const left = clusterOf(events)
  return [
    ...left.pods.map(pod => ({ kind: 'pod.deleted' as const, ...nameOf(pod) })),
    ...left.policies.map(policy => ({ kind: 'networkpolicy.deleted' as const, ...nameOf(policy) })),
    ...(left.ciliumPolicies ?? []).map(policy => ({
      kind: 'ciliumpolicy.deleted' as const,
      policyKind: policy.kind,
      ...nameOf(policy),
    })),
    ...(left.clusterPolicies ?? []).map(({ kind, name }) => ({
      kind: 'clusterpolicy.deleted' as const,
      policyKind: kind,
      name,
    })),
    ...(left.cidrGroups ?? []).map(({ name }) => ({ kind: 'cidrgroup.deleted' as const, name })),
    ...(left.slices ?? []).map(slice => ({ kind: 'endpointslice.deleted' as const, ...nameOf(slice) })),
    ...(left.services ?? []).map(service => ({ kind: 'service.deleted' as const, ...nameOf(service) })),
    ...left.nodes.map(({ name }) => ({ kind: 'node.deleted' as const, name })),
    { kind: 'host.observed' as const, host: { addresses: [] } },
    ...left.namespaces.map(({ name }) => ({ kind: 'namespace.deleted' as const, name })),
    ...(left.attached ?? []).map(name => ({
      kind: 'endpoint.detached' as const,
      namespace: name.split('/')[0] ?? '',
      pod: name.split('/')[1] ?? '',
    })),
    { kind: 'time.passed', until: endMs },
  ]
}

const nameOf = ({ namespace, name }: { namespace: string; name: string }) => ({ namespace, name })
