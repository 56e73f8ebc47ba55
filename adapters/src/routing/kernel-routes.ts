import { WeirError } from '@weir/core'
import { containsPrefix, type Prefix, parsePrefix } from '@weir/core/address/address.js'
import { entryOf } from '@weir/core/multimap.js'
import type { NetnsError, RouteEntry, RtRequest } from 'netns-napi'
import type { Netns } from './netns.js'

/** Marks routes and rules as Weir's, in the kernel's table of who made one: no other daemon's number. */
export const routeProtocol = 119
const mainTable = 254

/** A route to the pods of another node, or to the node. */
export interface PodRoute {
  readonly block: string
  readonly family: 4 | 6
  readonly ifindex: number
  /** The next hop; on the device's link itself when absent. */
  readonly via?: string
  /** What this node's own packets bear on it. */
  readonly src?: string
  /** The main one when absent. */
  readonly table?: number
}

/** Has packets from a block look into another table before the main one. */
export interface SourceRule {
  readonly block: string
  readonly family: 4 | 6
  readonly table: number
  readonly priority: number
}

const families = [4, 6] as const

const blockText = ({ address, length }: RouteEntry['destination']): string => `${address}/${length}`

/** Where the kernel keeps one route only. */
const placeOf = ({ block, table = mainTable }: PodRoute): string => `${block} table ${table}`

function routeText(route: PodRoute): string {
  const { via, ifindex, src } = route
  return `${placeOf(route)}${via === undefined ? '' : ` via ${via}`} dev ${ifindex}${src === undefined ? '' : ` src ${src}`}`
}

const ruleText = ({ block, table, priority }: SourceRule): string => `from ${block} lookup ${table} pref ${priority}`

/** Weir's routes that there are. @throws NetnsError as the kernel refuses to tell */
export async function routesIn({ path, rtnetlink }: Netns, family: 4 | 6): Promise<readonly PodRoute[]> {
  const found = await rtnetlink.routesIn(path, family, routeProtocol)
  return found.map(({ destination, ifindex, gateway, source, table }) => ({
    ...{ block: blockText(destination), family, ifindex },
    ...(table !== mainTable && { table }),
    ...(gateway !== undefined && { via: gateway }),
    ...(source !== undefined && { src: source }),
  }))
}

/**
 * Brings Weir's routes to those that are wanted. One that leads elsewhere is replaced in one step, so that packets never
 * meet a moment without any; and of blocks within each other the longer ones are written first and deleted last, so that
 * none goes by a way for others. What lies within, or around, one that couldn't be written stays as it was.
 *
 * @param known what there is, where it needn't be asked for
 * @returns how many were written or taken away
 * @throws WeirError WEIR_NETWORK_COMMAND when one couldn't be; the others are as they should be
 */
export async function bringRoutes(
  netns: Netns,
  wanted: readonly PodRoute[],
  known?: readonly PodRoute[],
): Promise<number> {
  const there = known ?? [...(await routesIn(netns, 4)), ...(await routesIn(netns, 6))]
  const texts = new Set(there.map(routeText))
  const places = new Set(wanted.map(placeOf))
  const written = wanted
    .filter(route => !texts.has(routeText(route)))
    .map((route): RouteChange => ({ route, text: `route replace ${routeText(route)}`, request: replaces(route) }))
  const deleted = there
    .filter(route => !places.has(placeOf(route)))
    .map((route): RouteChange => ({ route, text: `route delete ${routeText(route)}`, request: ends(route) }))
  return makeInOrder(netns, [...[...byLength(written)].reverse(), ...byLength(deleted)])
}

interface RouteChange extends Change {
  readonly route: PodRoute
}

