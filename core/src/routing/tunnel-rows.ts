import type { Prefix } from '../address/address.js'
import type { PodFact } from '../event/event.js'
import type { ClusterState } from '../state/state.js'
import { blockOfOne, nodeAddress, nodeWays } from './node-ways.js'
import { addressesOutside, blocksOf } from './pod-sources.js'

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
export function tunnelRows(state: Cluster): ReadonlyMap<string, TunnelRow> {
  const rows = new Map<string, TunnelRow>()
  for (const { block, address } of nodeWays(state, true)) rows.set(block, { prefix: block, address, isNode: false })
  const blocks = new Map<string, readonly Prefix[]>()
  for (const [name, node] of state.nodes) blocks.set(name, blocksOf(node.fact))
  const strays: (TunnelRow & { readonly owner: string })[] = []
  for (const { fact } of state.pods.values())
    for (const own of fact.node === state.agent?.fact.node ? [] : addressesOutside(blocks.get(fact.node) ?? [], fact)) {
      const address = nodeAddress(state.nodes.get(fact.node)?.fact.addresses ?? [])
      if (address === undefined) continue
      strays.push({ owner: `${fact.namespace}/${fact.name}`, prefix: blockOfOne(own), address, isNode: false })
    }
  // The first by name is said last.
  for (const { owner: _, ...row } of strays.sort((a, b) => (a.owner < b.owner ? 1 : -1))) rows.set(row.prefix, row)
  for (const { fact } of [...state.nodes.values()].sort((a, b) => (a.fact.name < b.fact.name ? 1 : -1))) {
    const address = nodeAddress(fact.addresses)
    if (address === undefined || fact.name === state.agent?.fact.node) continue
    for (const own of fact.addresses) rows.set(blockOfOne(own), { prefix: blockOfOne(own), address, isNode: true })
  }
  return rows
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
