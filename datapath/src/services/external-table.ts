import { socketText } from '@weir/core/service/backend-text.js'
import { type MaglevMember, maglevTable } from '@weir/core/service/maglev.js'
import { type Protocol, protocolNumbers } from '@weir/core/policy/rule.js'
import type { SelectionRow } from '@weir/core/tables/service-rows.js'
import type { ServiceTables } from '@weir/core/tables/tables.js'
import { bitsOf } from '../plan/prefix-table.js'
import { type TableOptions, tableSizeFor } from './table-builds.js'

/** Backends of a selection as every node names and weighs them, in its order. */
export const maglevMembers = (
  { backends: numbers, weights }: SelectionRow,
  backends: ServiceTables['backends'],
): readonly MaglevMember[] =>
  numbers.map((number, at) => {
    const { address, port, protocol } = backends.get(number)!
    return { key: socketText(address, port, protocol), weight: weights?.[at] ?? 1 }
  })

/**
 * The whole table that clients outside go by: for each slot the index of a backend in the selection. A selection of one
 * has one slot. Undefined where there are no backends, or more than a table can have.
 */
export function externalTable(
  row: SelectionRow,
  backends: ServiceTables['backends'],
  { size: configured, seed }: TableOptions,
): Uint32Array | undefined {
  const members = maglevMembers(row, backends)
  if (members.length <= 1) return members.length === 0 ? undefined : new Uint32Array(1)
  const size = tableSizeFor(members.length, configured)
  return size === undefined ? undefined : maglevTable(members, { size, seed })
}

/** A packet's ends: addresses of one family as text, ports. */
export interface PacketEnds {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly protocol: Protocol
}

const word = (1n << 64n) - 1n
const mixWide = (hash: bigint): bigint => ((hash ^ (hash >> 32n)) * 0xbf58476d1ce4e5b9n) & word
const mixNarrow = (hash: bigint): bigint => ((hash ^ (hash >> 29n)) * 0x94d049bb133111ebn) & word

/**
 * The hash by which packets of clients outside choose a slot, modulo the table's size: `weir_tuple_hash` of
 * `bpf/include/weir/nat.h` on machines whose lowest byte comes first.
 */
export function tupleHash({ source, sourcePort, destination, destinationPort, protocol }: PacketEnds): number {
  const [from, to] = [halvesOf(source), halvesOf(destination)]
  let hash = mixNarrow(mixWide(from[0]) ^ to[0])
  if (source.includes(':')) hash = mixNarrow(mixWide(hash ^ from[1]) ^ to[1])
  const ports = (BigInt(swapped(sourcePort)) << 32n) | (BigInt(swapped(destinationPort)) << 16n)
  hash = mixNarrow(mixWide(hash ^ ports ^ BigInt(protocolNumbers[protocol])))
  return Number(hash >> 32n)
}

const swapped = (port: number): number => ((port & 0xff) << 8) | (port >> 8)

function halvesOf(address: string): readonly [bigint, bigint] {
  const bytes = new Uint8Array(16)
  bytes.set(bitsOf(address).bytes)
  const view = new DataView(bytes.buffer)
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)]
}
