import { WeirError } from '@weir/core'
import { parsePrefix } from '@weir/core/address/address.js'
import {
  hopsIn,
  interfacesIn,
  type RouteEntry,
  type RtRequest,
  routesIn as entriesIn,
  rulesIn,
  tryRtnetlinkIn,
} from 'netns-napi'
import { type Netns, netnsPath } from './netns.js'

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
export async function routesIn(netns: Netns, family: 4 | 6): Promise<readonly PodRoute[]> {
  const found = await entriesIn(netnsPath(netns), family, routeProtocol)
  return found.map(({ destination, ifindex, gateway, source, table }) => ({
    ...{ block: blockText(destination), family, ifindex },
    ...(table !== mainTable && { table }),
    ...(gateway !== undefined && { via: gateway }),
    ...(source !== undefined && { src: source }),
  }))
}

/**
 * Brings Weir's routes to those that are wanted. One that leads elsewhere is replaced in one step, so that packets never
 * meet a moment without any.
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
  return make(netns, [
    ...wanted
      .filter(route => !texts.has(routeText(route)))
      .map((route): Change => ({ text: `route replace ${routeText(route)}`, request: replaces(route) })),
    ...there
      .filter(route => !places.has(placeOf(route)))
      .map((route): Change => ({ text: `route delete ${routeText(route)}`, request: ends(route) })),
  ])
}

/**
 * Brings Weir's rules to those that are wanted.
 *
 * @returns how many were added or taken away
 * @throws WeirError WEIR_NETWORK_COMMAND as bringRoutes
 */
export async function bringRules(netns: Netns, wanted: readonly SourceRule[]): Promise<number> {
  const changes: Change[] = []
  for (const family of families) {
    const found = await rulesIn(netnsPath(netns), family, routeProtocol)
    const there = found.map(({ source, table, priority }) => ({ block: blockText(source), family, table, priority }))
    const ours = wanted.filter(rule => rule.family === family)
    const [known, asked] = [there, ours].map(rules => new Set(rules.map(ruleText))) as [Set<string>, Set<string>]
    const change = (kind: 'rule.add' | 'rule.delete', rule: SourceRule): Change => ({
      text: `${kind.replace('.', ' ')} ${ruleText(rule)}`,
      request: { kind, source: prefixOf(rule.block), ...numbersOf(rule), protocol: routeProtocol },
    })
    changes.push(
      ...ours.filter(rule => !known.has(ruleText(rule))).map(rule => change('rule.add', rule)),
      ...there.filter(rule => !asked.has(ruleText(rule))).map(rule => change('rule.delete', rule)),
    )
  }
  return make(netns, changes)
}

/** How packets to an address leave the node: the device, the next hop where it isn't on the link, and the device's MTU. */
export interface NextHop {
  readonly ifindex: number
  readonly via?: string
  readonly mtuBytes: number
}

/** Next hops by address; addresses without a way are left out. */
export async function nextHops(netns: Netns, addresses: Iterable<string>): Promise<ReadonlyMap<string, NextHop>> {
  const asked = [...addresses]
  const hops = await hopsIn(netnsPath(netns), asked)
  const links = new Map(interfacesIn(netnsPath(netns)).map(({ ifindex, mtu }) => [ifindex, mtu] as const))
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

async function make(netns: Netns, changes: readonly Change[]): Promise<number> {
  const failures = await tryRtnetlinkIn(
    netnsPath(netns),
    changes.map(({ request }) => request),
  )
  for (const [at, cause] of failures) {
    const { text, request } = changes[at]!
    // Somebody else took it away meanwhile.
    if (request.kind.endsWith('.delete') && (cause.code === 'ESRCH' || cause.code === 'ENOENT')) continue
    const detail = failures.size === 1 ? cause.message : `${cause.message}, and ${failures.size - 1} more`
    throw new WeirError('WEIR_NETWORK_COMMAND', `${text}: ${detail}`, { command: text, detail }, { cause })
  }
  return changes.length
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
