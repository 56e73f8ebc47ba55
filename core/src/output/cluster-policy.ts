import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '../event/cluster-policy.js'
import type { PortRange } from '../policy/rule.js'
import { policyMetadata } from './metadata.js'
import { writtenSelector } from './selector.js'
import { listField, type Written, type WrittenObject } from './written.js'

/** ClusterNetworkPolicy of v1alpha2; AdminNetworkPolicy and BaselineAdminNetworkPolicy of v1alpha1. */
export function writtenClusterPolicy(fact: ClusterPolicyFact): WrittenObject {
  const { kind, name, tier, priority, subject, ingress, egress } = fact
  const isAlpha1 = kind !== 'ClusterNetworkPolicy'
  return {
    apiVersion: `policy.networking.k8s.io/${isAlpha1 ? 'v1alpha1' : 'v1alpha2'}`,
    kind,
    metadata: policyMetadata(name, '', fact),
    spec: {
      ...(!isAlpha1 && { tier: tier === 'admin' ? 'Admin' : 'Baseline' }),
      ...(kind !== 'BaselineAdminNetworkPolicy' && { priority }),
      subject: writtenPods(subject),
      ...listField('ingress', ingress.map(rule('from', isAlpha1))),
      ...listField('egress', egress.map(rule('to', isAlpha1))),
    },
  }
}

const rule =
  (peersField: 'from' | 'to', isAlpha1: boolean) =>
  ({ name, action, peers, ports }: ClusterPolicyRule): Written => ({
    ...(name !== undefined && { name }),
    action: action === 'deny' ? 'Deny' : action === 'pass' ? 'Pass' : isAlpha1 ? 'Allow' : 'Accept',
    [peersField]: peers.map(writtenClusterPeer),
    ...(ports !== undefined && { [isAlpha1 ? 'ports' : 'protocols']: writtenClusterPorts(ports, isAlpha1) }),
  })

function writtenClusterPeer(peer: ClusterPolicyPeer): Written {
  switch (peer.kind) {
    case 'namespaces':
    case 'pods':
      return writtenPods(peer)
    case 'nodes':
      return { nodes: writtenSelector(peer.selector) }
    case 'networks':
      return { networks: peer.cidrs }
    case 'domainNames':
      return { domainNames: peer.names }
  }
}

function writtenPods(pods: NamespacedPods): Written {
  if (pods.kind === 'namespaces') return { namespaces: writtenSelector(pods.selector) }
  const { namespaceSelector, podSelector } = pods
  return {
    pods: { namespaceSelector: writtenSelector(namespaceSelector), podSelector: writtenSelector(podSelector) },
  }
}

const protocolNames: Readonly<Record<number, string>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' }

function writtenClusterPorts(
  { ranges, named }: NonNullable<ClusterPolicyRule['ports']>,
  isAlpha1: boolean,
): readonly Written[] {
  const numbers = ranges.map(range => (isAlpha1 ? alphaPort(range) : protocol(range)))
  return [...numbers, ...named.map(({ name }) => ({ [isAlpha1 ? 'namedPort' : 'destinationNamedPort']: name }))]
}

function protocol({ protocol, first, last }: PortRange): Written {
  const destinationPort = first === last ? { number: first } : { range: { start: first, end: last } }
  return { [protocolNames[protocol]!.toLowerCase()]: { destinationPort } }
}

function alphaPort({ protocol: number, first, last }: PortRange): Written {
  const protocol = protocolNames[number]
  return first === last
    ? { portNumber: { protocol, port: first } }
    : { portRange: { protocol, start: first, end: last } }
}
