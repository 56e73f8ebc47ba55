import { hashBytes, sha256 } from './hash.js'

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
 * A record is one byte of schema version and a msgpack body. Its mark is the first 8 bytes of its SHA-256, the last 6 of
 * them xored with its sequence number: the hash says that a group was changed, the marks say which events of it.
 * Numbers are big-endian.
 */
const layout = 1
const prevAt = hashBytes
const layoutAt = 64
const firstAt = 65
const countAt = 71
const tableAt = 75
const rowBytes = 12

export interface Group {
  readonly first: number
  readonly last: number
  /** Chain hash, hex. */
  readonly hash: string
  /** Chain hash of the group before, hex. */
  readonly previous: string
  /** Record of the i-th event: `records(i)`; shares memory with the value. */
  readonly value: Buffer
  /** Offsets of the records, and one more for the end. */
  readonly offsets: Uint32Array
}

/** Bytes that a record adds to a group besides itself. */
export const recordOverheadBytes = rowBytes

/** Makes the value of a group, and its hash (hex). */
export function encodeGroup(
  first: number,
  previous: string,
  records: readonly Buffer[],
): { value: Buffer; hash: string } {
  let size = tableAt + rowBytes * records.length
  for (const record of records) size += record.length
  const value = Buffer.allocUnsafe(size)
  value.write(previous, prevAt, 'hex')
  value[layoutAt] = layout
  value.writeUIntBE(first, firstAt, 6)
  value.writeUInt32BE(records.length, countAt)
  let row = tableAt
  let offset = tableAt + rowBytes * records.length
  let seq = first
  for (const record of records) {
    value.writeUInt32BE(record.length, row)
    writeMark(value, row + 4, record, seq)
    value.set(record, offset)
    offset += record.length
    row += rowBytes
    seq++
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
  const mark = Buffer.allocUnsafe(8)
  writeMark(mark, 0, recordOf(group, index), group.first + index)
  const at = tableAt + rowBytes * index + 4
  return mark.equals(group.value.subarray(at, at + 8))
}

function writeMark(target: Buffer, at: number, record: Uint8Array, seq: number): void {
  target.write(sha256(record), at, 8, 'binary')
  target[at + 2]! ^= Math.floor(seq / 2 ** 40) & 255
  target[at + 3]! ^= Math.floor(seq / 2 ** 32) & 255
  target[at + 4]! ^= (seq >>> 24) & 255
  target[at + 5]! ^= (seq >>> 16) & 255
  target[at + 6]! ^= (seq >>> 8) & 255
  target[at + 7]! ^= seq & 255
}
