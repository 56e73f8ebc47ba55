import { argument, change, families, make, Message, nul } from './message.js'

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
  readonly mtuBytes?: number
  /** False: every neighbour is taken to have the device's own address. */
  readonly asksNeighbours?: false
  /** False: the kernel makes no link-local address by itself. */
  readonly ownLinkLocal?: false
}

/** A device that learns from BPF programs where a tunnel's packet goes, and tells them where one came from. It is down. */
export interface Overlay {
  readonly kind: 'overlay.add'
  readonly name: string
  readonly tunnel: 'vxlan' | 'geneve'
  readonly mac: string
  readonly udpPort: number
}

const types = { newLink: 16, delLink: 17 } as const

/** Attributes of links. */
const link = { address: 1, ifname: 3, mtu: 4, linkInfo: 18, netnsFd: 28, afSpec: 26, infoKind: 1, infoData: 2 } as const
const vethPeer = 1
/** IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE. */
const addressMode = { attribute: 8, none: 1 } as const
const isUp = 1
/** Of IFLA_VXLAN_… and IFLA_GENEVE_…: the port, and that programs say the rest. */
const tunnelAttributes = {
  vxlan: { port: 15, external: 25, learning: 7 },
  geneve: { port: 5, external: 6 },
} as const
const noArp = 0x80

export function linkSet({ ifindex, up, name, mtuBytes, asksNeighbours, ownLinkLocal }: LinkChange): Uint8Array {
  const message = new Message(types.newLink, change)
  linkHeader(message, ifindex, up, asksNeighbours)
  if (name !== undefined) message.attribute(link.ifname, nul(name))
  if (mtuBytes !== undefined) message.number(link.mtu, mtuBytes)
  if (ownLinkLocal === false)
    message.nested(link.afSpec, () =>
      message.nested(families[6], () => message.attribute(addressMode.attribute, Uint8Array.of(addressMode.none))),
    )
  return message.bytes()
}

export function linkDelete(name: string): Uint8Array {
  const message = new Message(types.delLink, change)
  linkHeader(message, 0)
  return message.attribute(link.ifname, nul(name)).bytes()
}

export function overlayAdd({ name, tunnel, mac, udpPort }: Overlay): Uint8Array {
  const message = new Message(types.newLink, make)
  linkHeader(message, 0)
  message.attribute(link.ifname, nul(name)).attribute(link.address, macBytes(mac))
  return message
    .nested(link.linkInfo, () => {
      message.attribute(link.infoKind, nul(tunnel))
      message.nested(link.infoData, () => {
        const { port, external } = tunnelAttributes[tunnel]
        message.attribute(port, Uint8Array.of(udpPort >>> 8, udpPort & 255))
        if (tunnel === 'geneve') message.attribute(external, new Uint8Array())
        else message.attribute(external, Uint8Array.of(1)).attribute(tunnelAttributes.vxlan.learning, Uint8Array.of(0))
      })
    })
    .bytes()
}

export function vethAdd({ name, mac, mtuBytes, peer }: VethPair): Uint8Array {
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

/** struct ifinfomsg; what isn't said stays as it is. */
function linkHeader(message: Message, ifindex: number, up?: boolean, asksNeighbours?: false): void {
  message.u8(0, 0).u16(0).u32(ifindex)
  message.u32((up === true ? isUp : 0) | (asksNeighbours === false ? noArp : 0))
  message.u32((up === undefined ? 0 : isUp) | (asksNeighbours === undefined ? 0 : noArp))
}

export function macBytes(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) throw argument(`${mac} is no MAC address`)
  return Uint8Array.from(mac.split(':'), byte => Number.parseInt(byte, 16))
}
