import type { TunnelMode } from '@weir/core/routing/node-ways.js'
import { type Interface, NetnsError } from 'netns-napi'
import type { Netns } from './netns.js'

/** The UDP ports of tunnels, by kind. */
export const tunnelPorts: Readonly<Record<TunnelMode, number>> = { vxlan: 8472, geneve: 6081 }

export const overlayNames: Readonly<Record<TunnelMode, string>> = { vxlan: 'weir-vxlan', geneve: 'weir-geneve' }

/**
 * The same on every node, so that none has to learn another's: a neighbour of a device without ARP has the device's own
 * address. What programs send bears another one.
 */
const mac = '02:57:65:69:72:00'

/**
 * What a tunnel adds to a packet, in bytes, by the family outside: inner Ethernet, the tunnel's own header with its option,
 * UDP, IP.
 */
export const overheadBytes = {
  vxlan: { 4: 50, 6: 70 },
  geneve: { 4: 62, 6: 82 },
} as const satisfies Readonly<Record<TunnelMode, Readonly<Record<4 | 6, number>>>>

const deviceNamed = ({ path, rtnetlink }: Netns, name: string): Interface | undefined =>
  rtnetlink.interfacesIn(path).find(each => each.name === name)

/**
 * Makes the device that all tunnels share, or finds it: it learns from programs where a packet goes, and tells them where
 * one came from.
 *
 * @returns its number
 * @throws NetnsError EOPNOTSUPP where the kernel has no such devices
 */
export async function overlayDevice(netns: Netns, mode: TunnelMode, mtuBytes: number): Promise<number> {
  const name = overlayNames[mode]
  const { path, rtnetlink } = netns
  const there = deviceNamed(netns, name)
  if (there === undefined)
    await rtnetlink.rtnetlinkIn(path, [{ kind: 'overlay.add', name, tunnel: mode, mac, udpPort: tunnelPorts[mode] }])
  const device = there ?? deviceNamed(netns, name)
  if (device === undefined) throw new NetnsError('ENODEV', 'rtnetlink', name)
  const { ifindex } = device
  if (device.mtu !== mtuBytes) await rtnetlink.rtnetlinkIn(path, [{ kind: 'link.set', ifindex, mtuBytes }])
  if (!device.up)
    await rtnetlink.rtnetlinkIn(path, [
      { kind: 'link.set', ifindex, ownLinkLocal: false, asksNeighbours: false, up: true },
    ])
  await looseSource(netns, name)
  return ifindex
}

/** The devices of tunnels that there are. */
export function overlays({
  path,
  rtnetlink,
}: Netns): readonly { readonly mode: TunnelMode; readonly name: string; readonly ifindex: number }[] {
  const there = new Map(rtnetlink.interfacesIn(path).map(({ name, ifindex }) => [name, ifindex]))
  return (Object.keys(overlayNames) as TunnelMode[]).flatMap(mode => {
    const [name, ifindex] = [overlayNames[mode], there.get(overlayNames[mode])]
    return ifindex === undefined ? [] : [{ mode, name, ifindex }]
  })
}

/** Takes the device of a kind away; no error when it isn't there. */
export async function removeOverlay(netns: Netns, mode: TunnelMode): Promise<void> {
  const found = overlays(netns).filter(each => each.mode === mode)
  await netns.rtnetlink.rtnetlinkIn(
    netns.path,
    found.map(({ name }) => ({ kind: 'link.delete', name })),
  )
}

/**
 * Clients' packets come out of a tunnel that no route to them leads into, and so do other nodes' own. The kernel takes the
 * larger of a device's value and that of all: where all are strict, this one has to be loose, as 0 wouldn't count.
 */
async function looseSource({ path, rtnetlink }: Netns, name: string): Promise<void> {
  const all = await rtnetlink.readSysctlIn(path, 'ipv4/conf/all/rp_filter')
  const file = `ipv4/conf/${name}/rp_filter`
  const wanted = all === '0' ? 0 : 2
  if ((await rtnetlink.readSysctlIn(path, file)) !== String(wanted)) await rtnetlink.writeSysctlIn(path, file, wanted)
}
