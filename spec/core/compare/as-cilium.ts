import {
  oracleFromManifest,
  type RawNetworkPolicy,
  type RawPeer,
  type RawPort,
  type RawRule,
  type RawSelector,
} from '../../oracle/manifest.js'

const namespaceKey = 'k8s:io.kubernetes.pod.namespace'
const namespaceLabels = 'k8s:io.cilium.k8s.namespace.labels.'

/** Blocks mean others in the two dialects. */
export const canBeCilium = ({ spec: { ingress, egress } }: RawNetworkPolicy): boolean =>
  [...(ingress ?? []), ...(egress ?? [])].every(rule =>
    [...(rule.from ?? []), ...(rule.to ?? [])].every(({ ipBlock }) => ipBlock === undefined),
  )

/** The CiliumNetworkPolicy that says what a NetworkPolicy says. */
export function asCilium(raw: RawNetworkPolicy): object {
  const { metadata, spec } = raw
  const types = oracleFromManifest(raw).policyTypes
  const section = (given: readonly RawRule[] | null | undefined, peers: 'from' | 'to'): object[] =>
    given == null || given.length === 0 ? [{}] : given.map(rule => ruleOf(rule, peers))
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata,
    spec: {
      endpointSelector: spec.podSelector ?? {},
      ...(types.includes('ingress') && { ingress: section(spec.ingress, 'from') }),
      ...(types.includes('egress') && { egress: section(spec.egress, 'to') }),
    },
  }
}

function ruleOf(rule: RawRule, field: 'from' | 'to'): object {
  const peers = rule[field] ?? []
  const ports = rule.ports ?? []
  const whom = peers.length === 0 ? { [`${field}Entities`]: ['all'] } : { [`${field}Endpoints`]: peers.map(endpoints) }
  return { ...whom, ...(ports.length > 0 && { toPorts: [{ ports: ports.map(portOf) }] }) }
}

function endpoints({ podSelector, namespaceSelector }: RawPeer): RawSelector {
  if (namespaceSelector === undefined) return podSelector ?? {}
  const { matchLabels, matchExpressions } = namespaceSelector
  const own = podSelector ?? {}
  return {
    matchLabels: {
      ...own.matchLabels,
      ...Object.fromEntries(Object.entries(matchLabels ?? {}).map(([key, value]) => [namespaceLabels + key, value])),
    },
    matchExpressions: [
      ...(own.matchExpressions ?? []),
      ...(matchExpressions ?? []).map(each => ({ ...each, key: namespaceLabels + each.key })),
      { key: namespaceKey, operator: 'Exists' },
    ],
  }
}

const portOf = ({ protocol = 'TCP', port, endPort }: RawPort): object => ({
  protocol,
  port: String(port ?? 0),
  ...(endPort !== undefined && { endPort }),
})
