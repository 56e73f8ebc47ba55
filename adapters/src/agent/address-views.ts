import type { ClusterState } from '@weir/core'
import { parseAddress } from '@weir/core/address/address.js'

/** An address that a container of this node has, or had a moment ago. */
export interface AddressView {
  /** The address. */
  readonly name: string
  readonly state: 'in use' | 'cooling'
  /** `shop/web-0`; absent while cooling, as the next four. */
  readonly pod?: string
  readonly container?: string
  readonly ifname?: string
  readonly device?: string
  readonly network?: string
  /** While cooling: from when on it may be given again, milliseconds since the epoch. */
  readonly reusableAt?: number
  /** The event that gave it, or took it back. */
  readonly seq: number
}

/** Addresses that containers of this node have or had a moment ago, IPv4 first, in order. */
export function addressViews({ attachments, cooling }: ClusterState): readonly AddressView[] {
  const inUse = [...attachments.values()].flatMap(({ fact, seq }) =>
    fact.addresses.map((name): AddressView => {
      const { namespace, pod, container, ifname, device, network } = fact
      return { name, state: 'in use', pod: `${namespace}/${pod}`, container, ifname, device, network, seq }
    }),
  )
  const cold = [...cooling].map(
    ([name, { untilMs, seq }]): AddressView => ({ name, state: 'cooling', reusableAt: untilMs, seq }),
  )
  return [...inUse, ...cold].sort((a, b) => (orderOf(a.name) < orderOf(b.name) ? -1 : 1))
}

const orderOf = (address: string): string =>
  `${address.includes(':') ? 6 : 4}${Buffer.from(parseAddress(address)?.bytes ?? []).toString('hex')}`
