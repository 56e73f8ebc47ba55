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
  return (await rtnetlink.routesIn(path, family, routeProtocol)).map(each => podRoute(each, family))
}

const podRoute = ({ destination, ifindex, gateway, source, table }: RouteEntry, family: 4 | 6): PodRoute => ({
  ...{ block: blockText(destination), family, ifindex },
  ...(table !== mainTable && { table }),
  ...(gateway !== undefined && { via: gateway }),
  ...(source !== undefined && { src: source }),
})

/** What came of bringing routes. */
export interface BroughtRoutes {
  /** How many were written or taken away. */
  readonly changed: number
  /** Those of Weir's that there are now. */
  readonly routes: readonly PodRoute[]
  /** Those that wait, since somebody else has a route to the very block in the same table. */
  readonly waiting: readonly PodRoute[]
}

/**
 * Brings Weir's routes to those that are wanted. One that leads elsewhere is replaced in one step, so that packets never
 * meet a moment without any; and of blocks within each other the longer ones are written first and deleted last, so that
 * none goes by a way for others. What lies within, or around, one that couldn't be written stays as it was. A route that
 * somebody else made stays, whatever its metric: Weir's to the same block waits until it is gone.
 *
 * @param known what there is, where it needn't be asked for
 * @throws WeirError WEIR_NETWORK_COMMAND when one couldn't be; the others are as they should be
 */
export async function bringRoutes(
  netns: Netns,
  wanted: readonly PodRoute[],
  known?: readonly PodRoute[],
): Promise<BroughtRoutes> {
  // Before anything is written it is asked for all the same: somebody may have put a route in the place of Weir's.
  const isKnown = known !== undefined && lackingIn(known, wanted).length === 0
  const { ours, taken } = isKnown ? { ours: known, taken: new Set<string>() } : await allRoutes(netns)
  const waiting = wanted.filter(route => taken.has(placeOf(route)))
  const routes = waiting.length === 0 ? wanted : wanted.filter(route => !taken.has(placeOf(route)))
  const replaced = new Set(ours.map(placeOf))
  const places = new Set(routes.map(placeOf))
  const written = lackingIn(ours, routes).map((route): RouteChange => {
    const verb = replaced.has(placeOf(route)) ? 'replace' : 'add'
    return { route, text: `route ${verb} ${routeText(route)}`, request: makes(verb, route) }
  })
  const deleted = ours
    .filter(route => !places.has(placeOf(route)))
    .map((route): RouteChange => ({ route, text: `route delete ${routeText(route)}`, request: ends(route) }))
  const { made, late } = await makeInOrder(netns, [...[...byLength(written)].reverse(), ...byLength(deleted)])
  return {
    changed: made,
    routes: late.size === 0 ? routes : routes.filter(route => !late.has(route)),
    waiting: [...waiting, ...late],
  }
}

function lackingIn(there: readonly PodRoute[], wanted: readonly PodRoute[]): readonly PodRoute[] {
  const texts = new Set(there.map(routeText))
  return wanted.filter(route => !texts.has(routeText(route)))
}

/** Weir's routes, and the places that others have. */
async function allRoutes({ path, rtnetlink }: Netns) {
  const ours: PodRoute[] = []
  const taken = new Set<string>()
  for (const family of families)
    for (const found of await rtnetlink.routesIn(path, family)) {
      const route = podRoute(found, family)
      if (found.protocol === routeProtocol) ours.push(route)
      else taken.add(placeOf(route))
    }
  return { ours, taken }
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

/** @returns how many were made, and the routes whose place somebody else took just then */
async function makeInOrder(
  netns: Netns,
  groups: readonly (readonly RouteChange[])[],
): Promise<{ readonly made: number; readonly late: ReadonlySet<PodRoute> }> {
  const failed: Failed[] = []
  const blocks: Prefix[] = []
  const late = new Set<PodRoute>()
  let made = 0
  for (const group of groups) {
    const possible = blocks.length === 0 ? group : group.filter(({ route }) => !meets(route, blocks))
    made += possible.length
    for (const [at, cause] of await tryAll(netns, possible)) {
      const change = possible[at]!
      if (change.request.kind === 'route.add' && cause.code === 'EEXIST') {
        late.add(change.route)
        made -= 1
        continue
      }
      failed.push({ change, cause })
      const block = parsePrefix(change.route.block)
      if (block !== undefined) blocks.push(block)
    }
  }
  return { made: madeBut(failed, made), late }
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

const makes = (verb: 'add' | 'replace', { block, ifindex, via, src, table = mainTable }: PodRoute): RtRequest => ({
  ...{ kind: `route.${verb}`, destination: prefixOf(block), ifindex, table, protocol: routeProtocol },
  ...(via !== undefined && { gateway: via }),
  ...(src !== undefined && { source: src }),
})

const ends = ({ block, ifindex, table = mainTable }: PodRoute): RtRequest => ({
  ...{ kind: 'route.delete', destination: prefixOf(block), ifindex, table, protocol: routeProtocol },
})
