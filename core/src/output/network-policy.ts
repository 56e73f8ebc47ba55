import type { NetworkPolicyFact, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule } from '../event/event.js'
import { policyMetadata } from './metadata.js'
import { writtenSelector } from './selector.js'
import { listField, type Written, type WrittenObject } from './written.js'

/** networking.k8s.io/v1 NetworkPolicy. */
export function writtenNetworkPolicy(fact: NetworkPolicyFact): WrittenObject {
  const { namespace, name, podSelector, policyTypes, ingress, egress } = fact
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: policyMetadata(name, namespace, fact),
    spec: {
      podSelector: writtenSelector(podSelector),
      policyTypes: policyTypes.map(type => (type === 'ingress' ? 'Ingress' : 'Egress')),
      ...listField('ingress', ingress.map(rule('from'))),
      ...listField('egress', egress.map(rule('to'))),
    },
  }
}

const rule =
  (peersField: 'from' | 'to') =>
  ({ peers, ports }: NetworkPolicyRule): Written => ({
    ...listField(peersField, peers.map(writtenPeer)),
    ...listField('ports', ports.map(port)),
  })

function writtenPeer(peer: NetworkPolicyPeer): Written {
  if (peer.kind === 'ipBlock') return { ipBlock: { cidr: peer.cidr, ...listField('except', peer.except) } }
  const { namespaceSelector, podSelector } = peer
  return {
    ...(namespaceSelector !== undefined && { namespaceSelector: writtenSelector(namespaceSelector) }),
    ...(podSelector !== undefined && { podSelector: writtenSelector(podSelector) }),
  }
}

const port = ({ protocol, port, endPort }: NetworkPolicyPort): Written => ({
  protocol,
  ...(port !== undefined && { port }),
  ...(endPort !== undefined && { endPort }),
})
