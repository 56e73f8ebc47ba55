import type {
  NetworkPolicyFact,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  PodFact,
} from '@weir/core/event/event.js'
import type { Direction } from '@weir/core/policy/rule.js'
import { cidrContains, parseAddress } from './address.js'
import { isLocal, nameOf, namespaceLabels, nodeOf, type OracleCluster, type Party, partyAt } from './cluster.js'
import { selects } from './selector.js'

/** A first packet: both addresses of one family, canonical; an ICMP packet's port is `type << 8 | code`. */
export interface OracleFlow {
  readonly from: string
  readonly to: string
  /** IANA protocol number. */
  readonly protocol: number
  readonly port: number
}

/** A policy, or one rule of it: `NetworkPolicy default/web`, `spec.ingress[0]`. */
export interface Cause {
  readonly policy: string
  readonly path: string
}

/** What one end's policies say. */
export interface SideDecision {
  readonly allowed: boolean
  /** Why policies aren't asked at all; absent when they are. */
  readonly exempt?: 'not a pod' | 'itself' | 'its own node'
  /** The policies that isolate the pod in this direction; none: everything passes. */
  readonly isolatedBy: readonly Cause[]
  /** The rules that let the flow through; of an isolated pod, none: nothing does. */
  readonly allowedBy: readonly Cause[]
  /** Whether this node is the one that enforces this side. */
  readonly enforcedHere: boolean
}

export interface Decision {
  /** The cluster's verdict: both sides agree, wherever each is enforced. */
  readonly allowed: boolean
  /** The verdict of this node alone, which enforces only its own pods' sides. */
  readonly allowedHere: boolean
  readonly egress: SideDecision
  readonly ingress: SideDecision
}

/** A flow as its rules see it. */
interface Meeting {
  readonly cluster: OracleCluster
  readonly flow: OracleFlow
  readonly source: Party
  readonly destination: Party
}

/** Reads the meaning of NetworkPolicy off the cluster, line by line. Slow, and meant to be: it is the specification. */
export function decide(cluster: OracleCluster, flow: OracleFlow): Decision {
  const source = partyAt(cluster, flow.from)
  const destination = partyAt(cluster, flow.to)
  const meeting = { cluster, flow, source, destination }
  const egress = decideSide(meeting, 'egress')
  const ingress = decideSide(meeting, 'ingress')
  return {
    allowed: egress.allowed && ingress.allowed,
    allowedHere: (egress.allowed || !egress.enforcedHere) && (ingress.allowed || !ingress.enforcedHere),
    egress,
    ingress,
  }
}

/** Egress is the source's policies looking at the destination; ingress the destination's looking at the source. */
function decideSide(meeting: Meeting, direction: Direction): SideDecision {
  const { cluster, source, destination } = meeting
  const subject = direction === 'egress' ? source : destination
  if (subject.kind !== 'pod') return exempt('not a pod', false)
  const enforcedHere = isLocal(cluster, subject.pod)
  if (samePod(source, destination)) return exempt('itself', enforcedHere)
  if (direction === 'ingress' && isOwnNode(cluster, source, subject.pod)) return exempt('its own node', enforcedHere)

  const isolating = cluster.policies.filter(policy => isolates(policy, subject.pod, direction))
  const allowedBy = isolating.flatMap(policy =>
    policy[direction].flatMap((rule, index) =>
      ruleAllows(meeting, policy, rule, direction) ? [cause(policy, `spec.${direction}[${index}]`)] : [],
    ),
  )
  return {
    // A pod that no policy selects is open. Once isolated, the union of all that any policy allows passes.
    allowed: isolating.length === 0 || allowedBy.length > 0,
    isolatedBy: isolating.map(policy => cause(policy, 'spec.policyTypes')),
    allowedBy,
    enforcedHere,
  }
}

function exempt(reason: NonNullable<SideDecision['exempt']>, enforcedHere: boolean): SideDecision {
  return { allowed: true, exempt: reason, isolatedBy: [], allowedBy: [], enforcedHere }
}

