import { addressBits, parsePrefix } from '../address/address.js'
import type { Family } from '../policy/rule.js'

/** Addresses as inclusive ranges `[first, last, first, last, …]`, rising and apart; those of IPv6 follow IPv4's. */
export type AddressRanges = readonly bigint[]

const firstOfIpv6 = 1n << 32n

export const familyRanges = (family: Family): AddressRanges =>
  family === 4 ? [0n, firstOfIpv6 - 1n] : [firstOfIpv6, firstOfIpv6 + (1n << 128n) - 1n]

export const allAddresses: AddressRanges = [0n, firstOfIpv6 + (1n << 128n) - 1n]

/** The addresses of a block; none when the text is no block. */
export function blockRanges(text: string): AddressRanges {
  const prefix = parsePrefix(text)
  if (prefix === undefined) return []
  let first = prefix.family === 4 ? 0n : firstOfIpv6
  let place = 1n
  for (let index = prefix.bytes.length - 1; index >= 0; index -= 1) {
    first += BigInt(prefix.bytes[index]!) * place
    place *= 256n
  }
  return [first, first + (1n << BigInt(addressBits(prefix.family) - prefix.length)) - 1n]
}

export function commonRanges(a: AddressRanges, b: AddressRanges): AddressRanges {
  const result: bigint[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const first = a[i]! > b[j]! ? a[i]! : b[j]!
    const last = a[i + 1]! < b[j + 1]! ? a[i + 1]! : b[j + 1]!
    if (first <= last) result.push(first, last)
    if (a[i + 1]! < b[j + 1]!) i += 2
    else j += 2
  }
  return result
}

export function withoutRanges(a: AddressRanges, b: AddressRanges): AddressRanges {
  if (b.length === 0) return a
  const rest: bigint[] = []
  let next = allAddresses[0]!
  for (let at = 0; at < b.length; at += 2) {
    if (b[at]! > next) rest.push(next, b[at]! - 1n)
    next = b[at + 1]! + 1n
  }
  if (next <= allAddresses[1]!) rest.push(next, allAddresses[1]!)
  return commonRanges(a, rest)
}
