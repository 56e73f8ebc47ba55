import ipaddr from 'ipaddr.js'
import type { Family } from '../policy/rule.js'

/** A block of addresses: the first `length` bits of `bytes`; the rest of the bytes is zero. */
export interface Prefix {
  readonly family: Family
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array
  /** Bits, 0..32 or 0..128. */
  readonly length: number
}

/** Bits of a whole address of the family. */
export const addressBits = (family: Family): number => (family === 4 ? 32 : 128)

/**
 * Reads an address in text form: four decimal numbers without leading zeros, or IPv6.
 * @returns the address as a prefix of full length, or undefined when the text is no address
 */
export function parseAddress(text: string): Prefix | undefined {
  const quad = parseQuad(text)
  if (quad !== undefined) return { family: 4, bytes: quad, length: 32 }
  if (!ipaddr.IPv6.isValid(text)) return undefined
  return { family: 6, bytes: Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()), length: 128 }
}

/**
 * Reads `ADDRESS/LENGTH`; bits past the length are cleared, as Kubernetes does when it reads such a block.
 * @returns undefined when the text is no prefix
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  // Without a slash there is no address before it that has digits alone behind it.
  const address = parseAddress(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (address === undefined || !/^\d{1,3}$/.test(digits)) return undefined
  const length = Number(digits)
  if (length > address.length) return undefined
  return { family: address.family, bytes: masked(address.bytes, length), length }
}

/** The text that equal prefixes share: network address, RFC 5952 for IPv6, and length. */
export function prefixText(prefix: Prefix): string {
  const { family, bytes, length } = prefix
  if (family === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}/${length}`
  return `${ipaddr.fromByteArray([...prefix.bytes]).toString()}/${prefix.length}`
}

/** The text that all ways to write a prefix share; undefined when the text is no prefix. */
export function canonicalPrefix(text: string): string | undefined {
  if (isCanonicalQuad(text)) return text
  const prefix = parsePrefix(text)
  return prefix && prefixText(prefix)
}

/** Whether a text is the canonical one of an IPv4 prefix; nearly all that are read are. */
export function isCanonicalQuad(text: string): boolean {
  const slash = text.indexOf('/')
  const address = slash < 0 ? -1 : quadNumber(text, slash)
  const digits = text.length - slash - 1
  if (address < 0 || digits < 1 || digits > 2) return false
  const [tens, ones] = [digits === 2 ? text.charCodeAt(slash + 1) - 48 : 0, text.charCodeAt(text.length - 1) - 48]
  if (tens < (digits === 2 ? 1 : 0) || tens > 3 || ones < 0 || ones > 9) return false
  const length = tens * 10 + ones
  return length <= 32 && (length === 32 || (address & (0xffffffff >>> length)) === 0)
}

/** True when every address of `inner` is in `outer`. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false
  return commonBits(outer.bytes, inner.bytes, outer.length) === outer.length
}

/** How many leading bits two addresses share, at most `limit`. */
export function commonBits(a: Uint8Array, b: Uint8Array, limit: number): number {
  for (let index = 0, bits = 0; bits < limit; index += 1, bits += 8) {
    const difference = a[index]! ^ b[index]!
    if (difference !== 0) return Math.min(limit, bits + Math.clz32(difference) - 24)
  }
  return limit
}

/** The bit at `position`, counted from the most significant one of the first byte. */
export const bitAt = (bytes: Uint8Array, position: number): 0 | 1 =>
  ((bytes[position >> 3]! >> (7 - (position & 7))) & 1) as 0 | 1

/** The bytes of a canonical IPv4 address: nearly all that is read, at a tenth of the library's cost. */
function parseQuad(text: string): Uint8Array | undefined {
  const number = quadNumber(text, text.length)
  if (number < 0) return undefined
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
}

/** The canonical IPv4 address that a text has before `end`, as a number; -1 when it has none. */
function quadNumber(text: string, end: number): number {
  let number = 0
  let at = 0
  for (let part = 0; part < 4; part += 1) {
    const start = at
    let value = 0
    for (; at < end; at += 1) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = at - start
    if (digits === 0 || value > 255 || (digits > 1 && text.charCodeAt(start) === 48)) return -1
    number = number * 256 + value
    if (part < 3 && (at === end || text.charCodeAt(at++) !== 46)) return -1
  }
  return at === end ? number : -1
}

/** Clears the bits past the length, in place. */
function masked(bytes: Uint8Array, length: number): Uint8Array {
  const index = length >> 3
  bytes[index]! &= 0xff << (8 - (length & 7))
  return bytes.fill(0, index + 1)
}
