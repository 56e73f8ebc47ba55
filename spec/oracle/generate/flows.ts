import type { CiliumPolicyFact } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import type { NetworkPolicyFact } from '@weir/core/event/event.js'
import type { PortRange } from '@weir/core/policy/rule.js'
import { cidrBounds, neighbour } from '../address.js'
import { isLocal, type OracleCluster } from '../cluster.js'
import type { OracleFlow } from '../side.js'
import { nodeAddresses, worldAddresses } from './addresses.js'
import { nodeNames } from './names.js'
import { trafficAddresses } from '../slice.js'

/** A packet class: protocol number, and port or `type << 8 | code`. */
export interface ProtocolPort {
  readonly protocol: number
  readonly port: number
}

/** Protocols without ports or types: GRE, two that some rules can name, and the unassigned end of the space. */
const strangeProtocols: readonly ProtocolPort[] = [
  { protocol: 2, port: 0 },
  { protocol: 112, port: 0 },
  { protocol: 47, port: 0 },
  { protocol: 255, port: 0 },
]

const icmp: readonly ProtocolPort[] = [
  { protocol: 1, port: 8 << 8 },
  { protocol: 1, port: (8 << 8) | 255 },
  { protocol: 1, port: 53 },
  { protocol: 58, port: 128 << 8 },
  { protocol: 58, port: 80 },
]

const fewPorts: readonly ProtocolPort[] = [
  { protocol: 6, port: 80 },
  { protocol: 17, port: 53 },
  { protocol: 112, port: 0 },
]

/** Every address that a rule could tell from its neighbours: owners, and both sides of every block's both edges. */
export function interestingAddresses(cluster: OracleCluster): readonly string[] {
  const blocks = new Set([
    ...cluster.policies.flatMap(blocksOf),
    ...(cluster.ciliumPolicies ?? []).flatMap(ciliumBlocksOf),
    ...(cluster.clusterPolicies ?? []).flatMap(networksOf),
    ...(cluster.cidrGroups ?? []).flatMap(group => group.cidrs),
  ])
  const edges = [...blocks].flatMap(cidr => {
    const [first, last] = cidrBounds(cidr)
    return [neighbour(first, -1n), first, last, neighbour(last, 1n)].filter(address => address !== undefined)
  })
  return [
    ...new Set([
      ...cluster.pods.flatMap(pod => pod.addresses),
      ...cluster.nodes.flatMap(node => node.addresses),
      ...(cluster.observed ?? []),
      ...nodeNames.flatMap(nodeAddresses),
      ...worldAddresses,
      ...(cluster.slices ?? []).flatMap(trafficAddresses),
      ...(cluster.answers ?? []).flatMap(({ answer }) => answer.addresses),
      ...edges,
    ]),
  ]
}

function blocksOf(policy: NetworkPolicyFact): readonly string[] {
  return [...policy.ingress, ...policy.egress]
    .flatMap(rule => rule.peers)
    .flatMap(peer => (peer.kind === 'ipBlock' ? [peer.cidr, ...peer.except] : []))
}

const directionsOf = (policy: CiliumPolicyFact) =>
  policy.rules.flatMap(({ ingress = [], ingressDeny = [], egress = [], egressDeny = [] }) => [
    ...ingress,
    ...ingressDeny,
    ...egress,
    ...egressDeny,
  ])

function ciliumBlocksOf(policy: CiliumPolicyFact): readonly string[] {
  return directionsOf(policy).flatMap(({ peers }) =>
    peers?.kind === 'cidrs'
      ? peers.cidrs.flatMap(source => [...(source.kind === 'cidr' ? [source.cidr] : []), ...source.except])
      : [],
  )
}

function holesOf(policy: CiliumPolicyFact): readonly string[] {
  return directionsOf(policy).flatMap(({ peers }) =>
    peers?.kind === 'cidrs' ? peers.cidrs.flatMap(({ except }) => except) : [],
  )
}

function networksOf(policy: ClusterPolicyFact): readonly string[] {
  return [...policy.ingress, ...policy.egress]
    .flatMap(rule => rule.peers)
    .flatMap(peer => (peer.kind === 'networks' ? peer.cidrs : []))
}

/** Every port that a pod or a rule names, a rule's with its neighbours, under each protocol; and what has no ports. */
export function interestingPorts(cluster: OracleCluster): readonly ProtocolPort[] {
  const named = cluster.pods.flatMap(pod => pod.ports.map(port => port.port))
  const edges = cluster.policies
    .flatMap(policy => [...policy.ingress, ...policy.egress])
    .flatMap(rule => rule.ports)
    .flatMap(({ port, endPort }) => (typeof port === 'number' ? [port, endPort ?? port] : []))
  const ranges: readonly PortRange[] = [
    ...(cluster.ciliumPolicies ?? [])
      .flatMap(directionsOf)
      .flatMap(({ ports = [] }) => ports)
      .flatMap(port => port.ranges),
    ...(cluster.clusterPolicies ?? [])
      .flatMap(policy => [...policy.ingress, ...policy.egress])
      .flatMap(({ ports }) => ports?.ranges ?? []),
  ]
  const failSafe = (cluster.ciliumPolicies ?? []).some(isForNodes) ? (cluster.agent?.failSafePorts ?? [22, 6443]) : []
  const around = [...edges, ...failSafe, ...ranges.flatMap(({ first, last }) => [first, last])].flatMap(port => [
    port - 1,
    port,
    port + 1,
  ])
  const numbers = [...new Set([0, 8080, ...named, ...around])].filter(port => port >= 0 && port <= 65535)
  return [...[6, 17, 132].flatMap(protocol => numbers.map(port => ({ protocol, port }))), ...icmp, ...strangeProtocols]
}

