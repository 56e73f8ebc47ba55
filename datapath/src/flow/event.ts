import { prefixText } from '@weir/core/address/address.js'
import type { Direction } from '@weir/core/policy/rule.js'
import { map, type Observable } from 'rxjs'
import type { Backend, EventBatch } from '../backend.js'
import { codecs, eventKinds } from '../codec/maps.js'
import { endpointOf, firstEndpointSlot } from '../peer.js'
import { reasonName } from './reasons.js'

/** One end of a flow. */
export interface FlowEnd {
  /** Canonical text; absent for packets that aren't IP. */
  readonly address?: string
  /** 0 for protocols without ports. */
  readonly port: number
  /** 0: not known when the packet was dropped. */
  readonly identity: number
  /** Number of the local endpoint; absent when it is none, or wasn't looked up. */
  readonly endpoint?: number
}

/** What a program told of a packet. */
export interface FlowEvent {
  /** Nanoseconds of the kernel's monotonic clock. */
  readonly timeNs: bigint
  /** `verdict`: a new flow was allowed; `trace`: a packet passed. */
  readonly kind: 'verdict' | 'drop' | 'trace'
  readonly verdict: 'allow' | 'deny'
  readonly reason: number
  readonly reasonName: string
  /** Whose policy decided: the sender's egress or the receiver's ingress. */
  readonly direction: Direction
  readonly family?: 4 | 6
  /** IANA number; 0 when not IP. */
  readonly protocol: number
  readonly ethertype: number
  readonly source: FlowEnd
  readonly destination: FlowEnd
  readonly icmp?: { readonly type: number; readonly code: number }
  /** The flags of the packet's TCP header; 0 for other protocols. */
  readonly tcpFlags: number
  /** Against the direction in which the flow was opened. */
  readonly isReply: boolean
  readonly ifindex: number
  readonly lengthBytes: number
}

export interface FlowEventBatch {
  readonly events: readonly FlowEvent[]
  /** Records lost since the batch before. */
  readonly lost: number
}

const kinds = new Map<number, FlowEvent['kind']>([
  [eventKinds.WEIR_EVENT_VERDICT, 'verdict'],
  [eventKinds.WEIR_EVENT_DROP, 'drop'],
  [eventKinds.WEIR_EVENT_TRACE, 'trace'],
])

/** Reads a record of the event ring. */
export function decodeFlowEvent(record: Uint8Array): FlowEvent {
  const event = codecs.event.read(record)
  const family = event.family === 4 || event.family === 6 ? event.family : undefined
  const isIcmp = (family === 4 && event.protocol === 1) || (family === 6 && event.protocol === 58)
  const end = (address: Uint8Array, port: number, identity: number, slot: number): FlowEnd => ({
    ...(family !== undefined && { address: addressText(address, family) }),
    port,
    identity,
    ...(slot >= firstEndpointSlot && { endpoint: endpointOf(slot) }),
  })
  return {
    timeNs: event.time,
    kind: kinds.get(event.kind) ?? 'drop',
    verdict: event.verdict === 1 ? 'allow' : 'deny',
    reason: event.reason,
    reasonName: reasonName(event.reason),
    direction: event.direction === 0 ? 'egress' : 'ingress',
    ...(family !== undefined && { family }),
    protocol: event.protocol,
    ethertype: event.ethertype,
    source: end(event.source, event.source_port, event.source_identity, event.source_slot),
    destination: end(event.destination, event.destination_port, event.destination_identity, event.destination_slot),
    ...(isIcmp && { icmp: { type: event.icmp_type, code: event.icmp_code } }),
    tcpFlags: event.tcp_flags,
    isReply: event.is_reply !== 0,
    ifindex: event.ifindex,
    lengthBytes: event.length,
  }
}

function addressText(bytes: Uint8Array, family: 4 | 6): string {
  const length = family === 4 ? 4 : 16
  const text = prefixText({ family, bytes: bytes.subarray(0, length), length: length * 8 })
  return text.slice(0, text.lastIndexOf('/'))
}

/** The first records of a batch, or all: each a slice of it. */
export const recordsOf = ({ data, count }: EventBatch, most: number = count): Uint8Array[] =>
  Array.from({ length: Math.min(count, most) }, (_, at) =>
    data.subarray(at * codecs.event.size, (at + 1) * codecs.event.size),
  )

/** The first records of a batch, for longer than it lasts. */
export const keptRecords = ({ data, count, lost }: EventBatch, most: number): Uint8Array[] =>
  recordsOf({ data: data.slice(0, most * codecs.event.size), count, lost }, most)

/** A backend's events, decoded. */
export const flowEvents = (backend: Pick<Backend, 'events'>): Observable<FlowEventBatch> =>
  backend.events.pipe(map(batch => ({ events: recordsOf(batch).map(decodeFlowEvent), lost: batch.lost })))
