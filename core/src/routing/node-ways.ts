import { addressBits, parseAddress, parsePrefix } from '../address/address.js'
import type { Family } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'

/** How nodes reach each other's pods: by nothing of Weir's, by direct routes, or within packets between the nodes. */
export const routingModes = ['off', 'native', 'vxlan', 'geneve'] as const
export type RoutingMode = (typeof routingModes)[number]
export type TunnelMode = Exclude<RoutingMode, 'off' | 'native'>

export const isTunnel = (mode: RoutingMode): mode is TunnelMode => mode === 'vxlan' || mode === 'geneve'

/** A block of another node's pods, and the address of that node by which they are reached. */
export interface NodeWay {
  readonly node: string
  /** A block of pods. */
  readonly block: string
  readonly family: Family
  readonly address: string
}

/**
 * The ways to the pods of other nodes, by name of node. A route leads to an address of the block's family; a tunnel may
 * carry the other one too, and prefers IPv4. Nodes without such an address have none, and of two nodes that claim the same
 * block the first by name has it.
 */
export function nodeWays(
  { agent, nodes }: Pick<ClusterState, 'agent' | 'nodes'>,
  carriesBoth: boolean,
): readonly NodeWay[] {
  const taken = new Set<string>()
  return [...nodes.values()]
    .map(({ fact }) => fact)
    .filter(({ name }) => name !== agent?.fact.node)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, addresses, podCidrs }) =>
      podCidrs.flatMap((block): NodeWay[] => {
        const family = parsePrefix(block)?.family
        const address = nodeAddress(addresses, carriesBoth ? undefined : family)
        if (family === undefined || address === undefined || taken.has(block)) return []
        taken.add(block)
        return [{ node: name, block, family, address }]
      }),
    )
}

/** The address by which others reach a node: of the family asked for, else the first of IPv4, or else of IPv6. */
export function nodeAddress(addresses: readonly string[], family?: Family): string | undefined {
  const of = (wanted: Family): string | undefined => addresses.find(address => parseAddress(address)?.family === wanted)
  return family === undefined ? (of(4) ?? of(6)) : of(family)
}

/** An address as the block that holds nothing else. */
export function blockOfOne(address: string): string {
  return `${address}/${addressBits(parseAddress(address)?.family ?? 4)}`
}
