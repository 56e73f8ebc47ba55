import type { ClusterState } from '@weir/core'
import { nodeAddress, type NodeWay, type TunnelMode } from '@weir/core/routing/node-ways.js'
import type { TunnelRow } from '@weir/core/routing/tunnel-rows.js'
import type { NextHop, PodRoute, SourceRule } from './kernel-routes.js'
import { overheadBytes } from './overlay-device.js'

/** The table that pods' packets to other nodes look into, and its rules' place: before all but the kernel's own. */
export const nodeTable = 119
const rulePriority = 119

/** Ethernet's, while no other node tells what the way to it takes. */
const plainMtuBytes = 1500

/** What fits into a tunnel to every node. */
export function tunnelMtu(mode: TunnelMode, ways: readonly NodeWay[], hops: ReadonlyMap<string, NextHop>): number {
  const overhead = overheadBytes[mode]
  const fits = ways.flatMap(({ address }) => {
    const mtuBytes = hops.get(address)?.mtuBytes
    return mtuBytes === undefined ? [] : [mtuBytes - overhead[familyOf(address)]]
  })
  return fits.reduce((least, each) => Math.min(least, each), plainMtuBytes - overhead[4])
}

/** Routes by nodes that are on a link of this one; the others are the fabric's. */
export function directRoutes(
  ways: readonly NodeWay[],
  hops: ReadonlyMap<string, NextHop>,
  own: readonly string[],
): readonly PodRoute[] {
  return ways.flatMap(({ block, family, address }): PodRoute[] => {
    const hop = hops.get(address)
    if (hop === undefined || hop.via !== undefined) return []
    const src = nodeAddress(own, family)
    return [{ block, family, via: address, ifindex: hop.ifindex, ...(src !== undefined && { src }) }]
  })
}

/** Routes into tunnels: to pods for everybody, to nodes for pods alone. What nodes say to each other needs none. */
export function tunnelRoutes(
  tunnels: ReadonlyMap<string, TunnelRow>,
  ifindex: number,
  own: readonly string[],
): readonly PodRoute[] {
  return [...tunnels.values()].map(({ prefix: block, isNode }): PodRoute => {
    const family = familyOf(block)
    if (isNode) return { block, family, ifindex, table: nodeTable }
    const src = nodeAddress(own, family)
    return { block, family, ifindex, ...(src !== undefined && { src }) }
  })
}

/** Has pods' packets to other nodes go into tunnels. */
export const nodeRules = (sources: readonly string[]): readonly SourceRule[] =>
  sources.map(block => ({ block, family: familyOf(block), table: nodeTable, priority: rulePriority }))

export function ownAddresses({ agent, nodes }: ClusterState): readonly string[] {
  return nodes.get(agent?.fact.node ?? '')?.fact.addresses ?? []
}

const familyOf = (text: string): 4 | 6 => (text.includes(':') ? 6 : 4)
