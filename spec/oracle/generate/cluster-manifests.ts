import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '@weir/core/event/cluster-policy.js'
import type { PortRange } from '@weir/core/policy/rule.js'
import type { LabelSelector } from '@weir/core/policy/selector.js'

/* Cluster policies written out as their two generations of manifests. */

/** The nearest policy that a manifest can say: names of ports in any protocol, ports from 1, no Pass in the old Baseline. */
export function writable(policy: ClusterPolicyFact): ClusterPolicyFact {
  const rule = ({ ports, ...rest }: ClusterPolicyRule): ClusterPolicyRule => ({
    ...rest,
    action: policy.kind === 'BaselineAdminNetworkPolicy' && rest.action === 'pass' ? 'deny' : rest.action,
    ...(ports && {
      ports: {
        ranges: ports.ranges.map(range => ({ ...range, first: Math.max(range.first, 1) })),
        named: ports.named.map(({ name }) => ({ name, protocol: 0 })),
      },
    }),
  })
  const egress = policy.kind === 'BaselineAdminNetworkPolicy' ? policy.egress.filter(isNotByName) : policy.egress
  return {
    ...policy,
    ingress: policy.ingress.map(rule),
    egress: egress.map((entry, index) => ({ ...rule(entry), path: `spec.egress[${index}]` })),
  }
}

const isNotByName = ({ peers }: ClusterPolicyRule) => peers.every(peer => peer.kind !== 'domainNames')

export function manifestOf(policy: ClusterPolicyFact): object {
  const isNew = policy.kind === 'ClusterNetworkPolicy'
  const section = (rules: readonly ClusterPolicyRule[], peers: 'from' | 'to') =>
    rules.map(rule => ({
      action: isNew ? newActions[rule.action] : oldActions[rule.action],
      [peers]: rule.peers.flatMap(peerOf),
      ...(rule.ports && (isNew ? { protocols: protocolsOf(rule.ports) } : { ports: portsOf(rule.ports) })),
    }))
  return {
    apiVersion: `policy.networking.k8s.io/${isNew ? 'v1alpha2' : 'v1alpha1'}`,
    kind: policy.kind,
    metadata: { name: policy.name },
    spec: {
      ...(isNew && { tier: policy.tier === 'admin' ? 'Admin' : 'Baseline' }),
      ...(policy.kind !== 'BaselineAdminNetworkPolicy' && { priority: policy.priority }),
      subject: podsOf(policy.subject),
      ...(policy.ingress.length > 0 && { ingress: section(policy.ingress, 'from') }),
      ...(policy.egress.length > 0 && { egress: section(policy.egress, 'to') }),
    },
  }
}

const newActions = { accept: 'Accept', deny: 'Deny', pass: 'Pass' } as const
const oldActions = { accept: 'Allow', deny: 'Deny', pass: 'Pass' } as const

function peerOf(peer: ClusterPolicyPeer): readonly object[] {
  switch (peer.kind) {
    case 'namespaces':
    case 'pods':
      return [podsOf(peer)]
    case 'nodes':
      return [{ nodes: selectorOf(peer.selector) }]
    case 'networks':
      return [{ networks: peer.cidrs }]
    case 'domainNames':
      return [{ domainNames: peer.names }]
  }
}

function podsOf(pods: NamespacedPods): object {
  return pods.kind === 'namespaces'
    ? { namespaces: selectorOf(pods.selector) }
    : { pods: { namespaceSelector: selectorOf(pods.namespaceSelector), podSelector: selectorOf(pods.podSelector) } }
}

const selectorOf = (selector: LabelSelector): object =>
  selector.length === 0
    ? {}
    : {
        matchExpressions: selector.map(({ key, operator, values }) => ({
          key,
          operator,
          ...(values.length > 0 && { values }),
        })),
      }

const protocolNames: Readonly<Record<number, string>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' }
type Ports = NonNullable<ClusterPolicyRule['ports']>

function protocolsOf({ ranges, named }: Ports): readonly object[] {
  const port = ({ first, last }: PortRange) =>
    first === last ? { number: first } : { range: { start: first, end: last } }
  return [
    ...ranges.map(range => ({
      [(protocolNames[range.protocol] ?? '').toLowerCase()]: { destinationPort: port(range) },
    })),
    ...named.map(({ name }) => ({ destinationNamedPort: name })),
  ]
}

function portsOf({ ranges, named }: Ports): readonly object[] {
  return [
    ...ranges.map(({ protocol, first, last }) =>
      first === last
        ? { portNumber: { protocol: protocolNames[protocol], port: first } }
        : { portRange: { protocol: protocolNames[protocol], start: first, end: last } },
    ),
    ...named.map(({ name }) => ({ namedPort: name })),
  ]
}
