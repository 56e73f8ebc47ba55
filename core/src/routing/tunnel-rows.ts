import type { Prefix } from '../address/address.js'
import type { PodFact } from '../event/event.js'
import type { ClusterState } from '../state/state.js'
import { addressesOutside, blocksOf } from './pod-sources.js'
import { claimsOfNode, claimsOfPod, type TunnelClaim } from './tunnel-claims.js'

/** By which node an address is reached through a tunnel. */
export interface TunnelRow {
  /** A block of a node's pods, a pod's own address, or an address of a node's. */
  readonly prefix: string
  /** Where that node is reached, the same for all of its rows. */
  readonly address: string
  /** The prefix is an address of the node itself. */
  readonly isNode: boolean
}

type Cluster = Pick<ClusterState, 'agent' | 'nodes' | 'pods'>

/**
 * Where tunnels lead: the blocks of other nodes, their own addresses, and pods that have an address outside of their node's
 * blocks. By prefix; who is a node is no pod, and of several that claim an address the first by name
 * has it.
 */
export function tunnelRows({ agent, nodes, pods }: Cluster): ReadonlyMap<string, TunnelRow> {
  const claims = new Map<string, TunnelClaim>()
  const take = (claim: TunnelClaim): void => {
    const found = claims.get(claim.prefix)
    if (found === undefined || claim.rank < found.rank) claims.set(claim.prefix, claim)
  }
  const own = agent?.fact.node
  const blocks = new Map<string, readonly Prefix[]>()
  for (const [name, { fact }] of nodes) {
    blocks.set(name, blocksOf(fact))
    if (name !== own) claimsOfNode(fact).forEach(take)
  }
  for (const { fact } of pods.values())
    if (fact.node !== own) claimsOfPod(fact, blocks.get(fact.node) ?? [], nodes.get(fact.node)?.fact).forEach(take)
  return new Map([...claims].map(([prefix, { address, isNode }]) => [prefix, { prefix, address, isNode }]))
}

/** The addresses of a pod, of this node or another one, that are in none of its node's blocks. */
export function strayAddresses({ nodes }: Pick<Cluster, 'nodes'>, pod: PodFact): readonly string[] {
  return addressesOutside(blocksOf(nodes.get(pod.node)?.fact), pod)
}

/** Pods that have such addresses, by `namespace/name`. */
export function strayPods({ nodes, pods }: Pick<Cluster, 'nodes' | 'pods'>): ReadonlySet<string> {
  const blocks = new Map([...nodes].map(([name, { fact }]) => [name, blocksOf(fact)] as const))
  const found = new Set<string>()
  for (const [key, { fact }] of pods) if (addressesOutside(blocks.get(fact.node) ?? [], fact).length > 0) found.add(key)
  return found
}
