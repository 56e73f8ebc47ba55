import { FlowAggregator } from '@weir/adapters/flows/aggregator.js'
import { recordsOf, decodeFlowEvent } from '@weir/datapath/flow/event.js'
import type { EventBatch } from '@weir/datapath/backend.js'
import { denials } from '@weir/datapath/flow/reasons.js'
import { type FlowColumns, flowRow } from '@weir/store'
import { decodeBlock, encodeBlock } from '@weir/store/flows/encode.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { anyPacket, batchOf, packet } from './records.js'

type Summary = Readonly<Record<string, string | number | boolean>>

function bodyOf(columns: FlowColumns): Uint8Array {
  const steps = encodeBlock(columns, 0, columns.count)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value.body
  }
}

/** What the aggregator holds, as objects. */
function rowsOf(aggregator: FlowAggregator): Summary[] {
  const { columns } = aggregator
  if (columns.count === 0) return []
  const block = decodeBlock(bodyOf(columns))
  return Array.from({ length: block.count }, (_, at) => {
    const { source, destination, ...rest } = flowRow(block, at)
    return {
      ...rest,
      ends: `${source.address} ${source.identity} ${destination.address} ${destination.identity}`,
    }
  })
}

/** The same by a walk over decoded records. */
function summed(batches: readonly { readonly batch: EventBatch; readonly seq: number; readonly nowMs: number }[]) {
  const rows = new Map<string, Summary & { packets: number; bytes: number; lastMs: number; tcpFlags: number }>()
  for (const { batch, seq, nowMs } of batches)
    for (const record of recordsOf(batch)) {
      const event = decodeFlowEvent(record)
      const isDrop = event.kind === 'drop'
      const kind = {
        ends: `${event.source.address} ${event.source.identity} ${event.destination.address} ${event.destination.identity}`,
        protocol: event.protocol,
        port:
          event.protocol === 1 || event.protocol === 58
            ? ((event.icmp?.type ?? 0) << 8) | (event.icmp?.code ?? 0)
            : event.isReply
              ? event.source.port
              : event.destination.port,
        verdict: isDrop ? (denials.has(event.reason) ? 'denied' : 'dropped') : 'allowed',
        reason: isDrop ? event.reason : 0,
        direction: event.direction,
        isReply: event.isReply,
      }
      const key = JSON.stringify(kind)
      const row = rows.get(key) ?? { ...kind, packets: 0, bytes: 0, tcpFlags: 0, firstMs: nowMs, lastMs: nowMs, seq }
      row.packets++
      row.bytes += event.lengthBytes
      row.tcpFlags |= event.tcpFlags
      row.lastMs = Math.max(row.lastMs, nowMs)
      rows.set(key, row)
    }
  return [...rows.values()]
}

const text = (rows: readonly Summary[]): string[] =>
  rows.map(row => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort()

describe('summing packets up into flows', () => {
  it('comes to what a walk over decoded records comes to', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyPacket, { maxLength: 40 }), { maxLength: 4 }), drawn => {
        const aggregator = new FlowAggregator(256)
        const batches = drawn.map((packets, at) => ({ batch: batchOf(packets), seq: 5 + at, nowMs: 1000 - 7 * at }))
        for (const { batch, seq, nowMs } of batches)
          expect(aggregator.add(batch.data, 0, batch.count, seq, nowMs)).to.equal(batch.count)
        expect(text(rowsOf(aggregator))).to.deep.equal(text(summed(batches)))
      }),
      { numRuns: 300 },
    )
  })

  it('takes part of a batch, and says where it found no row free', () => {
    const aggregator = new FlowAggregator(4)
    const { data, count } = batchOf(
      Array.from({ length: 8 }, (_, at) => packet({ destinationPort: 1 + (at < 6 ? at % 3 : at) })),
    )
    expect(aggregator.add(data, 0, 3, 1, 10)).to.equal(3)
    expect(aggregator.add(data, 3, count, 1, 10)).to.equal(7)
    expect(aggregator.columns.count).to.equal(4)
    aggregator.clear()
    expect(aggregator.add(data, 7, count, 1, 10)).to.equal(count)
    expect(rowsOf(aggregator)).to.have.length(1)
  })

  it('leaves out what is not IP', () => {
    const aggregator = new FlowAggregator(4)
    const { data, count } = batchOf([packet(), packet()])
    data[12] = 0
    expect(aggregator.add(data, 0, count, 1, 10)).to.equal(count)
    expect(rowsOf(aggregator).map(({ packets }) => packets)).to.deep.equal([1])
  })
})
