import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '@weir/core/event/cluster-policy.js'
import type { PodFact } from '@weir/core/event/event.js'
import { cidrContains, parseAddress } from './address.js'
import { nodeMatches, isOutsideAt } from './cilium-peers.js'
import { namespaceLabels, type OracleCluster } from './cluster.js'
import { addressesKnownBy, domainMatches } from './dns.js'
import { listMatches } from './ports.js'
import { selects } from './selector.js'
import type { Cause, Side } from './side.js'

/* policy.networking.k8s.io ClusterNetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy: rules in an order. */

/** What a tier says: the first rule that matches, or nothing. */
export interface TierWord {
  readonly action: ClusterPolicyRule['action']
  readonly cause: Cause
}

/** Rules by their policies' priority, then the policies' names and kinds, then as they stand; the first match decides. */
export function tierWord(side: Side, tier: ClusterPolicyFact['tier']): TierWord | undefined {
  for (const policy of (side.cluster.clusterPolicies ?? []).filter(it => it.tier === tier).sort(byPrecedence)) {
    if (!selectsSubject(side, policy)) continue
    const rule = policy[side.direction].find(candidate => ruleMatches(side, candidate))
    if (rule) return { action: rule.action, cause: { policy: `${policy.kind} ${policy.name}`, path: rule.path } }
  }
  return undefined
}

function byPrecedence(a: ClusterPolicyFact, b: ClusterPolicyFact): number {
  const [left, right] = [`${a.name} ${a.kind}`, `${b.name} ${b.kind}`]
  return a.priority - b.priority || (left < right ? -1 : 1)
}

/** Pods only: a node is never the subject. */
function selectsSubject({ cluster, subject }: Side, policy: ClusterPolicyFact): boolean {
  return subject.kind === 'pod' && podsMatch(cluster, policy.subject, subject.pod)
}

/** By the namespace's labels, or by those and the pod's own; a pod of which nobody has told has neither. */
function podsMatch(cluster: OracleCluster, pods: NamespacedPods, pod: PodFact): boolean {
  if (pod.init) return false
  const ofNamespace = namespaceLabels(cluster, pod.namespace)
  return pods.kind === 'namespaces'
    ? selects(pods.selector, ofNamespace)
    : selects(pods.namespaceSelector, ofNamespace) && selects(pods.podSelector, pod.labels)
}

/** Any one of the peers, and any one of the ports; without ports every packet. */
function ruleMatches(side: Side, { peers, ports }: ClusterPolicyRule): boolean {
  return (
    peers.some(peer => peerMatches(side, peer)) &&
    (ports === undefined || listMatches(ports, side.flow, side.destination))
  )
}

function peerMatches(side: Side, peer: ClusterPolicyPeer): boolean {
  switch (peer.kind) {
    case 'namespaces':
    case 'pods':
      return side.peer.kind === 'pod' && podsMatch(side.cluster, peer, side.peer.pod)
    case 'nodes':
      return nodeMatches(side, peer.selector)
    // By address, whoever owns it: pods and nodes too.
    case 'networks':
      return peer.cidrs.some(cidr => cidrContains(cidr, parseAddress(side.peerAddress)))
    case 'domainNames':
      return isOutsideAt(
        side,
        addressesKnownBy(side.cluster, name => peer.names.some(wanted => domainMatches(wanted, name))),
      )
  }
}
