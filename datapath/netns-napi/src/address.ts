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
  const family = familyOf(address)
  const bytes = new Uint8Array(family === 4 ? 4 : 16)
  if (family === 4) putFour(bytes, 0, address, 0)
  else {
    if (address.includes('%')) throw new NetnsError('ERR_NETNS_ARGUMENT', 'address', `'${address}' has a zone`)
    putSix(bytes, address)
  }
  return bytes
}

/** What is known to be an address from `start` on. */
function putFour(bytes: Uint8Array, at: number, text: string, start: number): void {
  for (let place = start; place < text.length; place += 1) {
    const digit = text.charCodeAt(place) - 48
    if (digit >= 0) bytes[at] = bytes[at]! * 10 + digit
    else at += 1
  }
}

/** The last two groups may be written as an IPv4 address. */
function putSix(bytes: Uint8Array, text: string): void {
  let [at, start, gap] = [0, 0, -1]
  const group = (end: number): void => {
    if (end === start) return
    const value = Number.parseInt(text.slice(start, end), 16)
    bytes[at] = value >>> 8
    bytes[at + 1] = value & 255
    at += 2
  }
  for (let place = 0; place < text.length; place += 1) {
    const sign = text[place]
    if (sign === '.') {
      putFour(bytes, at, text, start)
      at += 4
      start = text.length
      break
    }
    if (sign !== ':') continue
    group(place)
    start = place + 1
    if (text[place + 1] === ':') gap = at
  }
  group(text.length)
  if (gap < 0) return
  bytes.copyWithin(16 - (at - gap), gap, at)
  bytes.fill(0, gap, 16 - (at - gap))
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