function cause(policy: NetworkPolicyFact, path: string): Cause {
  return { policy: `NetworkPolicy ${nameOf(policy)}`, path }
}

/** A pod can always reach itself. */
function samePod(source: Party, destination: Party): boolean {
  return source.kind === 'pod' && destination.kind === 'pod' && nameOf(source.pod) === nameOf(destination.pod)
}

/** The node can always reach its own pods, as the kubelet's probes must; other nodes can't claim that. */
function isOwnNode(cluster: OracleCluster, source: Party, pod: PodFact): boolean {
  return source.kind === 'node' && source.node !== '' && source.node === nodeOf(cluster, pod)
}

/** A policy isolates, in the directions that it names, the pods of its own namespace that its selector matches. */
function isolates(policy: NetworkPolicyFact, pod: PodFact, direction: Direction): boolean {
  return (
    policy.namespace === pod.namespace &&
    policy.policyTypes.includes(direction) &&
    selects(policy.podSelector, pod.labels)
  )
}

/** A rule allows a flow when both its peers and its ports do. */
function ruleAllows(
  meeting: Meeting,
  policy: NetworkPolicyFact,
  rule: NetworkPolicyRule,
  direction: Direction,
): boolean {
  return peersAllow(meeting, policy, rule.peers, direction) && portsAllow(meeting, rule.ports)
}

/** No peers listed: every peer. Otherwise any one of the list. */
function peersAllow(
  meeting: Meeting,
  policy: NetworkPolicyFact,
  peers: readonly NetworkPolicyPeer[],
  direction: Direction,
): boolean {
  const [party, address] =
    direction === 'egress' ? [meeting.destination, meeting.flow.to] : [meeting.source, meeting.flow.from]
  return peers.length === 0 || peers.some(peer => peerMatches(meeting.cluster, policy, peer, party, address))
}

function peerMatches(
  cluster: OracleCluster,
  policy: NetworkPolicyFact,
  peer: NetworkPolicyPeer,
  party: Party,
  address: string,
): boolean {
  return peer.kind === 'ipBlock' ? blockMatches(peer, address) : podsMatch(cluster, policy, peer, party)
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
  cluster: OracleCluster,
  policy: NetworkPolicyFact,
  peer: Extract<NetworkPolicyPeer, { kind: 'pods' }>,
  party: Party,
): boolean {
  if (party.kind !== 'pod') return false
  const { pod } = party
  const namespaceMatches = peer.namespaceSelector
    ? selects(peer.namespaceSelector, namespaceLabels(cluster, pod.namespace))
    : pod.namespace === policy.namespace
  return namespaceMatches && selects(peer.podSelector ?? [], pod.labels)
}

/** No ports listed: every port of every protocol, ICMP too. Otherwise any one of the list. */
function portsAllow({ flow, destination }: Meeting, ports: readonly NetworkPolicyPort[]): boolean {
  return ports.length === 0 || ports.some(port => portMatches(port, flow, destination))
}

const portedProtocols = { TCP: 6, UDP: 17, SCTP: 132 } as const

/** The protocols that a port can name are the three with ports: ICMP never matches one. */
function portMatches(port: NetworkPolicyPort, flow: OracleFlow, destination: Party): boolean {
  if (flow.protocol !== portedProtocols[port.protocol]) return false
  if (port.port === undefined) return true
  if (typeof port.port === 'string') return namedPortMatches(port.port, port.protocol, flow.port, destination)
  return port.port <= flow.port && flow.port <= (port.endPort ?? port.port)
}

/**
 * A name means the number that the destination pod gives it under that protocol, the lowest should there be several;
 * who isn't a pod has no names.
 */
function namedPortMatches(name: string, protocol: string, port: number, destination: Party): boolean {
  if (destination.kind !== 'pod') return false
  const numbers = destination.pod.ports
    .filter(candidate => candidate.name === name && candidate.protocol === protocol)
    .map(candidate => candidate.port)
  return numbers.length > 0 && port === Math.min(...numbers)
}
