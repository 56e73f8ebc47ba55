import { parseAddress } from '@weir/core/address/address.js'
import { addressesStride, type FlowColumns, flowMarks, flowVerdicts, makeFlowColumns } from './columns.js'
import type { FlowRow, FlowSort } from './block.js'

/** A recorded flow as an exported incident has it. Which identities its ends had is told by its log. */
export interface ExportedFlow extends FlowSort {
  /** Canonical text. */
  readonly source: string
  readonly destination: string
  readonly packets: number
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  /** The last event of the log that it goes with when its first packet was read. */
  readonly seq: number
}

export function exportedFlow(row: FlowRow): ExportedFlow {
  const { protocol, port, verdict, reason, direction, isReply, tcpFlags } = row
  const { packets, bytes, firstMs, lastMs, seq } = row
  return {
    ...{ source: row.source.address, destination: row.destination.address },
    ...{ protocol, port, verdict, reason, direction, isReply, tcpFlags },
    ...{ packets, bytes, firstMs, lastMs, seq },
  }
}

/** Undefined for what can't be one. */
export function parseExportedFlow(value: unknown): ExportedFlow | undefined {
  const flow = value as Partial<ExportedFlow> | null
  if (typeof flow !== 'object' || flow === null) return undefined
  const numbers = [flow.protocol, flow.port, flow.reason, flow.tcpFlags, flow.packets, flow.bytes, flow.seq]
  const isWhole =
    [...numbers, flow.firstMs, flow.lastMs].every(number => Number.isSafeInteger(number)) &&
    [flow.source, flow.destination].every(text => typeof text === 'string' && parseAddress(text) !== undefined) &&
    flowVerdicts.some(verdict => verdict === flow.verdict) &&
    (flow.direction === 'egress' || flow.direction === 'ingress') &&
    typeof flow.isReply === 'boolean'
  return isWhole ? (flow as ExportedFlow) : undefined
}

/** Flows as the store takes them. */
export function columnsOf(flows: readonly ExportedFlow[]): FlowColumns {
  const columns = makeFlowColumns(flows.length)
  const rising = [...flows].sort((a, b) => a.seq - b.seq || a.firstMs - b.firstMs)
  for (const [row, flow] of rising.entries()) {
    const [source, destination] = [parseAddress(flow.source)!, parseAddress(flow.destination)!]
    columns.addresses.set(source.bytes, row * addressesStride)
    columns.addresses.set(destination.bytes, row * addressesStride + 16)
    columns.family[row] = source.family
    columns.protocol[row] = flow.protocol
    columns.port[row] = flow.port
    columns.verdict[row] = flowVerdicts.indexOf(flow.verdict)
    columns.reason[row] = flow.reason
    columns.marks[row] = (flow.direction === 'ingress' ? flowMarks.ingress : 0) | (flow.isReply ? flowMarks.reply : 0)
    columns.tcpFlags[row] = flow.tcpFlags
    columns.packets[row] = flow.packets
    columns.bytes[row] = flow.bytes
    columns.firstMs[row] = flow.firstMs
    columns.lastMs[row] = flow.lastMs
    columns.seq[row] = flow.seq
  }
  columns.count = flows.length
  return columns
}