/** Changes of one length each, the shortest first. */
function byLength(changes: readonly RouteChange[]): readonly (readonly RouteChange[])[] {
  const groups = new Map<number, RouteChange[]>()
  for (const change of changes) entryOf(groups, prefixOf(change.route.block).length, () => []).push(change)
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

async function makeInOrder(netns: Netns, groups: readonly (readonly RouteChange[])[]): Promise<number> {
  const failed: Failed[] = []
  const blocks: Prefix[] = []
  let made = 0
  for (const group of groups) {
    const possible = blocks.length === 0 ? group : group.filter(({ route }) => !meets(route, blocks))
    for (const [at, cause] of await tryAll(netns, possible)) {
      const change = possible[at]!
      failed.push({ change, cause })
      const block = parsePrefix(change.route.block)
      if (block !== undefined) blocks.push(block)
    }
    made += possible.length
  }
  return madeBut(failed, made)
}

/** Whether a route's block is within one of these, or around it. */
function meets({ block }: PodRoute, blocks: readonly Prefix[]): boolean {
  const own = parsePrefix(block)
  if (own === undefined) return false
  return blocks.some(each => each.family === own.family && (containsPrefix(each, own) || containsPrefix(own, each)))
}

/**
 * Brings Weir's rules to those that are wanted. None goes before all that are wanted are there: one may stand for another.
 *
 * @returns how many were added or taken away
 * @throws WeirError WEIR_NETWORK_COMMAND as bringRoutes
 */
export async function bringRules(netns: Netns, wanted: readonly SourceRule[]): Promise<number> {
  const [added, gone]: [Change[], Change[]] = [[], []]
  for (const family of families) {
    const found = await netns.rtnetlink.rulesIn(netns.path, family, routeProtocol)
    const there = found.map(({ source, table, priority }) => ({ block: blockText(source), family, table, priority }))
    const ours = wanted.filter(rule => rule.family === family)
    const [known, asked] = [there, ours].map(rules => new Set(rules.map(ruleText))) as [Set<string>, Set<string>]
    const change = (kind: 'rule.add' | 'rule.delete', rule: SourceRule): Change => ({
      text: `${kind.replace('.', ' ')} ${ruleText(rule)}`,
      request: { kind, source: prefixOf(rule.block), ...numbersOf(rule), protocol: routeProtocol },
    })
    added.push(...ours.filter(rule => !known.has(ruleText(rule))).map(rule => change('rule.add', rule)))
    gone.push(...there.filter(rule => !asked.has(ruleText(rule))).map(rule => change('rule.delete', rule)))
  }
  return (await make(netns, added)) + (await make(netns, gone))
}

/** How packets to an address leave the node: the device, the next hop where it isn't on the link, and the device's MTU. */
export interface NextHop {
  readonly ifindex: number
  readonly via?: string
  readonly mtuBytes: number
}

/** Next hops by address; addresses without a way are left out. */
export async function nextHops(
  { path, rtnetlink }: Netns,
  addresses: Iterable<string>,
): Promise<ReadonlyMap<string, NextHop>> {
  const asked = [...addresses]
  const hops = await rtnetlink.hopsIn(path, asked)
  const links = new Map(rtnetlink.interfacesIn(path).map(({ ifindex, mtu }) => [ifindex, mtu] as const))
  const found = new Map<string, NextHop>()
  for (const [at, hop] of hops.entries()) {
    const mtuBytes = links.get(hop?.ifindex ?? 0)
    if (hop?.leaves !== true || mtuBytes === undefined) continue
    const { ifindex, gateway } = hop
    found.set(asked[at]!, { ifindex, mtuBytes, ...(gateway !== undefined && { via: gateway }) })
  }
  return found
}

/** A request, and what it comes to in the words of `ip`. */
interface Change {
  readonly text: string
  readonly request: RtRequest
}

interface Failed {
  readonly change: Change
  readonly cause: NetnsError
}

async function make(netns: Netns, changes: readonly Change[]): Promise<number> {
  const failures = await tryAll(netns, changes)
  return madeBut(
    [...failures].map(([at, cause]) => ({ change: changes[at]!, cause })),
    changes.length,
  )
}

/** @returns what failed, by place; not what somebody else took away meanwhile */
async function tryAll(
  { path, rtnetlink }: Netns,
  changes: readonly Change[],
): Promise<readonly (readonly [number, NetnsError])[]> {
  const requests = changes.map(({ request }) => request)
  const failures = await rtnetlink.tryRtnetlinkIn(path, requests)
  return [...failures].filter(
    ([at, { code }]) => !(requests[at]!.kind.endsWith('.delete') && (code === 'ESRCH' || code === 'ENOENT')),
  )
}

function madeBut([first, ...more]: readonly Failed[], made: number): number {
  if (first === undefined) return made
  const { cause } = first
  const { text } = first.change
  const detail = more.length === 0 ? cause.message : `${cause.message}, and ${more.length} more`
  throw new WeirError('WEIR_NETWORK_COMMAND', `${text}: ${detail}`, { command: text, detail }, { cause })
}

const numbersOf = ({ table, priority }: SourceRule) => ({ table, priority })

function prefixOf(block: string): { readonly address: string; readonly length: number } {
  const [address = '', length = ''] = block.split('/')
  return { address, length: length === '' ? (parsePrefix(block)?.length ?? 0) : Number(length) }
}

const replaces = ({ block, ifindex, via, src, table = mainTable }: PodRoute): RtRequest => ({
  ...{ kind: 'route.replace', destination: prefixOf(block), ifindex, table, protocol: routeProtocol },
  ...(via !== undefined && { gateway: via }),
  ...(src !== undefined && { source: src }),
})

const ends = ({ block, ifindex, table = mainTable }: PodRoute): RtRequest => ({
  ...{ kind: 'route.delete', destination: prefixOf(block), ifindex, table, protocol: routeProtocol },
})
