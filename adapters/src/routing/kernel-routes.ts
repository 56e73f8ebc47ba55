import { batchIn, type Netns, rowsIn } from './ip.js'

/** Marks routes as Weir's, in the kernel's table of who made a route: no other daemon's number. */
export const routeProtocol = 119

/** A route to the pods of another node. */
export interface PodRoute {
  readonly block: string
  readonly family: 4 | 6
  readonly dev: string
  /** The next hop; on the device's link itself when absent. */
  readonly via?: string
  /** What this node's own packets bear on it. */
  readonly src?: string
}

interface RouteRow {
  readonly dst: string
  readonly dev?: string
  readonly gateway?: string
  readonly prefsrc?: string
}

export const routeText = ({ block, via, dev, src }: PodRoute): string =>
  [block, ...(via === undefined ? [] : ['via', via]), 'dev', dev, ...(src === undefined ? [] : ['src', src])].join(' ')

/** Weir's routes that there are. */
export async function routesIn(netns: Netns, family: 4 | 6): Promise<readonly PodRoute[]> {
  const rows = await rowsIn<RouteRow>(netns, [`-${family}`, 'route', 'show', 'proto', String(routeProtocol)])
  return rows.map(({ dst, dev = '', gateway, prefsrc }) => ({
    block: dst.includes('/') ? dst : `${dst}/${family === 4 ? 32 : 128}`,
    family,
    dev,
    ...(gateway !== undefined && { via: gateway }),
    ...(prefsrc !== undefined && { src: prefsrc }),
  }))
}

/**
 * Brings Weir's routes to those that are wanted. One that leads elsewhere is replaced in one step, so that packets never
 * meet a moment without any.
 *
 * @returns how many were written or taken away
 * @throws WeirError WEIR_NETWORK_COMMAND when one couldn't be; the others are as they should be
 */
export async function bringRoutes(netns: Netns, wanted: readonly PodRoute[]): Promise<number> {
  let changes = 0
  const failures: unknown[] = []
  for (const family of [4, 6] as const) {
    const there = await routesIn(netns, family)
    const ours = wanted.filter(route => route.family === family)
    const known = new Set(there.map(routeText))
    const blocks = new Set(ours.map(({ block }) => block))
    const lines = [
      ...ours
        .filter(route => !known.has(routeText(route)))
        .map(route => `route replace ${routeText(route)} proto ${routeProtocol}`),
      ...there
        .filter(({ block }) => !blocks.has(block))
        .map(route => `route delete ${route.block} dev ${route.dev} proto ${routeProtocol}`),
    ]
    changes += lines.length
    await batchIn(netns, family, lines).catch(error => failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
  return changes
}

interface LinkRow {
  readonly ifname: string
  readonly mtu: number
}

/** How packets to an address leave the node: the device, the next hop where it isn't on the link, and the device's MTU. */
export interface NextHop {
  readonly dev: string
  readonly via?: string
  readonly mtuBytes: number
}

/** Next hops by address; addresses without a way are left out. Costs one command for each address. */
export async function nextHops(netns: Netns, addresses: Iterable<string>): Promise<ReadonlyMap<string, NextHop>> {
  const links = new Map(
    (await rowsIn<LinkRow>(netns, ['link', 'show'])).map(({ ifname, mtu }) => [ifname, mtu] as const),
  )
  const found = new Map<string, NextHop>()
  for (const address of addresses) {
    const [row] = await rowsIn<RouteRow>(netns, ['route', 'get', address]).catch(() => [])
    const mtuBytes = links.get(row?.dev ?? '')
    if (row?.dev === undefined || mtuBytes === undefined) continue
    found.set(address, { dev: row.dev, mtuBytes, ...(row.gateway !== undefined && { via: row.gateway }) })
  }
  return found
}
