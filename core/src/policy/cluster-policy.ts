import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '../event/cluster-policy.js'
import { addressSet } from './cilium/peers.js'
import { canonicalSelector } from './match.js'
import { canonicalBlock, inAnyNamespace, nodesWith, onNamespace } from './requirements.js'
import { ordersPerPriority, protocolNumbers, type PeerSelector, type PortSet, type Rule } from './rule.js'
import type { LabelSelector } from './selector.js'

const actions = { accept: 'allow', deny: 'deny', pass: 'pass' } as const

/**
 * ClusterNetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy → a rule per entry, ordered by priority and place.
 * @param seq the event that brought this version
 */
export function compileClusterPolicy(policy: ClusterPolicyFact, seq: number): Rule[] {
  const subject = podsOf(policy.subject)
  return (['ingress', 'egress'] as const).flatMap(direction =>
    policy[direction].map(
      (rule, index): Rule => ({
        tier: policy.tier,
        order: policy.priority * ordersPerPriority + index,
        subject,
        direction,
        action: actions[rule.action],
        peers: rule.peers.flatMap(peersOf),
        ports: portsOf(rule),
        origin: { policy: `${policy.kind} ${policy.name}`, path: rule.path, seq },
      }),
    ),
  )
}

/** Whom a subject, or a peer that is pods, selects. */
export function podsOf(pods: NamespacedPods): LabelSelector {
  const place = pods.kind === 'namespaces' ? pods.selector : pods.namespaceSelector
  const own = pods.kind === 'namespaces' ? [] : pods.podSelector
  return canonicalSelector([inAnyNamespace, ...place.map(onNamespace), ...own])
}

export function peersOf(peer: ClusterPolicyPeer): readonly PeerSelector[] {
  switch (peer.kind) {
    case 'namespaces':
    case 'pods':
      return [{ kind: 'labels', selector: podsOf(peer) }]
    case 'nodes':
      return [{ kind: 'labels', selector: nodesWith(peer.selector) }]
    case 'networks':
      return peer.cidrs.map(cidr => ({ kind: 'cidr', cidr: canonicalBlock(cidr), except: [], scope: 'any' }))
    case 'domainNames':
      return peer.names.map(domainPeer)
  }
}

/** In a domain name a leading `*` stands for one label or more. */
const domainPeer = (name: string): PeerSelector =>
  addressSet(name.startsWith('*.') ? { kind: 'pattern', pattern: `*${name}` } : { kind: 'name', name }, 'outside')

const portProtocols = [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP]

function portsOf({ ports }: ClusterPolicyRule): PortSet {
  if (ports === undefined) return 'any'
  const named = ports.named.flatMap(({ name, protocol }) =>
    (protocol === 0 ? portProtocols : [protocol]).map(each => ({ name, protocol: each })),
  )
  return { ranges: ports.ranges, named }
}
