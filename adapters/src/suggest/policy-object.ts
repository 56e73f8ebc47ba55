import { type Direction, type Labels, derivedKeys, namespaceNameKey, protocolNumbers } from '@weir/core'
import type { SeenPorts } from './seen-ports.js'

export type Dialect = 'k8s' | 'cilium'

/** Whom a policy is to let in or reach. */
export type SuggestedPeer =
  | { readonly kind: 'pods'; readonly namespace: string; readonly labels: Labels }
  | { readonly kind: 'blocks'; readonly blocks: readonly string[] }
  /** Nodes by what they are to the pod: Cilium's dialect alone has words for that. */
  | { readonly kind: 'entity'; readonly entity: 'host' | 'remote-node' }

/** Peers, and the ports that each of them gets. */
export interface SuggestedRule {
  readonly peers: readonly SuggestedPeer[]
  readonly ports: SeenPorts
}

export interface SuggestedPolicy {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  /** Absent directions are left as they are. */
  readonly rules: Readonly<Partial<Record<Direction, readonly SuggestedRule[]>>>
}

type Document = Readonly<Record<string, unknown>>

/** The policy as an object of its dialect. What the dialect has no words for is left out. */
export const policyObject = (policy: SuggestedPolicy, dialect: Dialect): Document =>
  dialect === 'k8s' ? networkPolicy(policy) : ciliumPolicy(policy)

/** Sections in the order in which people write them. */
const directions: readonly Direction[] = ['ingress', 'egress']
const capitals: Readonly<Record<Direction, string>> = { ingress: 'Ingress', egress: 'Egress' }

function networkPolicy({ namespace, name, labels, rules }: SuggestedPolicy): Document {
  const given = directions.filter(direction => rules[direction] !== undefined)
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: selector(labels),
      policyTypes: given.map(direction => capitals[direction]),
      ...Object.fromEntries(
        given.map(direction => [
          direction,
          rules[direction]!.flatMap(({ peers, ports }) => {
            const written = ports.ranges.map(({ protocol, first, last }) => ({
              protocol,
              port: first,
              ...(last > first && { endPort: last }),
            }))
            const who = peers.flatMap(peer => networkPeers(peer, namespace))
            return written.length === 0 || who.length === 0
              ? []
              : [{ [direction === 'ingress' ? 'from' : 'to']: who, ports: written }]
          }),
        ]),
      ),
    },
  }
}

function networkPeers(peer: SuggestedPeer, own: string): readonly Document[] {
  if (peer.kind === 'blocks') return peer.blocks.map(cidr => ({ ipBlock: { cidr } }))
  if (peer.kind === 'entity') return []
  const place = { namespaceSelector: selector({ [namespaceNameKey]: peer.namespace }) }
  return [{ ...(peer.namespace !== own && place), podSelector: selector(peer.labels) }]
}

const selector = (labels: Labels): Document => (Object.keys(labels).length === 0 ? {} : { matchLabels: labels })

/** Most ports that one entry of toPorts may have. */
const portsMost = 40

function ciliumPolicy({ namespace, name, labels, rules }: SuggestedPolicy): Document {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace },
    spec: {
      endpointSelector: selector(labels),
      ...Object.fromEntries(
        directions.flatMap(direction => {
          const given = rules[direction]
          if (given === undefined) return []
          const written = given.flatMap(rule => ciliumRules(direction, rule, namespace))
          // An empty list isolates nobody; an empty rule allows nobody, and isolates.
          return [[direction, written.length === 0 ? [{}] : written]]
        }),
      ),
    },
  }
}

function ciliumRules(direction: Direction, { peers, ports }: SuggestedRule, own: string): readonly Document[] {
  const prefix = direction === 'ingress' ? 'from' : 'to'
  const endpoints = peers.flatMap(peer =>
    peer.kind === 'pods'
      ? [
          selector({
            ...(peer.namespace !== own && { [`k8s:${derivedKeys.namespace}`]: peer.namespace }),
            ...peer.labels,
          }),
        ]
      : [],
  )
  const blocks = peers.flatMap(peer => (peer.kind === 'blocks' ? peer.blocks : []))
  const entities = peers.flatMap(peer => (peer.kind === 'entity' ? [peer.entity] : []))
  const whom = [
    ...(endpoints.length === 0 ? [] : [{ [`${prefix}Endpoints`]: endpoints }]),
    ...(blocks.length === 0 ? [] : [{ [`${prefix}CIDR`]: blocks }]),
    ...(entities.length === 0 ? [] : [{ [`${prefix}Entities`]: entities }]),
  ]
  const written = ports.ranges.map(({ protocol, first, last }) => ({
    port: String(first),
    ...(last > first && { endPort: last }),
    protocol,
  }))
  const entries = Array.from({ length: Math.ceil(written.length / portsMost) }, (_, at) => ({
    ports: written.slice(at * portsMost, (at + 1) * portsMost),
  }))
  const fields = ports.icmpTypes.map(({ protocol, type }) => ({
    family: protocol === protocolNumbers.ICMP ? 'IPv4' : 'IPv6',
    type,
  }))
  return whom.flatMap(each => [
    ...(entries.length === 0 ? [] : [{ ...each, toPorts: entries }]),
    ...(fields.length === 0 ? [] : [{ ...each, icmps: [{ fields }] }]),
  ])
}
