import { addressBytes, familyOf } from './address.js'
import { NetnsError } from './error.js'
import { Message, nul } from './message.js'
import { type Netns, native } from './native.js'

/** A pair of devices, made at once: one here, its peer in another namespace. Both are down. */
export interface VethPair {
  readonly kind: 'veth.add'
  readonly name: string
  /** `aa:bb:cc:dd:ee:ff` */
  readonly mac: string
  readonly mtuBytes: number
  readonly peer: { readonly name: string; readonly mac: string; readonly netnsFd: number }
}

/** What is to be otherwise with a device. */
export interface LinkChange {
  readonly kind: 'link.set'
  readonly ifindex: number
  readonly up?: boolean
  readonly name?: string
  /** False: the kernel makes no link-local address by itself. */
  readonly ownLinkLocal?: false
}

export interface Route {
  readonly kind: 'route.replace'
  readonly ifindex: number
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

/** One request of rtnetlink(7). */
export type RtRequest =
  | VethPair
  | LinkChange
  | Route
  | Neighbour
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
  if (requests.length > 0) await native.rtnetlink(netns, requests.map(encoded))
}

const types = { newLink: 16, delLink: 17, newAddress: 20, newRoute: 24, newNeighbour: 28 } as const
const flags = { request: 1, ack: 4, replace: 0x100, exclusive: 0x200, create: 0x400 } as const
const make = flags.request | flags.ack | flags.create | flags.exclusive
const put = flags.request | flags.ack | flags.create | flags.replace
const change = flags.request | flags.ack
const families = { 4: 2, 6: 10 } as const

/** Attributes of links. */
const link = { address: 1, ifname: 3, mtu: 4, linkInfo: 18, netnsFd: 28, afSpec: 26, infoKind: 1, infoData: 2 } as const
const vethPeer = 1
/** IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE. */
const addressMode = { attribute: 8, none: 1 } as const
const isUp = 1
/** RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST, RTNH_F_ONLINK. */
const route = { main: 254, static: 4, scopeLink: 253, scopeUniverse: 0, unicast: 1, onlink: 4 } as const
/** RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC. */
const routeAttributes = { destination: 1, device: 4, gateway: 5, source: 7 } as const
const permanent = 0x80
/** IFA_F_NODAD */
const withoutDetection = 2

function encoded(request: RtRequest): Uint8Array {
  switch (request.kind) {
    case 'veth.add':
      return vethAdd(request)
    case 'link.set': {
      const { ifindex, up, name, ownLinkLocal } = request
      const message = new Message(types.newLink, change)
      linkHeader(message, ifindex, up)
      if (name !== undefined) message.attribute(link.ifname, nul(name))
      if (ownLinkLocal === false)
        message.nested(link.afSpec, () =>
          message.nested(families[6], () => message.attribute(addressMode.attribute, Uint8Array.of(addressMode.none))),
        )
      return message.bytes()
    }
    case 'link.delete': {
      const message = new Message(types.delLink, change)
      linkHeader(message, 0)
      return message.attribute(link.ifname, nul(request.name)).bytes()
    }
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
    case 'route.replace':
      return routeReplace(request)
    case 'neighbour.replace': {
      const { address, mac, ifindex } = request
      const message = new Message(types.newNeighbour, put)
      message.u8(families[familyOf(address)], 0, 0, 0).u32(ifindex).u16(permanent).u8(0, 0)
      return message.attribute(1, addressBytes(address)).attribute(2, macBytes(mac)).bytes()
    }
  }
}

function vethAdd({ name, mac, mtuBytes, peer }: VethPair): Uint8Array {
  const message = new Message(types.newLink, make)
  linkHeader(message, 0)
  message.attribute(link.ifname, nul(name)).attribute(link.address, macBytes(mac)).number(link.mtu, mtuBytes)
  return message
    .nested(link.linkInfo, () => {
      message.attribute(link.infoKind, nul('veth'))
      message.nested(link.infoData, () =>
        message.nested(vethPeer, () => {
          linkHeader(message, 0)
          message.attribute(link.ifname, nul(peer.name)).attribute(link.address, macBytes(peer.mac))
          message.number(link.mtu, mtuBytes).number(link.netnsFd, peer.netnsFd)
        }),
      )
    })
    .bytes()
}

function routeReplace({ ifindex, destination, gateway, source }: Route): Uint8Array {
  const known = destination?.address ?? gateway
  if (known === undefined) throw argument('a route leads to a destination or by a gateway')
  const family = families[familyOf(known)]
  const scope = gateway === undefined && family === families[4] ? route.scopeLink : route.scopeUniverse
  const message = new Message(types.newRoute, put)
  message.u8(family, destination?.length ?? 0, 0, 0, route.main, route.static, scope, route.unicast)
  message.u32(gateway === undefined ? 0 : route.onlink)
  if (destination !== undefined) message.attribute(routeAttributes.destination, addressBytes(destination.address))
  if (gateway !== undefined) message.attribute(routeAttributes.gateway, addressBytes(gateway))
  if (source !== undefined) message.attribute(routeAttributes.source, addressBytes(source))
  return message.number(routeAttributes.device, ifindex).bytes()
}

/** struct ifinfomsg; without `up` whether the device is stays as it is. */
function linkHeader(message: Message, ifindex: number, up?: boolean): void {
  message.u8(0, 0).u16(0).u32(ifindex)
  message.u32(up === true ? isUp : 0).u32(up === undefined ? 0 : isUp)
}

function macBytes(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) throw argument(`${mac} is no MAC address`)
  return Uint8Array.from(mac.split(':'), byte => Number.parseInt(byte, 16))
}

const argument = (detail: string): NetnsError => new NetnsError('ERR_NETNS_ARGUMENT', 'rtnetlink', detail)
