import { containsPrefix, type Prefix, parseAddress, parsePrefix } from '../address/address.js'
import type { NodeFact, PodFact } from '../event/event.js'
import type { ClusterState } from '../state/state.js'
import { blockOfOne } from './node-ways.js'

type Cluster = Pick<ClusterState, 'agent' | 'nodes' | 'pods'>

/** Blocks that hold all pods of this node: its own, and those of its pods' addresses that are in none of them. */
export function podSources({ agent, nodes, pods }: Cluster): readonly string[] {
  const own = agent?.fact.node
  const fact = nodes.get(own ?? '')?.fact
  const blocks = blocksOf(fact)
  const strays = [...pods.values()].flatMap(pod =>
    pod.fact.node === own ? addressesOutside(blocks, pod.fact).map(blockOfOne) : [],
  )
  return [...new Set([...(fact?.podCidrs ?? []), ...strays])]
}

export const blocksOf = (node: NodeFact | undefined): readonly Prefix[] =>
  (node?.podCidrs ?? []).flatMap(block => parsePrefix(block) ?? [])

/** The addresses of a pod that are in none of these blocks; none of one that has the node's. */
export function addressesOutside(blocks: readonly Prefix[], { hostNetwork, addresses }: PodFact): readonly string[] {
  if (hostNetwork) return []
  return addresses.filter(address => {
    const bits = parseAddress(address)
    return bits !== undefined && !blocks.some(block => containsPrefix(block, bits))
  })
}
