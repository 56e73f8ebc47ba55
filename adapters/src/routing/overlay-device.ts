import { writeFile } from 'node:fs/promises'
import type { TunnelMode } from '@weir/core/routing/node-ways.js'
import { run } from '../network/run.js'
import { ipIn, type Netns, rowsIn } from './ip.js'

/** The UDP ports of tunnels, by kind. */
export const tunnelPorts: Readonly<Record<TunnelMode, number>> = { vxlan: 8472 }

export const overlayNames: Readonly<Record<TunnelMode, string>> = { vxlan: 'weir-vxlan' }

/**
 * The same on every node, so that none has to learn another's: a neighbour of a device without ARP has the device's own
 * address. What programs send bears another one.
 */
const mac = '02:57:65:69:72:00'

/** What a tunnel adds to a packet, in bytes, by the family outside: inner Ethernet, the tunnel's own header, UDP, IP. */
export const overheadBytes = { 4: 50, 6: 70 } as const

interface Device {
  readonly ifname: string
  readonly ifindex: number
  readonly mtu: number
}

const devicesNamed = async (netns: Netns, name: string): Promise<readonly Device[]> =>
  (await rowsIn<Device>(netns, ['link', 'show'])).filter(({ ifname }) => ifname === name)

/**
 * Makes the device that all tunnels share, or finds it: it learns from programs where a packet goes, and tells them where
 * one came from.
 *
 * @returns its number
 * @throws WeirError WEIR_NETWORK_COMMAND where the kernel has no such devices
 */
export async function overlayDevice(netns: Netns, mode: TunnelMode, mtuBytes: number): Promise<number> {
  const name = overlayNames[mode]
  const [there] = await devicesNamed(netns, name)
  const create = [
    ...['link', 'add', 'name', name, 'address', mac, 'type', mode, 'external', 'dstport', String(tunnelPorts[mode])],
    'nolearning',
  ]
  if (there === undefined) await ipIn(netns, create)
  if (there?.mtu !== mtuBytes) await ipIn(netns, ['link', 'set', name, 'mtu', String(mtuBytes)])
  if (there === undefined) {
    await ipIn(netns, ['link', 'set', name, 'addrgenmode', 'none'])
    await ipIn(netns, ['link', 'set', name, 'arp', 'off', 'up'])
    await looseSource(netns, name)
  }
  const [device] = await devicesNamed(netns, name)
  return device!.ifindex
}

/** Takes the device of a kind away; no error when it isn't there. */
export async function removeOverlay(netns: Netns, mode: TunnelMode): Promise<void> {
  const there = await devicesNamed(netns, overlayNames[mode])
  if (there.length > 0) await ipIn(netns, ['link', 'delete', overlayNames[mode]])
}

/** Nodes' own packets come out of a tunnel that no route to them leads into, and the device has no address to be asked by. */
async function looseSource(netns: Netns, name: string): Promise<void> {
  const file = `/proc/sys/net/ipv4/conf/${name}/rp_filter`
  if (netns === undefined) await writeFile(file, '0')
  else await run('nsenter', [`--net=${netns}`, 'tee', file], '0\n')
}