const isForNodes = (policy: CiliumPolicyFact): boolean => policy.rules.some(rule => rule.subject.kind === 'nodes')

/**
 * Flows worth asking about: every two interesting addresses of one family of which a local pod (any pod, when none is
 * local) has at least one, or this node if policies select nodes, on each interesting port. Should there be more than `limit`, that many of them, spread by
 * `salt`: a third of those to ports that the destination has itself, where names resolve; a third with addresses that
 * nodes, slices, DNS answers and holes of blocks tell of, on few ports; the rest any.
 */
export function* interestingFlows(cluster: OracleCluster, limit: number, salt: number): Generator<OracleFlow> {
  const addresses = interestingAddresses(cluster)
  const local = cluster.pods.filter(pod => isLocal(cluster, pod) && !pod.hostNetwork)
  const guarded = (cluster.ciliumPolicies ?? []).some(isForNodes)
    ? [
        ...cluster.nodes.filter(node => node.name === cluster.agent?.node).flatMap(node => node.addresses),
        ...(cluster.observed ?? []),
      ]
    : []
  const owned = new Set([...(local.length > 0 ? local : cluster.pods).flatMap(pod => pod.addresses), ...guarded])
  const pairs = addresses.flatMap(from =>
    addresses
      .filter(to => from.includes(':') === to.includes(':') && (owned.has(from) || owned.has(to)))
      .map(to => ({ from, to, own: ownPorts(cluster, to) })),
  )
  const focused = pairs.flatMap(({ from, to, own }) => own.map(port => ({ from, to, ...port })))
  yield* spread(focused.length, limit / 3, salt, nth => focused[nth])
  const told = new Set([
    ...(cluster.slices ?? []).flatMap(trafficAddresses),
    ...(cluster.answers ?? []).flatMap(({ answer }) => answer.addresses),
    ...cluster.nodes.flatMap(node => node.addresses),
    ...(cluster.observed ?? []),
    ...(cluster.ciliumPolicies ?? []).flatMap(holesOf).map(hole => cidrBounds(hole)[0]),
  ])
  const toldOf = pairs.filter(({ from, to }) => told.has(from) || told.has(to))
  const isKnown = (own: readonly ProtocolPort[], port: ProtocolPort): boolean =>
    own.some(it => it.protocol === port.protocol && it.port === port.port)
  yield* spread(toldOf.length * fewPorts.length, limit / 3, salt, nth => {
    const pair = toldOf[Math.floor(nth / fewPorts.length)]
    const port = fewPorts[nth % fewPorts.length]
    return pair && port && !isKnown(pair.own, port) ? { from: pair.from, to: pair.to, ...port } : undefined
  })
  const ports = interestingPorts(cluster)
  yield* spread(pairs.length * ports.length, limit / 3, salt, nth => {
    const pair = pairs[Math.floor(nth / ports.length)]
    const port = ports[nth % ports.length]
    if (!pair || !port || isKnown(pair.own, port)) return undefined
    if ((told.has(pair.from) || told.has(pair.to)) && isKnown(fewPorts, port)) return undefined
    return { from: pair.from, to: pair.to, ...port }
  })
}

/** The ports of whoever claims the address, by number. */
function ownPorts(cluster: OracleCluster, address: string): readonly ProtocolPort[] {
  const numbers: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 }
  const keys = cluster.pods
    .filter(pod => pod.addresses.includes(address))
    .flatMap(pod => pod.ports.map(({ protocol, port }) => (numbers[protocol] ?? 0) * 65536 + port))
  return [...new Set(keys)].map(key => ({ protocol: Math.floor(key / 65536), port: key % 65536 }))
}

/** Up to `limit` of `total` things, each at most once, from all over. */
function* spread<Thing>(
  total: number,
  limit: number,
  salt: number,
  nth: (index: number) => Thing | undefined,
): Generator<Thing> {
  const stride = total <= limit ? 1 : coprimeNear(Math.floor(total * 0.618), total)
  for (
    let count = 0, at = salt % Math.max(total, 1);
    count < Math.min(total, limit);
    count++, at = (at + stride) % total
  ) {
    const thing = nth(at)
    if (thing !== undefined) yield thing
  }
}

/** A step that visits everything once before it repeats. */
function coprimeNear(start: number, total: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  for (let step = Math.max(start, 1); ; step++) if (divisor(step, total) === 1) return step
}
