import { hashBytes, sha256 } from './hash.js'
import { markOf } from './mark.js'

/**
 * A group is what one commit writes: the records of some events in a row, as one value.
 *
 *     offset  size  what
 *          0    32  hash: SHA-256 of everything after it
 *         32    32  hash of the group before (zeros for the first): the chain
 *         64     1  layout, now 1
 *         65     6  sequence number of the first event
 *         71     4  count of events
 *         75    12  per event: length of its record (4), its mark (8)
 *          …        the records, one after the other
 *
 * A record is one byte of schema version and a msgpack body. The hash says that a group isn't what was written, the marks
 * say which events of it. Numbers are big-endian.
 */
const layout = 1
const prevAt = hashBytes
const layoutAt = 64
const firstAt = 65
const countAt = 71
const tableAt = 75
const rowBytes = 12

/** Where a group stands in the chain. */
export interface ChainPlace {
  readonly first: number
  readonly last: number
  /** Chain hash, hex. */
  readonly hash: string
  /** Chain hash of the group before, hex. */
  readonly previous: string
}

/** How much a group takes. */
export interface GroupSize {
  readonly last: number
  /** Of its last event, milliseconds since the epoch. */
  readonly time: number
  readonly sizeBytes: number
}

export interface Group extends ChainPlace {
  readonly value: Buffer
  /** Offsets of the records, and one more for the end. */
  readonly offsets: Uint32Array
}

/** Bytes that a record adds to a group besides itself. */
export const recordOverheadBytes = rowBytes

/** Makes the value of a group, and its hash (hex), from the lengths of the records and the bytes of all of them. */
export function encodeGroup(
  first: number,
  previous: string,
  lengths: readonly number[],
  parts: readonly Buffer[],
): { value: Buffer; hash: string } {
  const recordsAt = tableAt + rowBytes * lengths.length
  let size = recordsAt
  for (const part of parts) size += part.length
  const value = Buffer.allocUnsafe(size)
  value.write(previous, prevAt, 'hex')
  value[layoutAt] = layout
  value.writeUIntBE(first, firstAt, 6)
  value.writeUInt32BE(lengths.length, countAt)
  let at = recordsAt
  for (const part of parts) {
    value.set(part, at)
    at += part.length
  }
  const view = viewOf(value)
  let row = tableAt
  let start = recordsAt
  let seq = first
  for (const length of lengths) {
    const end = start + length
    const { low, high } = markOf(view, start, end, seq++)
    view.setUint32(row, length)
    view.setUint32(row + 4, high)
    view.setUint32(row + 8, low)
    start = end
    row += rowBytes
  }
  value.write(sha256(value.subarray(hashBytes)), 0, 'binary')
  return { value, hash: value.toString('hex', 0, hashBytes) }
}

/** Reads the frame of a group; undefined when the lengths don't add up. Checks no hash. */
export function decodeGroup(value: Buffer): Group | undefined {
  if (value.length < tableAt || value[layoutAt] !== layout) return undefined
  const first = value.readUIntBE(firstAt, 6)
  const count = value.readUInt32BE(countAt)
  if (count === 0 || tableAt + rowBytes * count > value.length) return undefined
  const offsets = new Uint32Array(count + 1)
  let offset = tableAt + rowBytes * count
  for (let i = 0; i < count; i++) {
    offsets[i] = offset
    offset += value.readUInt32BE(tableAt + rowBytes * i)
  }
  if (offset !== value.length) return undefined
  offsets[count] = offset
  return {
    first,
    last: first + count - 1,
    hash: value.toString('hex', 0, hashBytes),
    previous: value.toString('hex', prevAt, prevAt + hashBytes),
    value,
    offsets,
  }
}

export function recordOf(group: Group, index: number): Buffer {
  return group.value.subarray(group.offsets[index], group.offsets[index + 1])
}

/** The group says of itself what it holds; one hash over its bytes. */
export function groupIntact(value: Buffer): boolean {
  return value.toString('latin1', 0, hashBytes) === sha256(value.subarray(hashBytes))
}

/** Whether the i-th record is the one that was written under its sequence number. */
export function recordIntact(group: Group, index: number): boolean {
  const view = viewOf(group.value)
  const row = tableAt + rowBytes * index
  const { low, high } = markOf(view, group.offsets[index]!, group.offsets[index + 1]!, group.first + index)
  return view.getUint32(row + 4) === high && view.getUint32(row + 8) === low
}

const viewOf = (value: Buffer): DataView => new DataView(value.buffer, value.byteOffset, value.length)
