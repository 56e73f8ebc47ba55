import { addressBytes, familyOf } from './address.js'
import { eachAnswer } from './answers.js'
import type { NetnsError } from './error.js'
import {
  type LinkChange,
  linkDelete,
  linkSet,
  macBytes,
  type Overlay,
  overlayAdd,
  type VethPair,
  vethAdd,
} from './links.js'
import { argument, change, families, make, Message, put } from './message.js'
import { type Netns, native } from './native.js'

export interface Route {
  /** To add one where there is any to the destination, of the same metric, is refused: EEXIST. */
  readonly kind: 'route.add' | 'route.replace'
  readonly ifindex: number
  /** The main one, 254, when absent. */
  readonly table?: number
  /** Who made it, as `ip route` shows it: static, 4, when absent. */
  readonly protocol?: number
  /** Absent: the default route of the gateway's family. */
  readonly destination?: { readonly address: string; readonly length: number }
  /** Taken for reachable at the device, whatever its addresses are. */
  readonly gateway?: string
  /** The address that traffic by it bears where its sender didn't choose. */
  readonly source?: string
}

export interface Neighbour {
  readonly kind: 'neighbour.replace'
  readonly ifindex: number
  readonly address: string
  readonly mac: string
}

/** Names a route that there is no longer to be. */
export interface RouteEnd extends Pick<Route, 'ifindex' | 'table' | 'protocol'> {
  readonly kind: 'route.delete'
  readonly destination: { readonly address: string; readonly length: number }
}

/** Has packets from a block look into another table before the main one. */
export interface Rule {
  readonly kind: 'rule.add' | 'rule.delete'
  readonly source: { readonly address: string; readonly length: number }
  readonly table: number
  /** Its place among rules; lower ones are asked first. */
  readonly priority: number
  readonly protocol: number
}

/** One request of rtnetlink(7). */
export type RtRequest =
  | VethPair
  | Overlay
  | LinkChange
  | Route
  | Neighbour
  | Rule
  | RouteEnd
  | { readonly kind: 'link.delete'; readonly name: string }
  | { readonly kind: 'address.add'; readonly ifindex: number; readonly address: string; readonly length: number }

/**
 * Runs requests in a namespace, in order, up to the first that fails; what those before it did stays. Addresses of IPv6
 * are of use at once: they are not looked for at others first.
 *
 * @throws NetnsError with what the kernel says: EEXIST for a device or an address that is there, ENODEV, EPERM; its
 *   detail names the request by its place. ERR_NETNS_ARGUMENT for what is no address or MAC.
 */
export async function rtnetlinkIn(netns: Netns, requests: readonly RtRequest[]): Promise<void> {
  if (requests.length > 0) await native.rtnetlink(netns, requests.map(encoded), false)
}

/**
 * The same, but goes on after requests that fail.
 *
 * @returns what failed, by place
 */
export async function tryRtnetlinkIn(
  netns: Netns,
  requests: readonly RtRequest[],
): Promise<ReadonlyMap<number, NetnsError>> {
  if (requests.length === 0) return new Map()
  const answers = await native.rtnetlink(netns, requests.map(encoded), true)
  return new Map([...eachAnswer(answers)].flatMap(({ failure }, at) => (failure === undefined ? [] : [[at, failure]])))
}

const types = { newAddress: 20, newRoute: 24, delRoute: 25, newNeighbour: 28, newRule: 32, delRule: 33 } as const

/** RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RT_SCOPE_NOWHERE, RTN_UNICAST, RTNH_F_ONLINK. */
const route = {
  ...{ main: 254, static: 4, scopeLink: 253, scopeUniverse: 0, scopeNowhere: 255, unicast: 1, onlink: 4 },
} as const
/** RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC. */
const routeAttributes = { destination: 1, device: 4, gateway: 5, source: 7, table: 15 } as const
/** FRA_SRC, FRA_PRIORITY, FRA_TABLE, FRA_PROTOCOL, FR_ACT_TO_TBL. */
const rule = { source: 2, priority: 6, table: 15, protocol: 21, toTable: 1 } as const
const permanent = 0x80
/** IFA_F_NODAD */
const withoutDetection = 2

function encoded(request: RtRequest): Uint8Array {
  switch (request.kind) {
    case 'veth.add':
      return vethAdd(request)
    case 'overlay.add':
      return overlayAdd(request)
    case 'link.set':
      return linkSet(request)
    case 'link.delete':
      return linkDelete(request.name)
    case 'address.add': {
      const { address, length, ifindex } = request
      const family = familyOf(address)
      const message = new Message(types.newAddress, make)
      message.u8(families[family], length, family === 6 ? withoutDetection : 0, 0).u32(ifindex)
      const bytes = addressBytes(address)
      // IFA_LOCAL is what the device has of IPv4, IFA_ADDRESS of IPv6.
      if (family === 4) message.attribute(2, bytes)
      return message.attribute(1, bytes).bytes()
    }
    case 'route.add':
    case 'route.replace':
      return routeMade(request)
    case 'route.delete': {
      const { destination, ifindex, table = route.main, protocol = 0 } = request
      const message = new Message(types.delRoute, change)
      const family = families[familyOf(destination.address)]
      message.u8(family, destination.length, 0, 0, 0, protocol, route.scopeNowhere, 0).u32(0)
      message.attribute(routeAttributes.destination, addressBytes(destination.address))
      return message.number(routeAttributes.device, ifindex).number(routeAttributes.table, table).bytes()
    }
    case 'rule.add':
    case 'rule.delete': {
      const { kind, source, table, priority, protocol } = request
      const message = kind === 'rule.add' ? new Message(types.newRule, make) : new Message(types.delRule, change)
      message.u8(families[familyOf(source.address)], 0, source.length, 0, 0, 0, 0, rule.toTable).u32(0)
      message.attribute(rule.source, addressBytes(source.address)).number(rule.priority, priority)
      return message.number(rule.table, table).attribute(rule.protocol, Uint8Array.of(protocol)).bytes()
    }
    case 'neighbour.replace': {
      const { address, mac, ifindex } = request
      const message = new Message(types.newNeighbour, put)
      message.u8(families[familyOf(address)], 0, 0, 0).u32(ifindex).u16(permanent).u8(0, 0)
      return message.attribute(1, addressBytes(address)).attribute(2, macBytes(mac)).bytes()
    }
  }
}

function routeMade(given: Route): Uint8Array {
  const { ifindex, destination, gateway, source, table = route.main, protocol = route.static } = given
  const known = destination?.address ?? gateway
  if (known === undefined) throw argument('a route leads to a destination or by a gateway')
  const family = families[familyOf(known)]
  const scope = gateway === undefined && family === families[4] ? route.scopeLink : route.scopeUniverse
  const message = new Message(types.newRoute, given.kind === 'route.add' ? make : put)
  message.u8(family, destination?.length ?? 0, 0, 0, 0, protocol, scope, route.unicast)
  message.u32(gateway === undefined ? 0 : route.onlink)
  if (destination !== undefined) message.attribute(routeAttributes.destination, addressBytes(destination.address))
  if (gateway !== undefined) message.attribute(routeAttributes.gateway, addressBytes(gateway))
  if (source !== undefined) message.attribute(routeAttributes.source, addressBytes(source))
  return message.number(routeAttributes.device, ifindex).number(routeAttributes.table, table).bytes()
}
