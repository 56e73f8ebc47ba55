import { compareStates, Engine, type EventBody, packetKey } from '@weir/core'
import { type PairChange, pairChanges, type PairOptions } from '@weir/core/compare/compare.js'
import { type End, readingsOf } from '@weir/core/compare/ends.js'
import { inCube } from '@weir/core/compare/key-set.js'
import { partyText } from '@weir/core/compare/parties.js'
import { portsText } from '@weir/core/compare/port-text.js'
import type { CiliumPolicyFact } from '@weir/core/event/cilium.js'
import type { NodeFact } from '@weir/core/event/event.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'
import type { Explanation } from '@weir/core/explain/explain.js'
import { contains } from '@weir/core/verdict/intervals.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingAddresses, interestingPorts } from '../../oracle/generate/flows.js'
import { numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { labelValues, pick } from '../../oracle/generate/names.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf, type TimedBody } from '../../oracle/index.js'
import { agent, ipBlock, is, namespace, node, pod, policy, Scene } from '../log.js'
import { asked, statesOf, truth } from './brute-force.js'

/** One that is there, so that it is known in which prefixes nodes have their addresses. */
const spare: EventBody = {
  kind: 'node.upserted',
  node: { name: 'spare', labels: {}, addresses: ['192.168.77.1'], podCidrs: [] },
}

/** Any node at all: of labels that rules name and of others. */
const comer = (name: string, address: string): fc.Arbitrary<NodeFact> =>
  fc
    .dictionary(pick(['zone', 'zone', 'rack', 'unasked']), pick([...labelValues, 'unlisted']), {
      maxKeys: 3,
      noNullPrototype: true,
    })
    .map(labels => ({ name, labels, addresses: [address], podCidrs: [] }))

const requirement: fc.Arbitrary<Requirement> = fc
  .tuple(
    pick(['zone', 'zone', 'rack']),
    pick(['In', 'In', 'NotIn', 'Exists', 'DoesNotExist'] as const),
    fc.uniqueArray(pick(labelValues), { minLength: 1, maxLength: 2 }),
  )
  .map(([key, operator, values]) => ({ key, operator, values: operator.endsWith('In') ? values : [] }))
const nodeSelector: fc.Arbitrary<LabelSelector> = fc.array(requirement, { maxLength: 2 })

const entry = fc.oneof(
  fc
    .array(nodeSelector, { minLength: 1, maxLength: 2 })
    .map(selectors => ({ peers: { kind: 'nodes' as const, selectors } })),
  pick([{}, { peers: { kind: 'entities' as const, entities: ['remote-node' as const] } }]),
)

/** Policies that speak of nodes by their labels, as subjects and as peers. */
const nodePolicy: fc.Arbitrary<EventBody> = fc
  .record({
    name: pick(['m', 'n']),
    subject: fc.oneof(
      nodeSelector.map(selector => ({ kind: 'nodes' as const, selector })),
      fc.constant({ kind: 'endpoints' as const, selector: [] }),
    ),
    sections: fc.uniqueArray(pick(['ingress', 'egress', 'ingressDeny', 'egressDeny'] as const), {
      minLength: 1,
      maxLength: 2,
    }),
    entries: fc.array(entry, { minLength: 1, maxLength: 2 }),
  })
  .map(({ name, subject, sections, entries }) => ({
    kind: 'ciliumpolicy.upserted',
    policy: {
      kind: 'CiliumClusterwideNetworkPolicy',
      namespace: '',
      name,
      rules: [
        {
          path: 'spec',
          subject,
          enableDefaultDeny: {},
          ...Object.fromEntries(
            sections.map(section => [
              section,
              entries.map((each, at) => ({ ...each, path: `spec.${section}[${at}]` })),
            ]),
          ),
        },
      ],
    },
  }))

const boundless: PairOptions = { labelSets: 100_000, pairs: 1_000_000, everyProspect: true }

interface Checked {
  /** How many flows with nodes to come change. */
  readonly changes: number
  /** How many of them are told of by the name of a node that is there. */
  readonly stoodFor: number
}

function check(
  bodies: readonly TimedBody[],
  more: readonly TimedBody[],
  nodes: readonly NodeFact[],
  salt: number,
  options = boundless,
): Checked {
  const states = statesOf(numbered(bodies), numbered(more, bodies.length + 1))
  const own = [states.before, states.after].map(({ state }) => state.agent?.fact.node)
  if (own[0] !== own[1]) return { changes: 0, stoodFor: 0 }
  const { changes, uncovered } = pairChanges(readingsOf([states.before, states.after]), options)
  expect(uncovered).to.deep.equal([])
  const arrivals = nodes.map((each): EventBody => ({ kind: 'node.upserted', node: each }))
  const [before, after] = [bodies, [...bodies, ...more]].map(all => statesOf([], numbered([...all, ...arrivals])).after)
  const isMember = (members: readonly End[], party: Explanation['from']): boolean => {
    const fact = nodes.find(({ name }) => party.kind === 'node' && name === party.name)
    if (fact === undefined) return members.some(({ kind, name }) => kind === party.kind && name === party.name)
    const labels = new Map(Object.entries(fact.labels))
    return members.some(({ kind, prospect }) => kind === 'node' && prospect?.cubes.some(cube => inCube(cube, labels)))
  }
  const isStanding = (members: readonly End[], party: Explanation['from'], other: Explanation['from']): boolean =>
    isMember(members, party) ||
    (nodes.some(({ name }) => party.kind === 'node' && name === party.name) &&
      members.some(({ kind, name }) => kind === 'node' && name !== other.name))
  const cluster = clusterOf(numbered([...bodies, ...more, ...arrivals]))
  const ports = interestingPorts(cluster)
  const [one, other] = nodes.map(({ addresses }) => addresses[0]!)
  const ends = interestingAddresses(cluster).filter(address => !address.includes(':') && address !== one)
  let changed = 0
  let stoodFor = 0
  for (const address of [other!, ...ends.filter((_, at) => (at + salt) % 3 === 0)])
    for (const [from, to] of [
      [one!, address],
      [address, one!],
    ] as const)
      for (let at = salt % 2; at < ports.length; at += 2) {
        const flow = { from, to, ...ports[at]! }
        const [was, now] = [asked(before!, flow), asked(after!, flow)]
        const party = address === from ? 'from' : 'to'
        const [a, b] = [was.explanation[party], now.explanation[party]]
        // Of the world, and of who is somebody else in the other state, other tests tell.
        if (a.kind === 'world' || a.kind !== b.kind || a.name !== b.name) continue
        if (a.kind === 'pod' && hasMoved(states.before, states.after, a.name)) continue
        const told = toldOf(
          changes.filter(
            ({ fromMembers, toMembers }) =>
              isMember(fromMembers, was.explanation.from) && isMember(toMembers, was.explanation.to),
          ),
          flow,
        )
        const meant = truth(was, now)
        if (told.length === 0 && meant !== 'same' && options.everyProspect !== true) {
          const { from: sender, to: receiver } = was.explanation
          const standing = changes.filter(
            ({ fromMembers, toMembers }) =>
              isStanding(fromMembers, sender, receiver) && isStanding(toMembers, receiver, sender),
          )
          expect(toldOf(standing, flow), JSON.stringify({ flow, nodes })).includes(meant)
          stoodFor += 1
          continue
        }
        expect([...new Set(told)], JSON.stringify({ flow, nodes })).deep.equals(meant === 'same' ? [] : [meant])
        if (meant !== 'same') changed += 1
      }
  return { changes: changed, stoodFor }
}

/** How a flow between others than a pod and its own node changes. */
const toldOf = (changes: readonly PairChange[], { protocol, port }: { protocol: number; port: number }): string[] =>
  changes
    .filter(change => change.from.family === 4 && change.own.join() === 'false,false')
    .flatMap(({ differences }) => differences)
    .filter(({ keys }) => contains(keys, packetKey(protocol, port)))
    .map(({ change }) => change)
    .filter(change => change !== 'changed-l7')

const hasMoved = (before: Engine, after: Engine, name: string): boolean =>
  JSON.stringify(before.state.pods.get(name)?.fact) !== JSON.stringify(after.state.pods.get(name)?.fact)

describe('compare: nodes to come', function () {
  this.timeout(120_000)

  it('are told of as asking about them when they are there would tell', () => {
    let changes = 0
    fc.assert(
      fc.property(
        mixedHistories(20),
        fc.array(nodePolicy, { maxLength: 2 }),
        fc.array(nodePolicy, { minLength: 1, maxLength: 2 }),
        fc.tuple(comer('comer-1', '192.168.77.2'), comer('comer-2', '192.168.77.3')),
        fc.nat(1000),
        (batches, policies, more, nodes, salt) => {
          changes += check([spare, ...batches.flat(), ...policies], more, nodes, salt).changes
        },
      ),
      sampling('nodes to come', 60),
    )
    expect(changes, 'flows of nodes to come that change').above(0)
  })

  it('are not named where a node that is there changes as they would', () => {
    let stoodFor = 0
    fc.assert(
      fc.property(
        mixedHistories(20),
        fc.array(nodePolicy, { maxLength: 2 }),
        fc.array(nodePolicy, { minLength: 1, maxLength: 2 }),
        fc.tuple(comer('comer-1', '192.168.77.2'), comer('comer-2', '192.168.77.3')),
        fc.nat(1000),
        (batches, policies, more, nodes, salt) => {
          const bodies = [spare, ...batches.flat(), ...policies]
          stoodFor += check(bodies, more, nodes, salt, { ...boundless, everyProspect: false }).stoodFor
        },
      ),
      sampling('nodes to come stood for', 60),
    )
    expect(stoodFor, 'flows that others tell of').above(0)
  })

  const base = [
    agent(),
    namespace('a', {}),
    pod('a/web', { app: 'web' }, '10.0.0.1'),
    node('here', ['192.168.0.1'], { labels: { zone: 'x' } }),
    node('there', ['192.168.0.2'], { labels: { zone: 'x' } }),
  ] as const

  const allowing = (...zones: readonly string[]): EventBody => ({
    kind: 'ciliumpolicy.upserted',
    policy: {
      kind: 'CiliumNetworkPolicy',
      namespace: 'a',
      name: 'p',
      rules: [
        {
          path: 'spec',
          subject: { kind: 'endpoints', selector: [is('app', 'web')] },
          enableDefaultDeny: {},
          ingress: [{ path: 'spec.ingress[0]', peers: { kind: 'nodes', selectors: [[is('zone', ...zones)]] } }],
        },
      ],
    } satisfies CiliumPolicyFact,
  })

  function lines(before: readonly EventBody[], after: readonly EventBody[]): string[] {
    const scene = new Scene()
    scene.apply(...before)
    const first = Engine.restore(structuredClone(scene.engine.snapshot()))
    scene.apply(...after)
    return compareStates(first, scene.engine).changes.map(
      ({ from, to, ports, change }) =>
        `${from.map(partyText).join(', ')} → ${to.map(partyText).join(', ')} : ${portsText(ports)} ${change}`,
    )
  }

  it('are named by the labels that rules ask for, where no node has such', () => {
    expect(lines([...base, allowing('x')], [allowing('x', 'y')])).to.deep.equal([
      'remote-node with zone In (y) (none now) → a/web : any newly-allowed',
    ])
  })

  it('are not named where two nodes that are there are as they would be', () => {
    expect(lines([...base, allowing('y')], [allowing('x', 'y')])).to.deep.equal([
      'remote-node → a/web : any newly-allowed',
    ])
  })

  it('are named beside the only one that is there, for what it and they send each other', () => {
    const host = (...zones: readonly string[]): EventBody => ({
      kind: 'ciliumpolicy.upserted',
      policy: {
        kind: 'CiliumClusterwideNetworkPolicy',
        namespace: '',
        name: 'h',
        rules: [
          {
            path: 'spec',
            subject: { kind: 'nodes', selector: [is('zone', 'x')] },
            enableDefaultDeny: {},
            ingress: [{ path: 'spec.ingress[0]', peers: { kind: 'nodes', selectors: [[is('zone', ...zones)]] } }],
          },
        ],
      },
    })
    const one = base.slice(0, 4)
    const [line, ...others] = lines([...one, host('y')], [host('x', 'y')])
    expect(others).to.deep.equal([
      'remote-node with zone In (x) (besides here) → remote-node here : any but tcp/22, tcp/6443 newly-allowed',
    ])
    expect(line).to.equal(
      'remote-node here → remote-node with zone In (x) (besides here) : any but tcp/22, tcp/6443 newly-allowed',
    )
  })

  it('are named beside the only one that is there, for what they send pods that run on it', () => {
    expect(lines([...base.slice(0, 4), allowing('y')], [allowing('x', 'y')])).to.deep.equal([
      'remote-node with zone In (x) (besides here) → a/web : any newly-allowed',
    ])
  })

  it('are not named for what they send pods that run elsewhere: the one that is there sends it, too', () => {
    const elsewhere = pod('a/web', { app: 'web' }, '10.0.0.1', { node: 'gone' })
    expect(lines([...base.slice(0, 4), elsewhere, allowing('y')], [allowing('x', 'y')])).to.deep.equal([
      'remote-node here → a/web : any newly-allowed',
    ])
  })

  const everyNode = (...entities: readonly ('remote-node' | 'host')[]): EventBody => ({
    kind: 'ciliumpolicy.upserted',
    policy: {
      kind: 'CiliumClusterwideNetworkPolicy',
      namespace: '',
      name: 'h',
      rules: [
        {
          path: 'spec',
          subject: { kind: 'nodes', selector: [] },
          enableDefaultDeny: {},
          ingress: [{ path: 'spec.ingress[0]', peers: { kind: 'entities', entities } }],
        },
      ],
    },
  })

  it('are named beside the only one that is there where no rule tells nodes apart', () => {
    expect(lines([...base.slice(0, 4), everyNode('host')], [everyNode('host', 'remote-node')])).to.deep.equal([
      'remote-node (besides here) → remote-node here : any but tcp/22, tcp/6443 newly-allowed',
      'remote-node here → remote-node (besides here) : any but tcp/22, tcp/6443 newly-allowed',
    ])
  })

  it('are named where no node is there, for what they send each other', () => {
    expect(lines([agent(), everyNode('host')], [everyNode('host', 'remote-node')])).to.deep.equal([
      'remote-node → remote-node : any but tcp/22, tcp/6443 newly-allowed',
    ])
  })

  it('have no address that a rule names and a node has', () => {
    const named = policy('p', { ingress: [{ peers: [ipBlock('192.168.0.1/32')], ports: [] }] })
    expect(lines([...base.slice(0, 4), named], [policy('p', {})])).to.deep.equal([])
    const elsewhere = [...base.slice(0, 4), pod('a/web', {}, '10.0.0.1', { node: 'gone' })]
    expect(lines([...elsewhere, named], [policy('p', {})])).to.deep.equal([
      'remote-node here → a/web : any newly-denied',
    ])
  })

  it('are not whom pods on the network of no known node speak for', () => {
    const speaker = pod('a/speaker', {}, '10.0.3.2', { node: '', hostNetwork: true })
    expect(lines([agent(), pod('a/web', {}, '10.0.0.1'), speaker], [policy('p', {})])).to.deep.equal([
      'other pods (besides a/web), remote-node, remote-node, world → a/web : any newly-denied',
      'a/web → pods with io.kubernetes.pod.namespace In (a) (besides a/web) : any newly-denied',
    ])
  })
})
