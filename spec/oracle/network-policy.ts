import type {
  NetworkPolicyFact,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from '@weir/core/event/event.js'
import { cidrContains, parseAddress } from './address.js'
import { nameOf, namespaceLabels } from './cluster.js'
import { namedPortMatches, portedProtocols } from './ports.js'
import { selects } from './selector.js'
import type { Cause, Side, Voices } from './side.js'

/* networking.k8s.io/v1 NetworkPolicy: no denials, no order. */

export function networkPolicyVoices(side: Side): Voices {
  const isolating = side.cluster.policies.filter(policy => isolates(policy, side))
  return {
    isolating: isolating.map(policy => cause(policy, 'spec.policyTypes')),
    denying: [],
    // Once isolated, the union of all that any policy allows passes.
    allowing: isolating.flatMap(policy =>
      policy[side.direction].flatMap((rule, index) =>
        ruleAllows(side, policy, rule) ? [cause(policy, `spec.${side.direction}[${index}]`)] : [],
      ),
    ),
    proxying: [],
  }
}

function cause(policy: NetworkPolicyFact, path: string): Cause {
  return { policy: `NetworkPolicy ${nameOf(policy)}`, path }
}

/**
 * A policy isolates, in the directions that it names, the pods of its own namespace that its selector matches. One of which
 * nobody has told is in no namespace yet.
 */
function isolates(policy: NetworkPolicyFact, { subject, direction }: Side): boolean {
  return (
    subject.kind === 'pod' &&
    !subject.pod.init &&
    policy.namespace === subject.pod.namespace &&
    policy.policyTypes.includes(direction) &&
    selects(policy.podSelector, subject.pod.labels)
  )
}

/** A rule allows a flow when both its peers and its ports do. */
function ruleAllows(side: Side, policy: NetworkPolicyFact, rule: NetworkPolicyRule): boolean {
  return peersAllow(side, policy, rule.peers) && portsAllow(side, rule.ports)
}

/** No peers listed: every peer. Otherwise any one of the list. */
function peersAllow(side: Side, policy: NetworkPolicyFact, peers: readonly NetworkPolicyPeer[]): boolean {
  return (
    peers.length === 0 ||
    peers.some(peer => (peer.kind === 'ipBlock' ? blockMatches(peer, side.peerAddress) : podsMatch(side, policy, peer)))
  )
}

/** By address alone, whoever owns it. `except` is a hole in this block: another peer may still match what falls in it. */
function blockMatches(block: Extract<NetworkPolicyPeer, { kind: 'ipBlock' }>, address: string): boolean {
  const parsed = parseAddress(address)
  return cidrContains(block.cidr, parsed) && !block.except.some(hole => cidrContains(hole, parsed))
}

/**
 * By labels: pods only, never a node, a hostNetwork pod or the outside. Both selectors of one peer must match; without
 * a namespaceSelector the policy's own namespace is meant; without a podSelector every pod of the namespaces.
 */
function podsMatch(
  { cluster, peer: party }: Side,
  policy: NetworkPolicyFact,
  peer: Extract<NetworkPolicyPeer, { kind: 'pods' }>,
): boolean {
  if (party.kind !== 'pod' || party.pod.init) return false
  const { pod } = party
  const namespaceMatches = peer.namespaceSelector
    ? selects(peer.namespaceSelector, namespaceLabels(cluster, pod.namespace))
    : pod.namespace === policy.namespace
  return namespaceMatches && selects(peer.podSelector ?? [], pod.labels)
}

/** No ports listed: every port of every protocol, ICMP too. Otherwise any one of the list. */
function portsAllow(side: Side, ports: readonly NetworkPolicyPort[]): boolean {
  return ports.length === 0 || ports.some(port => portMatches(port, side))
}

/** The protocols that a port can name are the three with ports: ICMP never matches one. */
function portMatches(port: NetworkPolicyPort, { flow, destination }: Side): boolean {
  if (flow.protocol !== portedProtocols[port.protocol]) return false
  if (port.port === undefined) return true
  if (typeof port.port === 'string') return namedPortMatches(port.port, flow, destination)
  return port.port <= flow.port && flow.port <= (port.endPort ?? port.port)
}
