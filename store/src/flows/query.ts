import { parseAddress } from '@weir/core/address/address.js'
import { mayHave } from './address-filter.js'
import type { FlowBlock } from './block.js'
import type { FlowVerdictName } from './columns.js'

/** Which flows: those that every given field agrees with. What only names and labels tell is asked of the log. */
export interface FlowQuery {
  /** Flows with a packet at or after that time; milliseconds since the epoch. */
  readonly sinceMs?: number
  /** Flows with a packet at or before that time. */
  readonly untilMs?: number
  /** Canonical texts: one of the ends is one of them. */
  readonly addresses?: readonly string[]
  /** Of the end that the flow was opened to. */
  readonly ports?: readonly number[]
  readonly verdicts?: readonly FlowVerdictName[]
  /** Numbers of the datapath's reasons. */
  readonly reasons?: readonly number[]
  /** IANA numbers. */
  readonly protocols?: readonly number[]
}

/** Whether a block can have an end that is asked for, by the filter of its addresses. */
export function addressTest({ addresses }: FlowQuery): (filter: Uint8Array) => boolean {
  if (addresses === undefined) return () => true
  const wanted = addresses.flatMap(text => {
    const prefix = parseAddress(text)
    if (prefix === undefined) return []
    const bytes = new Uint8Array(16)
    bytes.set(prefix.bytes)
    return [bytes]
  })
  return filter => wanted.some(bytes => mayHave(filter, bytes))
}

/** Numbers of the block's rows that the query asks for, in order. */
export function selectRows(block: FlowBlock, query: FlowQuery): Uint32Array {
  const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = query
  const ends = among(block.ends, query.addresses, end => end.address)
  const sorts = block.sorts.map(
    sort =>
      (query.ports?.includes(sort.port) ?? true) &&
      (query.verdicts?.includes(sort.verdict) ?? true) &&
      (query.reasons?.includes(sort.reason) ?? true) &&
      (query.protocols?.includes(sort.protocol) ?? true),
  )
  const rows = new Uint32Array(block.count)
  let found = 0
  for (let at = 0; at < block.count; at++) {
    if (!sorts[block.sort[at]!] || block.lastMs[at]! < sinceMs || block.firstMs[at]! > untilMs) continue
    if (ends[block.source[at]!] || ends[block.destination[at]!]) rows[found++] = at
  }
  return rows.subarray(0, found)
}

function among<Item>(
  items: readonly Item[],
  wanted: readonly string[] | undefined,
  text: (item: Item) => string,
): boolean[] {
  if (wanted === undefined) return items.map(() => true)
  const set = new Set(wanted)
  return items.map(item => set.has(text(item)))
}
