import { prefixText } from '@weir/core/address/address.js'
import { flowMarks, flowVerdicts, type FlowVerdictName } from './columns.js'

/** One end of flows: equal ends of a block are one object. */
export interface FlowEnd {
  readonly family: 4 | 6
  /** 16 bytes, an IPv4 address in the first 4. */
  readonly bytes: Uint8Array
  /** Canonical text. */
  readonly address: string
  /** What the datapath took it for; 0 when it hadn't looked. */
  readonly identity: number
}

/** What flows have in common but their ends: equal ones of a block are one object. */
export interface FlowSort {
  readonly protocol: number
  /** Of the end that the flow was opened to; `type << 8 | code` of ICMP. */
  readonly port: number
  readonly verdict: FlowVerdictName
  /** Number of the datapath's reason; 0 when allowed. */
  readonly reason: number
  /** Whose policy decided: the sender's egress or the receiver's ingress. */
  readonly direction: 'egress' | 'ingress'
  /** The packets go against the direction in which the flow was opened. */
  readonly isReply: boolean
  /** All flags that any of the packets had. */
  readonly tcpFlags: number
}

/** Packets of one kind between two ends, within one window of time. */
export interface FlowRow extends FlowSort {
  readonly source: FlowEnd
  readonly destination: FlowEnd
  /** Of the packets that the datapath told of: the first of each flow, and each that was stopped. */
  readonly packets: number
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  /** The last event of the log when the first packet was read. */
  readonly seq: number
}

/** Flows as they lie in a block: by column, ends and sorts by index. Sequences never fall from one row to the next. */
export interface FlowBlock {
  readonly count: number
  readonly ends: readonly FlowEnd[]
  readonly sorts: readonly FlowSort[]
  /** Indices into `ends`, and into `sorts`. */
  readonly source: Uint32Array
  readonly destination: Uint32Array
  readonly sort: Uint32Array
  readonly packets: Float64Array
  readonly bytes: Float64Array
  readonly firstMs: Float64Array
  readonly lastMs: Float64Array
  readonly seq: Float64Array
}

/** Row `at` of a block as an object. */
export function flowRow(block: FlowBlock, at: number): FlowRow {
  return {
    ...block.sorts[block.sort[at]!]!,
    source: block.ends[block.source[at]!]!,
    destination: block.ends[block.destination[at]!]!,
    packets: block.packets[at]!,
    bytes: block.bytes[at]!,
    firstMs: block.firstMs[at]!,
    lastMs: block.lastMs[at]!,
    seq: block.seq[at]!,
  }
}

export function flowEnd(family: 4 | 6, bytes: Uint8Array, identity: number): FlowEnd {
  const length = family === 4 ? 4 : 16
  const text = prefixText({ family, bytes: bytes.subarray(0, length), length: length * 8 })
  return { family, bytes, identity, address: text.slice(0, text.lastIndexOf('/')) }
}

/** @param words Protocol, port, verdict, reason, marks, flags. */
export function flowSort(words: readonly [number, number, number, number, number, number]): FlowSort {
  const [protocol, port, verdict, reason, marks, tcpFlags] = words
  const name = flowVerdicts[verdict]
  if (name === undefined) throw new RangeError(`there is no verdict ${verdict}`)
  return {
    protocol,
    port,
    verdict: name,
    reason,
    direction: (marks & flowMarks.ingress) !== 0 ? 'ingress' : 'egress',
    isReply: (marks & flowMarks.reply) !== 0,
    tcpFlags,
  }
}
