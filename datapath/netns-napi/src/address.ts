import { isIPv4, isIPv6 } from 'node:net'
import { NetnsError } from './error.js'
import { type Netns, native } from './native.js'

/** 4 or 6; ERR_NETNS_ARGUMENT for what is no numeric address. */
export function familyOf(address: string): 4 | 6 {
  if (isIPv4(address)) {
    return 4
  }
  if (isIPv6(address)) {
    return 6
  }
  throw new NetnsError('ERR_NETNS_ARGUMENT', 'address', `'${address}' is no numeric IPv4 or IPv6 address`)
}

/** A zone by name (`fe80::1%eth0`) means a device of that namespace: its number is good on any thread. */
export function numericZone(netns: Netns, address: string): string {
  const [bare = '', zone] = address.split('%')
  if (zone === undefined || /^\d+$/.test(zone)) {
    return address
  }
  return `${bare}%${native.ifindex(netns, zone)}`
}
