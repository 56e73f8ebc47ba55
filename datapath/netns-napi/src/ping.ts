import { familyOf, numericZone } from './address.js'
import { NetnsError } from './error.js'
import { type Netns, native } from './native.js'
import { openSocketIn } from './socket.js'
import { ready } from './wait.js'

export interface PingOptions {
  /** 1000 by default. */
  readonly timeoutMs?: number
  /** Bytes after the ICMP header; 32 by default. */
  readonly payloadBytes?: number
  readonly localAddress?: string
}

interface Dialect {
  readonly protocol: number
  readonly request: number
  readonly reply: number
}

// RFC 792 and RFC 4443.
const icmp4: Dialect = { protocol: 1, request: 8, reply: 0 }
const icmp6: Dialect = { protocol: 58, request: 128, reply: 129 }

const headerBytes = 8
const unanswered: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ECONNREFUSED', 'EACCES', 'EPERM'])

let lastTag = Math.floor(Math.random() * 0x1_0000_0000)

// RFC 1071: the ones' complement sum of 16-bit words.
function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let index = 0; index < bytes.length; index += 2) {
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return ~sum & 0xffff
}

function echoRequest(dialect: Dialect, tag: number, payloadBytes: number): Buffer {
  const packet = Buffer.alloc(headerBytes + payloadBytes, 0x77)
  packet.writeUInt8(dialect.request, 0)
  packet.writeUInt8(0, 1)
  packet.writeUInt16BE(0, 2)
  packet.writeUInt32BE(tag, 4)
  // The kernel fills in that of ICMPv6, which covers addresses too.
  if (dialect === icmp4) {
    packet.writeUInt16BE(checksum(packet), 2)
  }
  return packet
}

// Raw IPv4 sockets give the IP header too.
function isReply(dialect: Dialect, tag: number, packet: Buffer): boolean {
  const start = dialect === icmp4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0
  return (
    packet.length >= start + headerBytes && packet[start] === dialect.reply && packet.readUInt32BE(start + 4) === tag
  )
}

/**
 * Whether an address answers one ICMP or ICMPv6 echo request from a namespace. False when it doesn't in time, or the
 * kernel reports it unreachable; ENETUNREACH (no route at all) is thrown.
 */
export async function pingIn(netns: Netns, address: string, options: PingOptions = {}): Promise<boolean> {
  const { timeoutMs = 1000, payloadBytes = 32, localAddress } = options
  const family = familyOf(address)
  const dialect = family === 4 ? icmp4 : icmp6
  // Identifier and sequence number in one, so that pings at the same time tell their replies apart.
  lastTag = (lastTag + 1) >>> 0
  const tag = lastTag
  const fd = openSocketIn(netns, {
    family,
    type: 'raw',
    protocol: dialect.protocol,
    ...(localAddress === undefined ? {} : { bind: { address: localAddress, port: 0 } }),
  })
  try {
    const deadline = performance.now() + timeoutMs
    native.sendTo(fd, echoRequest(dialect, tag, payloadBytes), numericZone(netns, address), 0)
    const buffer = Buffer.alloc(65_535)
    while (true) {
      const leftMs = Math.ceil(deadline - performance.now())
      if (leftMs <= 0 || !(await ready(fd, 'readable', leftMs))) {
        return false
      }
      const size = native.receive(fd, buffer)
      if (size >= 0 && isReply(dialect, tag, buffer.subarray(0, size))) {
        return true
      }
    }
  } catch (error) {
    if (error instanceof NetnsError && unanswered.has(error.code)) {
      return false
    }
    throw error
  } finally {
    native.closeSocket(fd)
  }
}
