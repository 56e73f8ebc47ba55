import { parseAddress } from '@weir/core/address/address.js'
import { protocolNumbers } from '@weir/core'
import type { Cell } from './cells.js'

/** A first packet, or the answer to one, as it is on the wire. */
export interface PacketFields {
  readonly sourceMac: string
  readonly destinationMac: string
  readonly source: string
  readonly destination: string
  readonly protocol: Cell['protocol']
  readonly sourcePort: number
  readonly destinationPort: number
  /** TCP flags, or the first SCTP chunk's type; of no meaning for UDP. */
  readonly flags: number
}

/** TCP flags (RFC 9293) and SCTP chunks (RFC 9260) that open a connection and answer that. */
export const opening: Readonly<Record<Cell['protocol'], { readonly first: number; readonly answer: number }>> = {
  TCP: { first: 0x02, answer: 0x12 },
  UDP: { first: 0, answer: 0 },
  SCTP: { first: 1, answer: 2 },
}

/** An Ethernet frame with an IPv4 or IPv6 packet, checksums right but for SCTP's, which nobody on the way checks. */
export function buildFrame(fields: PacketFields): Uint8Array {
  const source = bytesOf(fields.source)
  const destination = bytesOf(fields.destination)
  const number = protocolNumbers[fields.protocol]
  const segment = segmentOf(fields)
  // The pseudo header of RFC 9293 and RFC 8200 adds up to the same sum in either family's layout.
  const pseudo = Buffer.concat([source, destination, word32(segment.length), word32(number)])
  const at = fields.protocol === 'TCP' ? 16 : 6
  if (fields.protocol !== 'SCTP') segment.writeUInt16BE(checksum(Buffer.concat([pseudo, segment])) || 0xffff, at)
  const isIpv4 = source.length === 4
  const header = isIpv4
    ? ipv4Header(source, destination, number, segment.length)
    : ipv6Header(source, destination, number, segment.length)
  const ethernet = Buffer.concat([
    macBytes(fields.destinationMac),
    macBytes(fields.sourceMac),
    Buffer.from(isIpv4 ? [0x08, 0x00] : [0x86, 0xdd]),
  ])
  return new Uint8Array(Buffer.concat([ethernet, header, segment]))
}

function segmentOf({ protocol, sourcePort, destinationPort, flags }: PacketFields): Buffer {
  const segment = Buffer.alloc(protocol === 'TCP' ? 20 : protocol === 'UDP' ? 8 : 32)
  segment.writeUInt16BE(sourcePort, 0)
  segment.writeUInt16BE(destinationPort, 2)
  if (protocol === 'TCP') {
    segment.writeUInt8(5 << 4, 12)
    segment.writeUInt8(flags, 13)
    segment.writeUInt16BE(0xffff, 14)
  } else if (protocol === 'UDP') segment.writeUInt16BE(segment.length, 4)
  else {
    segment.writeUInt8(flags, 12)
    segment.writeUInt16BE(20, 14)
  }
  return segment
}

function ipv4Header(source: Buffer, destination: Buffer, protocol: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(20 + payloadBytes, 2)
  header.writeUInt16BE(0x4000, 6)
  header.writeUInt8(64, 8)
  header.writeUInt8(protocol, 9)
  source.copy(header, 12)
  destination.copy(header, 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

function ipv6Header(source: Buffer, destination: Buffer, protocol: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(40)
  header.writeUInt8(0x60, 0)
  header.writeUInt16BE(payloadBytes, 4)
  header.writeUInt8(protocol, 6)
  header.writeUInt8(64, 7)
  source.copy(header, 8)
  destination.copy(header, 24)
  return header
}

/** The ones' complement of the ones' complement sum of 16-bit words (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address)
  if (parsed === undefined) throw new RangeError(`not an address: ${address}`)
  return Buffer.from(parsed.bytes)
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}

function word32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
