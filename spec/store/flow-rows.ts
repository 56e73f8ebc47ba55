import { parseAddress } from '@weir/core/address/address.js'
import { addressesStride, flowMarks, flowVerdicts, makeFlowColumns } from '@weir/store/flows/columns.js'
import type { FlowColumns } from '@weir/store'
import fc from 'fast-check'

/** A flow as a test writes it. */
export interface WrittenFlow {
  readonly source: string
  readonly destination: string
  readonly sourceIdentity: number
  readonly destinationIdentity: number
  readonly protocol: number
  readonly port: number
  readonly verdict: (typeof flowVerdicts)[number]
  readonly reason: number
  readonly direction: 'egress' | 'ingress'
  readonly isReply: boolean
  readonly tcpFlags: number
  readonly packets: number
  readonly bytes: number
  readonly firstMs: number
  readonly lastMs: number
  readonly seq: number
}

const families = [
  ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.0.2.77', '255.255.255.255', '0.0.0.0'],
  ['fd00::1', 'fd00::2', '2001:db8::ffff', '::'],
] as const

/** Flows whose ends and sorts come again, as they do; times and sequences are set by `inTime`. */
export const anyFlow: fc.Arbitrary<WrittenFlow> = fc.constantFrom(...families).chain(addresses =>
  fc.record({
    source: fc.constantFrom(...addresses),
    destination: fc.constantFrom(...addresses),
    sourceIdentity: fc.constantFrom(0, 2, 300, 2 ** 24 + 5, 2 ** 32 - 1),
    destinationIdentity: fc.constantFrom(0, 301, 302),
    protocol: fc.constantFrom(6, 17, 1),
    port: fc.constantFrom(0, 80, 443, 65_535),
    verdict: fc.constantFrom(...flowVerdicts),
    reason: fc.constantFrom(0, 133, 181, 255),
    direction: fc.constantFrom('egress', 'ingress'),
    isReply: fc.boolean(),
    tcpFlags: fc.constantFrom(0, 2, 18, 255),
    packets: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2 ** 40 })),
    bytes: fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 2 ** 50 })),
    firstMs: fc.constant(0),
    lastMs: fc.integer({ min: 0, max: 9999 }),
    seq: fc.constant(0),
  }),
)

/** The flows with times from `startMs` on and sequences from `seq` on, which rise now and then. */
export function inTime(flows: readonly WrittenFlow[], startMs: number, seq: number): WrittenFlow[] {
  return flows.map((flow, at) => {
    const firstMs = startMs + ((at * 7919) % 10_000)
    return { ...flow, firstMs, lastMs: firstMs + flow.lastMs, seq: seq + Math.floor(at / 3) }
  })
}

export function columnsOf(flows: readonly WrittenFlow[]): FlowColumns {
  const columns = makeFlowColumns(flows.length)
  for (const [row, flow] of flows.entries()) {
    const [source, destination] = [parseAddress(flow.source)!, parseAddress(flow.destination)!]
    columns.addresses.set(source.bytes, row * addressesStride)
    columns.addresses.set(destination.bytes, row * addressesStride + 16)
    columns.family[row] = source.family
    columns.verdict[row] = flowVerdicts.indexOf(flow.verdict)
    columns.marks[row] = (flow.direction === 'ingress' ? flowMarks.ingress : 0) | (flow.isReply ? flowMarks.reply : 0)
    for (const name of ['sourceIdentity', 'destinationIdentity', 'protocol', 'port', 'reason', 'tcpFlags'] as const)
      columns[name][row] = flow[name]
    for (const name of ['packets', 'bytes', 'firstMs', 'lastMs', 'seq'] as const) columns[name][row] = flow[name]
  }
  columns.count = flows.length
  return columns
}
