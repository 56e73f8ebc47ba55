import fc from 'fast-check'
import type { RawNetworkPolicy, RawPeer, RawPort, RawRequirement, RawRule, RawSelector } from '../manifest.js'
import { blocks } from './addresses.js'
import {
  anyNamespace,
  labels,
  labelValues,
  namespaceLabelKeys,
  namespaceNames,
  pick,
  podLabelKeys,
  policyNames,
  portedProtocols,
  portNames,
  portNumbers,
} from './names.js'

/** Present with a value, or left out: exact optional fields, as YAML has them. */
export function optionally<Key extends string, Value>(
  key: Key,
  value: fc.Arbitrary<Value>,
  freq = 2,
): fc.Arbitrary<{ [K in Key]?: Value }> {
  return fc
    .option(value, { nil: undefined, freq })
    .map(drawn => (drawn === undefined ? {} : { [key]: drawn }) as { [K in Key]?: Value })
}

function requirement(keys: readonly string[], values: readonly string[]): fc.Arbitrary<RawRequirement> {
  return fc
    .record({
      key: pick(keys),
      operator: pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const),
      values: fc.array(pick(values), { minLength: 1, maxLength: 2 }),
    })
    .map(({ key, operator, values }) =>
      operator === 'In' || operator === 'NotIn' ? { key, operator, values } : { key, operator },
    )
}

/** Empty, by labels, by expressions, by both. */
function selector(keys: readonly string[], extra: fc.Arbitrary<RawRequirement>): fc.Arbitrary<RawSelector> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: labels(keys).map(matchLabels => ({ matchLabels })) },
    {
      weight: 3,
      arbitrary: fc
        .array(fc.oneof(requirement(keys, labelValues), extra), { minLength: 1, maxLength: 2 })
        .map(matchExpressions => ({ matchExpressions })),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        matchLabels: labels(keys),
        matchExpressions: fc.array(requirement(keys, labelValues), { maxLength: 1 }),
      }),
    },
  )
}

export const podSelectors: fc.Arbitrary<RawSelector> = selector(podLabelKeys, requirement(podLabelKeys, labelValues))

/** Namespaces by their labels, the implicit one of their own name among them. */
export const namespaceSelectors: fc.Arbitrary<RawSelector> = selector(
  namespaceLabelKeys,
  requirement(['kubernetes.io/metadata.name'], namespaceNames),
)

const peer: fc.Arbitrary<RawPeer> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ podSelector: podSelectors }) },
  { weight: 2, arbitrary: fc.record({ namespaceSelector: namespaceSelectors }) },
  { weight: 2, arbitrary: fc.record({ namespaceSelector: namespaceSelectors, podSelector: podSelectors }) },
  { weight: 3, arbitrary: blocks.map(ipBlock => ({ ipBlock })) },
)

const protocol = optionally('protocol', pick(portedProtocols))

const port: fc.Arbitrary<RawPort> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(protocol, pick(portNumbers)).map(([said, number]) => ({ ...said, port: number })) },
  { weight: 3, arbitrary: fc.tuple(protocol, pick(portNames)).map(([said, name]) => ({ ...said, port: name })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(protocol, pick(portNumbers), pick(portNumbers))
      .map(([said, one, other]) => ({ ...said, port: Math.min(one, other), endPort: Math.max(one, other) })),
  },
  { weight: 1, arbitrary: protocol },
)

/** A list as it is met in the wild: left out, written without a value, empty, or with entries. */
function sparse<Key extends string, Value>(key: Key, entry: fc.Arbitrary<Value>, maxLength: number) {
  return fc
    .oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 6, arbitrary: fc.array(entry, { minLength: 1, maxLength }) },
    )
    .map(list => (list === undefined ? {} : { [key]: list }) as { [K in Key]?: readonly Value[] | null })
}

const rule = (peers: 'from' | 'to'): fc.Arbitrary<RawRule> =>
  fc.tuple(sparse(peers, peer, 2), sparse('ports', port, 3)).map(([whom, ports]) => ({ ...whom, ...ports }))

/** NetworkPolicies with every feature of networking.k8s.io/v1, as they would be written. */
export function rawPolicies(namespace: string, name: string): fc.Arbitrary<RawNetworkPolicy> {
  return fc
    .tuple(
      podSelectors,
      optionally('policyTypes', fc.subarray(['Ingress', 'Egress'] as const, { minLength: 0 })),
      sparse('ingress', rule('from'), 2),
      sparse('egress', rule('to'), 2),
    )
    .map(([podSelector, policyTypes, ingress, egress]) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace },
      spec: { podSelector, ...policyTypes, ...ingress, ...egress },
    }))
}

export const anyRawPolicy: fc.Arbitrary<RawNetworkPolicy> = fc
  .tuple(anyNamespace, pick(policyNames))
  .chain(([namespace, name]) => rawPolicies(namespace, name))
