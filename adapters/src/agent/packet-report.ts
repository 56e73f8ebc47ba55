import { decodeFlowEvent } from '@weir/datapath/flow/event.js'
import { denials } from '@weir/datapath/flow/reasons.js'
import type { PacketReport } from '../flows/namer.js'

/** A record of the event ring as the flow book takes it; undefined for a packet that isn't IP. */
export function packetReport(record: Uint8Array): PacketReport | undefined {
  const event = decodeFlowEvent(record)
  const { family, source, destination } = event
  if (family === undefined || source.address === undefined || destination.address === undefined) return undefined
  const dropped = event.kind === 'drop'
  return {
    verdict: !dropped ? 'allowed' : denials.has(event.reason) ? 'denied' : 'dropped',
    reason: dropped ? event.reasonName : '',
    protocol: event.protocol,
    family,
    source: source.address,
    destination: destination.address,
    sourcePort: source.port,
    destinationPort: destination.port,
    sourceIdentity: source.identity,
    destinationIdentity: destination.identity,
    tcpFlags: event.tcpFlags,
    icmpType: event.icmp?.type ?? 0,
    icmpCode: event.icmp?.code ?? 0,
    isReply: event.isReply,
    direction: event.direction,
    sizeBytes: event.lengthBytes,
  }
}
