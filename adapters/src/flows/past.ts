import { protocolNumbers } from '@weir/core'
import { reasonName } from '@weir/datapath/flow/reasons.js'
import {
  type EventLog,
  type FlowBlock,
  type FlowRow,
  flowRow,
  type FlowStore,
  type ReadFlows,
  selectRows,
} from '@weir/store'
import type { FlowRecord } from '../agent/protocol.js'
import { LogWalk } from './log-walk.js'
import { FlowNamer, type PacketReport } from './namer.js'

/** Flows of history with the names, labels, services and rules of their own time, in the order of the log. */
export async function* pastFlows(
  log: EventLog,
  store: FlowStore,
  query: Omit<ReadFlows, 'newestFirst'>,
): AsyncGenerator<FlowRecord> {
  let walk: LogWalk | undefined
  let namer: FlowNamer | undefined
  try {
    for await (const block of store.read(query))
      for (const at of byTime(block, selectRows(block, query))) {
        const row = flowRow(block, at)
        walk ??= await LogWalk.from(log, row.seq)
        namer ??= new FlowNamer(walk.engine)
        await walk.to(row.seq)
        const named = namer.name(reportOf(row), row.firstMs)
        const { packets, lastMs: lastTime, seq } = row
        // Flows from any port of whoever opened them are one row.
        const opener = row.isReply ? 'destination' : 'source'
        const { port: _, ...end } = named[opener]
        yield { ...named, [opener]: end, packets, lastTime, seq }
      }
  } finally {
    await walk?.close()
  }
}

/** By sequence, as the log goes, and then by time. */
const byTime = ({ seq, firstMs }: FlowBlock, rows: Uint32Array): Uint32Array =>
  rows.sort((a, b) => seq[a]! - seq[b]! || firstMs[a]! - firstMs[b]!)

/** A row as one packet of it. */
function reportOf(row: FlowRow): PacketReport {
  const isIcmp = row.protocol === protocolNumbers.ICMP || row.protocol === protocolNumbers.ICMPv6
  const port = isIcmp ? 0 : row.port
  return {
    verdict: row.verdict,
    reason: row.verdict === 'allowed' ? '' : reasonName(row.reason),
    protocol: row.protocol,
    family: row.source.family,
    source: row.source.address,
    destination: row.destination.address,
    sourcePort: row.isReply ? port : 0,
    destinationPort: row.isReply ? 0 : port,
    sourceIdentity: row.source.identity,
    destinationIdentity: row.destination.identity,
    tcpFlags: row.tcpFlags,
    icmpType: isIcmp ? row.port >> 8 : 0,
    icmpCode: isIcmp ? row.port & 255 : 0,
    isReply: row.isReply,
    direction: row.direction,
    sizeBytes: row.bytes,
  }
}
