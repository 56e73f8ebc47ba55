import ipaddr from 'ipaddr.js'
import { crc32c } from './checksum.js'

/** Builds frames for fixtures. Every length and checksum is right unless a field says otherwise. */
export interface Link {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

export interface Ip {
  readonly from: string
  readonly to: string
  readonly ttl?: number
  readonly id?: number
  /** Byte offset of a fragment. */
  readonly offset?: number
  readonly more?: boolean
  /** IPv4: may not be made into fragments. */
  readonly isWhole?: boolean
  /** IPv4: options, a multiple of four bytes. */
  readonly options?: Uint8Array
  /** IPv6: extension headers in front of the payload, each with its number; lengths are in their bytes. */
  readonly extensions?: readonly { readonly kind: number; readonly bytes: Uint8Array }[]
}

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
export const be16 = (value: number): number[] => [(value >> 8) & 255, value & 255]
export const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value & 0xffff)]
export const mac = (text: string): Uint8Array => Uint8Array.from(text.split(':'), part => Number.parseInt(part, 16))
export const address = (text: string): Uint8Array => Uint8Array.from(ipaddr.parse(text).toByteArray())
export const isIpv6 = (text: string): boolean => text.includes(':')

export function join(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function internetChecksum(...parts: Uint8Array[]): number {
  const whole = join(...parts.map(part => (part.length % 2 === 0 ? part : join(part, [0]))))
  let sum = 0
  for (let i = 0; i < whole.length; i += 2) sum += whole[i]! * 256 + whole[i + 1]!
  while (sum >= 0x10000) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  return 0xffff - sum
}

const with16 = (whole: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = whole.slice()
  copy.set(be16(value), at)
  return copy
}

export const ethernet = ({ from, to }: Link, type: number, payload: Uint8Array): Uint8Array =>
  join(to, from, be16(type), payload)

/** What goes into IP: its number, and its bytes once the addresses are known (for the pseudo header). */
export interface Payload {
  readonly protocol: number
  render(pseudo: (length: number) => Uint8Array): Uint8Array
}

const summed = (protocol: number, at: number, body: Uint8Array): Payload => ({
  protocol,
  render: pseudo => {
    const sum = internetChecksum(pseudo(body.length), body)
    return with16(body, at, protocol === 17 && sum === 0 ? 0xffff : sum)
  },
})

export const flags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

export function tcp(from: number, to: number, flag: number, data: Uint8Array = bytes()): Payload {
  return summed(
    6,
    16,
    join(be16(from), be16(to), be32(1000), be32(2000), [0x50, flag], be16(65535), [0, 0, 0, 0], data),
  )
}

export function udp(from: number, to: number, data: Uint8Array = bytes(1, 2, 3, 4)): Payload {
  return summed(17, 6, join(be16(from), be16(to), be16(8 + data.length), [0, 0], data))
}

/** The checksum of SCTP is left zero, as where a device is to make it, unless `isSummed`. */
export function sctp(from: number, to: number, chunk: number, data: Uint8Array = bytes(), isSummed = false): Payload {
  const body = join(be16(from), be16(to), be32(7), be32(0), [chunk, 0], be16(4 + data.length), data)
  if (isSummed) new DataView(body.buffer).setUint32(8, crc32c(body), true)
  return { protocol: 132, render: () => body }
}

export function icmp4(type: number, code: number, rest: Uint8Array): Payload {
  const body = join([type, code, 0, 0], rest)
  return { protocol: 1, render: () => with16(body, 2, internetChecksum(body)) }
}

export const icmp6 = (type: number, code: number, rest: Uint8Array): Payload =>
  summed(58, 2, join([type, code, 0, 0], rest))

export const raw = (protocol: number, body: Uint8Array): Payload => ({ protocol, render: () => body })

export function echo(family: 4 | 6, isReply: boolean, id: number): Payload {
  const rest = join(be16(id), be16(1), bytes(9, 8, 7, 6))
  if (family === 4) return icmp4(isReply ? 0 : 8, 0, rest)
  return icmp6(isReply ? 129 : 128, 0, rest)
}

/** A packet without its link header. `part` cuts the payload: what a fragment carries of it. */
export function ip(header: Ip, payload: Payload, part?: readonly [start: number, end: number]): Uint8Array {
  const from = address(header.from)
  const to = address(header.to)
  const isSix = from.length === 16
  const pseudo = (length: number): Uint8Array =>
    isSix
      ? join(from, to, be32(length), [0, 0, 0, payload.protocol])
      : join(from, to, [0, payload.protocol], be16(length))
  const whole = payload.render(pseudo)
  const body = part === undefined ? whole : whole.slice(...part)
  return isSix ? ip6(header, from, to, payload.protocol, body) : ip4(header, from, to, payload.protocol, body)
}

function ip4(header: Ip, from: Uint8Array, to: Uint8Array, protocol: number, body: Uint8Array): Uint8Array {
  const options = header.options ?? bytes()
  const length = 20 + options.length
  const fragment = ((header.offset ?? 0) >> 3) | (header.more ? 0x2000 : 0) | (header.isWhole ? 0x4000 : 0)
  const start = join(
    [0x40 | (length >> 2), 0],
    be16(length + body.length),
    be16(header.id ?? 1),
    be16(fragment),
    [header.ttl ?? 64, protocol, 0, 0],
    from,
    to,
    options,
  )
  return join(with16(start, 10, internetChecksum(start)), body)
}

function ip6(header: Ip, from: Uint8Array, to: Uint8Array, protocol: number, body: Uint8Array): Uint8Array {
  const chain = [...(header.extensions ?? [])]
  if (header.offset !== undefined || header.more === true) {
    const offset = (header.offset ?? 0) | (header.more ? 1 : 0)
    chain.push({ kind: 44, bytes: join([0, 0], be16(offset), be32(header.id ?? 1)) })
  }
  const rendered = chain.map(({ bytes: own }, i) => join([chain[i + 1]?.kind ?? protocol], own.slice(1)))
  const rest = join(...rendered, body)
  const first = chain[0]?.kind ?? protocol
  return join([0x60, 0, 0, 0], be16(rest.length), [first, header.ttl ?? 64], from, to, rest)
}

export const frame = (link: Link, header: Ip, payload: Payload, part?: readonly [number, number]): Uint8Array =>
  ethernet(link, isIpv6(header.from) ? 0x86dd : 0x0800, ip(header, payload, part))

/** An ICMP error that quotes the start of a packet: 28 bytes in IPv4, as much as fits a small frame in IPv6. */
export function icmpError(type: number, code: number, quotedPacket: Uint8Array, word = 0): Payload {
  const isSix = quotedPacket[0]! >> 4 === 6
  const quote = quotedPacket.slice(0, isSix ? 80 : (quotedPacket[0]! & 15) * 4 + 8)
  return isSix ? icmp6(type, code, join(be32(word), quote)) : icmp4(type, code, join(be32(word), quote))
}

/**
 * The frame as a router would send it on over another link: other link addresses, one hop less, the IPv4 header's checksum
 * made anew (not patched as the programs do it).
 */
export function routed(whole: Uint8Array, link: Link): Uint8Array {
  const copy = whole.slice()
  copy.set(link.to, 0)
  copy.set(link.from, 6)
  if (copy[12] === 0x86) {
    copy[21]!--
    return copy
  }
  copy[22]!--
  const length = (copy[14]! & 15) * 4
  copy.set([0, 0], 24)
  copy.set(be16(internetChecksum(copy.slice(14, 14 + length))), 24)
  return copy
}

export function arp(
  link: Link,
  operation: 1 | 2,
  sender: [Uint8Array, string],
  target: [Uint8Array, string],
): Uint8Array {
  const body = join(
    be16(1),
    be16(0x0800),
    [6, 4],
    be16(operation),
    sender[0],
    address(sender[1]),
    target[0],
    address(target[1]),
  )
  return ethernet(link, 0x0806, body)
}
