import { Engine, type EventBody } from '@weir/core'
import { differingParts } from '@weir/core/digest/differing-parts.js'
import type { WeirEvent } from '@weir/core/event/event.js'
import { tunnelRows } from '@weir/core/routing/tunnel-rows.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../oracle/generate/seed.js'

const nodes = ['here', 'a', 'b', 'c'] as const
/** Few enough that nodes and pods claim one another's, and a node's address is a block of pods. */
const addresses = ['192.0.2.1', '192.0.2.2', '10.9.0.1', '2001:db8::1'] as const
const blocks = ['10.1.0.0/24', '10.1.0.0/16', '10.9.0.0/31', '192.0.2.2/32', 'fd01::/64', 'no block'] as const
const podAddresses = ['10.1.0.1', '10.1.1.1', '10.9.0.1', '10.9.0.2', '192.0.2.1', 'fd01::1', 'fd02::1'] as const
const pods = ['p', 'q', 'r'] as const

const some = <Value>(values: readonly Value[], maxLength: number) =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength })

const podOf = (name: string, node: string, own: readonly string[], hostNetwork = false): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    ...{ namespace: 'shop', name, labels: {}, serviceAccount: 'default', node, ports: [] },
    ...{ addresses: own, hostNetwork },
  },
})
const nodeOf = (name: string, own: readonly string[], podCidrs: readonly string[]): EventBody => ({
  kind: 'node.upserted',
  node: { name, labels: {}, addresses: own, podCidrs },
})
const agentOf = (node: string): EventBody => ({
  kind: 'agent.configured',
  agent: { node, cluster: 'default', labelFilter: [] },
})

const bodies: fc.Arbitrary<EventBody> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...pods), fc.constantFrom(...nodes), some(podAddresses, 2), fc.boolean())
      .map(([name, node, own, host]) => podOf(name, node, own, host && name === 'r')),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...pods).map(name => ({ kind: 'pod.deleted' as const, namespace: 'shop', name })),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...nodes), some(addresses, 2), some(blocks, 2))
      .map(([name, own, podCidrs]) => nodeOf(name, own, podCidrs)),
  },
  { weight: 2, arbitrary: fc.constantFrom(...nodes).map(name => ({ kind: 'node.deleted' as const, name })) },
  { weight: 1, arbitrary: fc.constantFrom('here', 'a').map(agentOf) },
)

const eventsOf = (said: readonly EventBody[], from = 1): readonly WeirEvent[] =>
  said.map((body, at) => ({ ...body, seq: from + at, time: 0, source: 'spec' }))

const engineOf = (...said: readonly EventBody[]): Engine => {
  const engine = new Engine()
  engine.apply(eventsOf(said))
  return engine
}

const rowsText = ({ state }: Engine): string =>
  [...tunnelRows(state).values()]
    .map(({ prefix, address, isNode }) => `${prefix} ${address} ${isNode}`)
    .sort()
    .join()

describe('law: the digest of tunnels', function () {
  this.timeout(60_000)

  it('is after every event the one of the same state folded at once, restored, or asked for the first time', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(bodies, fc.boolean()), { minLength: 20, maxLength: 60 }), steps => {
        const said: EventBody[] = [agentOf('here')]
        const engine = engineOf(...said)
        for (const [body, asks] of steps) {
          engine.fold(eventsOf([body], engine.seq + 1))
          said.push(body)
          // Asked now and then, so that several events are between two answers.
          if (!asks) continue
          const { tunnels } = engine.digest().parts
          expect(tunnels).equals(engineOf(...said).digest().parts.tunnels)
          expect(tunnels).equals(Engine.restore(structuredClone(engine.snapshot())).digest().parts.tunnels)
        }
      }),
      sampling('tunnels by events', 80),
    )
  })

  it('is the same for two states where the rows are, and for no others', () => {
    const tally = { same: 0, other: 0 }
    fc.assert(
      fc.property(fc.array(bodies, { minLength: 1, maxLength: 30 }), fc.nat(), (said, at) => {
        const engine = engineOf(agentOf('here'), ...said)
        const other = engineOf(agentOf('here'), ...said.toSpliced(at % said.length, 1))
        const same = rowsText(engine) === rowsText(other)
        tally[same ? 'same' : 'other'] += 1
        expect(engine.digest().parts.tunnels === other.digest().parts.tunnels).equals(same)
      }),
      sampling('tunnels by rows', 400),
    )
    expect(Math.min(tally.same, tally.other)).above(40)
  })

  it('is the only part in which two agents differ that know one tunnel otherwise', () => {
    const [block, longer] = ['10.2.0.0/24', '10.2.0.0/25']
    const cluster = (podCidrs: readonly string[]): Engine =>
      engineOf(agentOf('here'), nodeOf('here', ['192.0.2.1'], []), nodeOf('b', ['192.0.2.2'], podCidrs))
    const [one, same, other] = [cluster([block]), cluster([block]), cluster([longer])]
    expect(differingParts(one.digest(), same.digest())).deep.equals([])
    expect(differingParts(one.digest(), other.digest())).deep.equals(['tunnels'])
    expect(one.digest().hex).not.equals(other.digest().hex)
  })

  it('comes back to that of nothing', () => {
    const engine = engineOf(agentOf('here'), nodeOf('b', ['192.0.2.2'], ['10.2.0.0/24']), podOf('p', 'b', ['10.9.0.1']))
    const nothing = '0'.repeat(64)
    expect(engine.digest().parts.tunnels).not.equals(nothing)
    engine.apply(
      eventsOf(
        [
          { kind: 'pod.deleted', namespace: 'shop', name: 'p' },
          { kind: 'node.deleted', name: 'b' },
        ],
        4,
      ),
    )
    expect(engine.digest().parts.tunnels).equals(nothing)
  })
})
