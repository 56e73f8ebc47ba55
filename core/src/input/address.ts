import { right } from 'fp-ts/lib/Either.js'
import ipaddr from 'ipaddr.js'
import { parseAddress, parsePrefix, type Prefix, prefixText } from '../address/address.js'
import { refuse } from './problem.js'
import { andThen, type Reader, text } from './reader.js'

const longestAddress = 45

/** An IPv6 address that only wraps an IPv4 one, as that: two spellings of one address would be two peers. */
const mappedIpv4 = (source: string): string | undefined => {
  if (source.length > longestAddress || !ipaddr.IPv6.isValid(source)) return undefined
  const parsed = ipaddr.IPv6.parse(source)
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : undefined
}

/** Only the usual spellings: no octal or hexadecimal parts, no short forms of IPv4, no zones, no mapped IPv4. */
const strictAddress = (source: string): Prefix | undefined => {
  if (source.length > longestAddress) return undefined
  if (ipaddr.IPv4.isValidFourPartDecimal(source)) return parseAddress(source)
  const ipv6 = source.includes(':') && !source.includes('%') && mappedIpv4(source) === undefined
  return ipv6 ? parseAddress(source) : undefined
}

const strictCidr = (source: string): Prefix | undefined => {
  const match = /^([0-9A-Fa-f:.]{2,45})\/(0|[1-9]\d{0,2})$/.exec(source)
  return match?.[1] === undefined || strictAddress(match[1]) === undefined ? undefined : parsePrefix(source)
}

const withoutLeadingZeros = (source: string): string | undefined => {
  if (source.length > longestAddress) return undefined
  const plain = source.replace(/(^|\.)0+(?=\d)/g, '$1')
  return plain !== source && strictAddress(plain) !== undefined ? plain : undefined
}

/** What the writer of an unreadable address most likely meant. */
const meantAddress = (source: string): string | undefined => withoutLeadingZeros(source) ?? mappedIpv4(source)

const meantCidr = (source: string): string | undefined => {
  const [host = '', length] = source.split('/', 2)
  const meant = strictAddress(host) === undefined ? meantAddress(host) : host
  if (meant === undefined) return undefined
  const bits = meant.includes(':') ? 128 : 32
  if (length === undefined) return `${meant}/${bits}`
  if (!/^\d+$/.test(length) || Number(length) > bits) return `a prefix length from 0 to ${bits}`
  return `${meant}/${Number(length)}`
}

/** One address, as a prefix of full length. */
export const address: Reader<Prefix> = (value, path) =>
  andThen(text, source => {
    const parsed = strictAddress(source)
    if (parsed !== undefined) return right(parsed)
    return refuse(path, 'this is not an IP address', source, meantAddress(source) ?? 'such as 10.0.0.1 or fd00::1')
  })(value, path)

/** A block of addresses; host bits are cleared, as the API server reads it. */
export const cidr: Reader<Prefix> = (value, path) =>
  andThen(text, source => {
    const parsed = strictCidr(source)
    if (parsed !== undefined) return right(parsed)
    return refuse(path, 'this is not a CIDR', source, meantCidr(source) ?? 'such as 10.0.0.0/8 or fd00::/64')
  })(value, path)

const comparePrefixes = (a: Prefix, b: Prefix): number => {
  if (a.family !== b.family) return a.family - b.family
  const differing = a.bytes.findIndex((byte, index) => byte !== b.bytes[index])
  return differing < 0 ? a.length - b.length : a.bytes[differing]! - b.bytes[differing]!
}

const canonical = (prefixes: readonly Prefix[], textOf: (prefix: Prefix) => string): readonly string[] => [
  ...new Set([...prefixes].sort(comparePrefixes).map(textOf)),
]

/** The text that equal addresses share: dotted decimal, or RFC 5952. */
export const addressText = (prefix: Prefix): string => ipaddr.fromByteArray([...prefix.bytes]).toString()

/** Texts of addresses in the order of facts: IPv4 first, then by number; each once. */
export const canonicalAddresses = (addresses: readonly Prefix[]): readonly string[] => canonical(addresses, addressText)

/** Texts of blocks in the same order, wider before narrower. */
export const canonicalCidrs = (cidrs: readonly Prefix[]): readonly string[] => canonical(cidrs, prefixText)
