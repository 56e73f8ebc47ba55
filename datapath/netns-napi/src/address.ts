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

/** An address as its 4 or 16 bytes in network order; ERR_NETNS_ARGUMENT for what is no numeric address or has a zone. */
export function addressBytes(address: string): Uint8Array {
  if (familyOf(address) === 4) return Uint8Array.from(address.split('.'), Number)
  if (address.includes('%')) throw new NetnsError('ERR_NETNS_ARGUMENT', 'address', `'${address}' has a zone`)
  const [before = [], after] = address.split('::').map(groupsOf)
  const zeros = after === undefined ? [] : new Array<number>(8 - before.length - after.length).fill(0)
  return Uint8Array.from([...before, ...zeros, ...(after ?? [])].flatMap(group => [group >>> 8, group & 255]))
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(word => {
    if (!word.includes('.')) return [Number.parseInt(word, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

/** The canonical text of an address in 4 or 16 bytes; absent: all zeros. */
export function addressText(bytes: Uint8Array | undefined, family: 4 | 6): string {
  if (family === 4) return bytes === undefined ? '0.0.0.0' : bytes.subarray(0, 4).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes?.[2 * at] ?? 0) << 8) | (bytes?.[2 * at + 1] ?? 0))
  const text = groups.map(group => group.toString(16))
  const [start, length] = longestZeros(groups)
  if (length < 2) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}

function longestZeros(groups: readonly number[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 0]
  for (let at = 0; at < groups.length; at += 1) {
    let end = at
    while (end < groups.length && groups[end] === 0) end += 1
    if (end - at > best[1]) best = [at, end - at]
    at = Math.max(at, end - 1)
  }
  return best
}
