import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '@weir/core/event/cluster-policy.js'
import fc from 'fast-check'
import { selectorOf } from '../manifest.js'
import { blocks } from './addresses.js'
import { nodeSelectors } from './cilium.js'
import { domainNames } from './mixed-names.js'
import { pick, policyNames, portNames, portNumbers } from './names.js'
import { namespaceSelectors, optionally, podSelectors } from './policies.js'

const pods: fc.Arbitrary<NamespacedPods> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: 'namespaces' as const, selector: [] }) },
  { weight: 2, arbitrary: namespaceSelectors.map(raw => ({ kind: 'namespaces' as const, selector: selectorOf(raw) })) },
  {
    weight: 4,
    arbitrary: fc.tuple(namespaceSelectors, podSelectors).map(([ofNamespace, ofPod]) => ({
      kind: 'pods' as const,
      namespaceSelector: selectorOf(ofNamespace),
      podSelector: selectorOf(ofPod),
    })),
  },
)

const outward: fc.Arbitrary<ClusterPolicyPeer> = fc.oneof(
  { weight: 3, arbitrary: pods },
  { weight: 2, arbitrary: nodeSelectors.map(raw => ({ kind: 'nodes' as const, selector: selectorOf(raw) })) },
  {
    weight: 2,
    arbitrary: fc
      .uniqueArray(
        blocks.map(({ cidr }) => cidr),
        { minLength: 1, maxLength: 2 },
      )
      .map(cidrs => ({ kind: 'networks' as const, cidrs })),
  },
)

const names: fc.Arbitrary<ClusterPolicyPeer> = fc
  .uniqueArray(pick(domainNames), { minLength: 1, maxLength: 2 })
  .map(drawn => ({ kind: 'domainNames', names: drawn }))

const range = fc
  .tuple(
    pick([6, 6, 17, 132]),
    fc.subarray(portNumbers as readonly number[] as number[], { minLength: 1, maxLength: 2 }),
    fc.boolean(),
  )
  .map(([protocol, [first = 1, last = first], every]) =>
    every ? { protocol, first: 0, last: 65535 } : { protocol, first, last },
  )
const named = fc.record({ name: pick(portNames), protocol: pick([0, 0, 6, 17]) })

/** By number for whoever is there; by name only where pods are meant, who alone have names. */
const numbered = fc.array(range, { minLength: 1, maxLength: 2 }).map(ranges => ({ ranges, named: [] }))
const byName = fc
  .tuple(fc.array(range, { maxLength: 1 }), fc.array(named, { minLength: 1, maxLength: 2 }))
  .map(([ranges, drawn]) => ({ ranges, named: drawn }))

const action = pick(['accept', 'deny', 'deny', 'pass', 'pass'] as const)

function rule(peers: fc.Arbitrary<ClusterPolicyPeer>): fc.Arbitrary<Omit<ClusterPolicyRule, 'path'>> {
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(action, fc.array(peers, { minLength: 1, maxLength: 2 }), optionally('ports', numbered))
        .map(([does, whom, ports]) => ({ action: does, peers: whom, ...ports })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(action, fc.array(pods, { minLength: 1, maxLength: 2 }), byName)
        .map(([does, whom, ports]) => ({ action: does, peers: whom, ports })),
    },
  )
}

/** Domain names are for accepting only. */
const egressRule = fc.oneof(
  { weight: 4, arbitrary: rule(outward) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(names, optionally('ports', numbered))
      .map(([peer, ports]) => ({ action: 'accept' as const, peers: [peer], ...ports })),
  },
)

function section(direction: 'ingress' | 'egress', rules: fc.Arbitrary<Omit<ClusterPolicyRule, 'path'>>) {
  return fc
    .array(rules, { maxLength: 3 })
    .map(list => list.map((entry, index): ClusterPolicyRule => ({ ...entry, path: `spec.${direction}[${index}]` })))
}

/** Priorities clash now and then. */
const kinds = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ClusterNetworkPolicy' as const),
      name: pick(policyNames),
      tier: pick(['admin', 'baseline'] as const),
      priority: pick([0, 5, 1000]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('AdminNetworkPolicy' as const),
      name: pick(policyNames),
      tier: fc.constant('admin' as const),
      priority: pick([0, 5, 99]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constant({
      kind: 'BaselineAdminNetworkPolicy' as const,
      name: 'default',
      tier: 'baseline' as const,
      priority: 0,
    }),
  },
)

export const anyClusterPolicy: fc.Arbitrary<ClusterPolicyFact> = fc
  .tuple(kinds, pods, section('ingress', rule(pods)), section('egress', egressRule))
  .map(([head, subject, ingress, egress]) => ({ ...head, subject, ingress, egress }))

const everyPod: ClusterPolicyPeer = { kind: 'namespaces', selector: [] }
const broadPeer = fc.oneof(
  { weight: 3, arbitrary: fc.constant(everyPod) },
  { weight: 3, arbitrary: fc.constant<ClusterPolicyPeer>({ kind: 'networks', cidrs: ['0.0.0.0/0', '::/0'] }) },
  { weight: 1, arbitrary: pods },
)
const broadRule = fc
  .tuple(pick(['accept', 'deny', 'pass'] as const), broadPeer)
  .map(([does, peer]) => ({ action: does, peers: [peer] }))

/** Policies that would all decide the same packets, so that only their order does. */
export const broadClusterPolicy: fc.Arbitrary<ClusterPolicyFact> = fc
  .tuple(
    kinds,
    section('ingress', broadRule),
    section(
      'egress',
      fc.oneof(
        { weight: 3, arbitrary: broadRule },
        { weight: 2, arbitrary: names.map(peer => ({ action: 'accept' as const, peers: [peer] })) },
      ),
    ),
  )
  .map(([head, ingress, egress]) => ({ ...head, subject: { kind: 'namespaces', selector: [] }, ingress, egress }))
