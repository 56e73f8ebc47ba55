import { type Prefix, parsePrefix } from '../address/address.js'
import type { NodeFact, PodFact } from '../event/event.js'
import { blockOfOne, nodeAddress } from './node-ways.js'
import { addressesOutside } from './pod-sources.js'
import type { TunnelRow } from './tunnel-rows.js'

/** A row that somebody asks for. */
export interface TunnelClaim extends TunnelRow {
  /** Of several claims of one prefix that with the least rank is in force: who is a node is no pod, then names decide. */
  readonly rank: string
}

/** What another node claims: its own addresses, and the blocks of its pods; nothing while it has no address. */
export function claimsOfNode({ name, addresses, podCidrs }: NodeFact): readonly TunnelClaim[] {
  const address = nodeAddress(addresses)
  if (address === undefined) return []
  const blocks = podCidrs.filter(block => parsePrefix(block) !== undefined)
  return [
    ...addresses.map(own => ({ prefix: blockOfOne(own), address, isNode: true, rank: `0 ${name}` })),
    ...blocks.map(prefix => ({ prefix, address, isNode: false, rank: `2 ${name}` })),
  ]
}

/** What a pod of another node claims: its addresses that are in no block of that node; nothing while that has no address. */
export function claimsOfPod(
  pod: PodFact,
  blocks: readonly Prefix[],
  node: NodeFact | undefined,
): readonly TunnelClaim[] {
  const address = nodeAddress(node?.addresses ?? [])
  if (address === undefined) return []
  const rank = `1 ${pod.namespace}/${pod.name}`
  return addressesOutside(blocks, pod).map(own => ({ prefix: blockOfOne(own), address, isNode: false, rank }))
}
