import type { Device } from 'netns-napi'

/** A device of the node's own, and why it counts as one. */
export interface NodeDevice {
  readonly ifindex: number
  readonly ifname: string
  /** `default route`, `address of the node`, or the pattern that names it. */
  readonly why: string
  readonly mtuBytes: number
  /** Canonical text. */
  readonly addresses: readonly string[]
  /** Those that what the node sends on by it may bear, best first. */
  readonly sources: readonly string[]
}

export interface DeviceChoice {
  /** Names, with `*` for any characters. Absent: devices of default routes, and those with the node's addresses. */
  readonly patterns?: readonly string[]
  readonly nodeAddresses: readonly string[]
  /** Interfaces of pods, which are never the node's own. */
  readonly podIfindexes: ReadonlySet<number>
}

/** The devices by which the outside reaches the node; never the loopback, which only the node itself speaks by. */
export function chooseDevices(devices: readonly Device[], choice: DeviceChoice): readonly NodeDevice[] {
  return devices.flatMap(device => {
    const why = device.loopback || choice.podIfindexes.has(device.ifindex) ? undefined : reasonFor(device, choice)
    const { ifindex, name: ifname, mtu: mtuBytes, addresses } = device
    return why === undefined
      ? []
      : [{ ifindex, ifname, why, mtuBytes, addresses, sources: sourcesOf(addresses, choice) }]
  })
}

/** Answers must come back to such an address: those of the node first, at the device if it has one. */
function sourcesOf(addresses: readonly string[], { nodeAddresses }: DeviceChoice): readonly string[] {
  const own = addresses.filter(address => nodeAddresses.includes(address))
  const others = addresses.filter(address => !/^(fe[89ab]|169\.254\.)/i.test(address))
  return [...new Set([...own, ...nodeAddresses, ...others])]
}

function reasonFor(device: Device, { patterns, nodeAddresses }: DeviceChoice): string | undefined {
  if (patterns !== undefined) return patterns.find(pattern => matches(pattern, device.name))
  if (device.addresses.some(address => nodeAddresses.includes(address))) return 'address of the node'
  return device.defaultRoute ? 'default route' : undefined
}

function matches(pattern: string, name: string): boolean {
  const literal = pattern.split('*').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`).test(name)
}
