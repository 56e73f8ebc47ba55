import { parseAddress } from '@weir/core/address/address.js'
import { addressText } from '@weir/core/input/address.js'
import type { DeviceFact } from '@weir/core/event/egress.js'
import type { Device } from 'netns-napi'

/** How long an address must be there, or gone, before that is said. */
const holdMs = 1000

/** What to say now, and after how many milliseconds to look again if nothing else happens. */
export interface Observed {
  /** Canonical text, sorted. */
  readonly addresses: readonly string[]
  readonly againMs?: number
}

/** What there is to see: devices with their addresses, of which some are the node's own for certain. */
export interface Sight {
  readonly devices: readonly Device[]
  /** Interfaces of pods, whose addresses aren't the node's to be called by. */
  readonly podIfindexes: ReadonlySet<number>
  /** Devices that are the node's beyond doubt: what comes there counts at once. */
  readonly ownIfindexes: ReadonlySet<number>
}

/**
 * Which addresses this node's devices have, calmly: one that goes and comes again within a second was there all the
 * time, and so long a device that nobody knows yet may turn out to be a pod's. The first look takes what there is.
 */
export class ObservedAddresses {
  /** Since when, in milliseconds, an address has been there and wasn't said, or the reverse. */
  #differing: Map<string, number> | undefined

  /** @param said what was said last */
  look(sight: Sight, said: readonly string[], nowMs: number): Observed {
    const seen = addressesOf(sight, () => true)
    const certain = addressesOf(sight, ({ ifindex }) => sight.ownIfindexes.has(ifindex))
    const before = this.#differing
    const differing = new Map<string, number>()
    const addresses = new Set(said)
    for (const address of new Set([...seen, ...said])) {
      if (seen.has(address) === addresses.has(address)) continue
      const since = before?.get(address) ?? nowMs
      if (before === undefined || certain.has(address) || nowMs - since >= holdMs) {
        if (seen.has(address)) addresses.add(address)
        else addresses.delete(address)
      } else differing.set(address, since)
    }
    this.#differing = differing
    const first = Math.min(...differing.values())
    return { addresses: [...addresses].sort(), ...(differing.size > 0 && { againMs: first + holdMs - nowMs }) }
  }
}

/**
 * What traffic may leave by, and with which addresses: devices that are the node's own, and others that have any. As calm as
 * the addresses themselves: one that isn't there for a moment keeps its place.
 * @param said what was said last of devices
 * @param addresses what is said of addresses now
 */
export function deviceFacts(
  { devices, podIfindexes, ownIfindexes }: Sight,
  said: readonly DeviceFact[],
  addresses: readonly string[],
): readonly DeviceFact[] {
  const calm = new Set(addresses)
  return devices
    .filter(({ ifindex, loopback }) => !loopback && !podIfindexes.has(ifindex))
    .map((device): DeviceFact => {
      const before = said.find(({ ifindex }) => ifindex === device.ifindex)?.addresses ?? []
      const there = device.addresses
        .flatMap(text => parseAddress(text) ?? [])
        .flatMap(read => lasting(addressText(read)))
      const now = [...new Set([...there, ...before])].filter(address => calm.has(address))
      const isSame = now.length === before.length && before.every(address => now.includes(address))
      return {
        ifindex: device.ifindex,
        ifname: device.name,
        isOwn: ownIfindexes.has(device.ifindex),
        hasDefaultRoute: device.defaultRoute,
        addresses: isSame ? before : now,
      }
    })
    .filter(({ isOwn, addresses: own }) => isOwn || own.length > 0)
    .sort((a, b) => a.ifindex - b.ifindex)
}

/** A link-local address is of no use beyond the link. */
const lasting = (address: string): readonly string[] => (/^(fe[89ab]|169\.254\.)/.test(address) ? [] : [address])

function addressesOf({ devices, podIfindexes }: Sight, isMeant: (device: Device) => boolean): ReadonlySet<string> {
  const texts = devices
    .filter(device => !podIfindexes.has(device.ifindex) && isMeant(device))
    .flatMap(({ addresses }) => addresses)
  return new Set(texts.flatMap(text => parseAddress(text) ?? []).flatMap(read => placed(addressText(read))))
}

/** Loopback addresses are everybody's own. The loopback device may well have others, by which the node is reached. */
const placed = (address: string): readonly string[] =>
  address.startsWith('127.') || address === '::1' ? [] : [address]
