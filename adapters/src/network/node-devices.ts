import type { Device } from 'netns-napi'

/** A device of the node's own, and why it counts as one. */
export interface NodeDevice {
  readonly ifindex: number
  readonly ifname: string
  /** `default route`, `address of the node`, or the pattern that names it. */
  readonly why: string
  /** Canonical text. */
  readonly addresses: readonly string[]
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
    return why === undefined ? [] : [{ ifindex: device.ifindex, ifname: device.name, why, addresses: device.addresses }]
  })
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
