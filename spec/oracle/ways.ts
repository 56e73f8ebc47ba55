import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import { cidrContains, parseAddress } from './address.js'
import type { OracleCluster } from './cluster.js'

/** A route that there has to be: to a block, for all packets or for those of this node's pods alone. */
export interface OracleWay {
  readonly block: string
  readonly forPodsAlone: boolean
  readonly how: 'by' | 'in a tunnel to'
  /** The other node's. */
  readonly address: string
}

export interface OracleWays {
  readonly ways: readonly OracleWay[]
  /** Blocks that somebody else has a route to, which says nothing to this node's own routes for pods. */
  readonly taken: ReadonlySet<string>
  /** Who this node's pods are; where there are no tunnels nobody asks. */
  readonly podBlocks: readonly string[]
}

/** How a packet without a way of Weir's goes: as the fabric will have it. */
export const plainly = 'plainly'

const isSix = (text: string): boolean => text.includes(':')
const ofOne = (address: string): string => `${address}/${isSix(address) ? 128 : 32}`
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)
const outsideOf = (blocks: readonly string[], address: string): boolean =>
  !blocks.some(block => cidrContains(block, parseAddress(address)))

export interface WaysAsked {
  readonly own: string
  readonly mode: RoutingMode
  readonly taken: ReadonlySet<string>
  /** Whether the node reaches an address without a router. */
  isOnLink(address: string): boolean
}

/** What a node needs of ways to others, said naively. */
export function waysOf({ nodes, pods }: OracleCluster, { own, mode, isOnLink, taken }: WaysAsked): OracleWays {
  const others = nodes.filter(({ name }) => name !== own).sort(byName)
  const found = new Map<string, OracleWay>()
  const say = (block: string, forPodsAlone: boolean, how: OracleWay['how'], address: string | undefined): void => {
    if (address !== undefined && !found.has(block)) found.set(block, { block, forPodsAlone, how, address })
  }
  if (mode === 'native') {
    for (const { addresses, podCidrs } of others)
      for (const block of podCidrs)
        say(
          block,
          false,
          'by',
          addresses.find(each => isSix(each) === isSix(block)),
        )
    return { ways: [...found.values()].filter(({ address }) => isOnLink(address)), podBlocks: [], taken }
  }
  if (mode === 'off') return { ways: [], podBlocks: [], taken }
  const outer = (addresses: readonly string[]): string | undefined =>
    addresses.find(each => !isSix(each)) ?? addresses[0]
  const strays = [...pods]
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
    .flatMap(({ node, hostNetwork, addresses }) => {
      const home = nodes.find(({ name }) => name === node)
      const out = hostNetwork ? [] : addresses.filter(each => outsideOf(home?.podCidrs ?? [], each))
      return out.map(address => ({ address, node, home }))
    })
  // Who is a node is no pod, and a pod is where it is, whoever has a block of nothing but its address.
  for (const { addresses } of others)
    for (const each of addresses) say(ofOne(each), true, 'in a tunnel to', outer(addresses))
  for (const { address, node, home } of strays)
    if (node !== own) say(ofOne(address), false, 'in a tunnel to', outer(home?.addresses ?? []))
  for (const { addresses, podCidrs } of others)
    for (const block of podCidrs) say(block, false, 'in a tunnel to', outer(addresses))
  const blocks = nodes.find(({ name }) => name === own)?.podCidrs ?? []
  const ownStrays = strays.flatMap(({ address, node }) => (node === own ? [ofOne(address)] : []))
  return { ways: [...found.values()], podBlocks: [...new Set([...blocks, ...ownStrays])], taken }
}

/** Whether there is to be a route for a way: none where somebody else has one to the very block. */
export const isMade = ({ taken }: OracleWays, { block, forPodsAlone }: OracleWay): boolean =>
  forPodsAlone || !taken.has(block)

export const isOwnPod = ({ podBlocks }: OracleWays, address: string): boolean => !outsideOf(podBlocks, address)

/** @param from The sender's address; absent: the node itself. */
export function wayTo(all: OracleWays, to: string, from?: string): string {
  const { ways } = all
  const isPods = from !== undefined && isOwnPod(all, from)
  const fitting = ways.filter(({ block }) => cidrContains(block, parseAddress(to)))
  const longest = (some: readonly OracleWay[]): OracleWay | undefined =>
    some.reduce<OracleWay | undefined>((best, each) => (lengthOf(each) > lengthOf(best) ? each : best), undefined)
  const route =
    (isPods ? longest(fitting.filter(({ forPodsAlone }) => forPodsAlone)) : undefined) ??
    longest(fitting.filter(way => !way.forPodsAlone && isMade(all, way)))
  if (route === undefined) return plainly
  const strange = [...all.taken].filter(block => cidrContains(block, parseAddress(to)))
  const isStranger = strange.some(block => Number(block.split('/')[1]) > lengthOf(route))
  if (isStranger && !route.forPodsAlone) return plainly
  // Where a tunnel leads is by the longest block, whoever the routes are for.
  const { how, address } = route.how === 'by' ? route : longest(fitting)!
  return `${how} ${address}`
}

const lengthOf = (way: OracleWay | undefined): number => Number(way?.block.split('/')[1] ?? -1)
