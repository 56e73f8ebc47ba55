import { parseAddress } from '@weir/core/address/address.js'
import type { EventBatch } from '@weir/datapath/backend.js'
import { codecs, eventKinds } from '@weir/datapath/codec/maps.js'
import fc from 'fast-check'

/** A record of the event ring as a test writes it. */
export interface ToldPacket {
  readonly source: string
  readonly destination: string
  readonly kind: number
  readonly reason: number
  readonly direction: number
  readonly protocol: number
  readonly sourcePort: number
  readonly destinationPort: number
  readonly icmpType: number
  readonly isReply: number
  readonly tcpFlags: number
  readonly sourceIdentity: number
  readonly length: number
}

const families = [
  ['10.0.0.1', '10.0.0.2', '10.0.1.1'],
  ['fd00::1', 'fd00::2', 'fd00:0:0:1::2'],
] as const

/** Packets that often are of one flow, and often differ from another in one field. */
export const anyPacket: fc.Arbitrary<ToldPacket> = fc.constantFrom(...families).chain(addresses =>
  fc.record({
    source: fc.constantFrom(...addresses),
    destination: fc.constantFrom(...addresses),
    kind: fc.constantFrom(...Object.values(eventKinds)),
    reason: fc.constantFrom(0, 133, 181, 135),
    direction: fc.constantFrom(0, 1),
    protocol: fc.constantFrom(6, 17, 1, 58),
    sourcePort: fc.constantFrom(40_000, 40_001),
    destinationPort: fc.constantFrom(80, 443),
    icmpType: fc.constantFrom(0, 8),
    isReply: fc.constantFrom(0, 1),
    tcpFlags: fc.constantFrom(2, 16),
    sourceIdentity: fc.constantFrom(0, 300),
    length: fc.constantFrom(60, 2 ** 31),
  }),
)

/** A packet of TCP that was allowed. */
export const packet = (given: Partial<ToldPacket> = {}): ToldPacket => ({
  source: '10.0.0.1',
  destination: '10.0.0.2',
  kind: eventKinds.WEIR_EVENT_VERDICT,
  reason: 0,
  direction: 1,
  protocol: 6,
  sourcePort: 40_000,
  destinationPort: 80,
  icmpType: 0,
  isReply: 0,
  tcpFlags: 2,
  sourceIdentity: 300,
  length: 60,
  ...given,
})

/** The packets as the event ring has them. */
export function batchOf(packets: readonly ToldPacket[], lost = 0): EventBatch {
  const { size } = codecs.event
  const data = new Uint8Array(packets.length * size)
  for (const [at, told] of packets.entries()) codecs.event.write(data, at * size, eventOf(told))
  return { data, count: packets.length, lost }
}

function eventOf(told: ToldPacket): Parameters<typeof codecs.event.write>[2] {
  const [source, destination] = [parseAddress(told.source)!, parseAddress(told.destination)!]
  const isIcmp = told.protocol === (source.family === 4 ? 1 : 58)
  const bytes = (given: Uint8Array): Uint8Array => {
    const padded = new Uint8Array(16)
    padded.set(given)
    return padded
  }
  return {
    time: 0n,
    kind: told.kind,
    verdict: told.kind === eventKinds.WEIR_EVENT_DROP ? 2 : 1,
    reason: told.reason,
    direction: told.direction,
    family: source.family,
    protocol: told.protocol,
    tcp_flags: told.tcpFlags,
    icmp_type: isIcmp ? told.icmpType : 0,
    icmp_code: 0,
    is_reply: told.isReply,
    ethertype: 0x0800,
    source_port: isIcmp ? 0 : told.sourcePort,
    destination_port: isIcmp ? 0 : told.destinationPort,
    source: bytes(source.bytes),
    destination: bytes(destination.bytes),
    source_identity: told.sourceIdentity,
    destination_identity: 301,
    source_slot: 0,
    destination_slot: 0,
    ifindex: 1,
    length: told.length,
  }
}
