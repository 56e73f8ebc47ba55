import { sha256 } from '../log/hash.js'
import { makeAddressFilter } from './address-filter.js'
import { type FlowBlock, type FlowEnd, flowEnd, type FlowSort, flowSort } from './block.js'
import { addressesStride, type FlowColumns } from './columns.js'
import { VarintReader, VarintWriter } from './varint.js'

/** Most rows of a block. Ranks of rows and ends have to fit into a sort key. */
export const blockRowsMost = 2048

const rowBits = 2048
const endBits = 4096

/** A block as bytes, not compressed yet, and the filter of its addresses. */
export interface EncodedBlock {
  readonly body: Uint8Array
  readonly filter: Uint8Array
}

/**
 * Encodes rows `from` to `to` (exclusive), and lets go after every millisecond or so: a window ends while packets come.
 * Rows are sorted by sequence, then ends, and written column by column, so that what follows each other differs little.
 */
export function* encodeBlock(columns: FlowColumns, from: number, to: number): Generator<undefined, EncodedBlock> {
  const count = to - from
  const { keys: ends, source, destination } = endsOf(columns, from, to)
  yield
  const order = orderOf(columns, from, source, destination, count)
  yield
  const sorts = new Map<string, number>()
  const sortOf = new Uint32Array(count)
  const sortWriter = new VarintWriter()
  const bases = { firstMs: columns.firstMs[from] ?? 0, seq: columns.seq[from] ?? 0 }
  for (const at of order) {
    const row = from + at
    bases.firstMs = Math.min(bases.firstMs, columns.firstMs[row]!)
    const words = [
      ...[columns.protocol[row]!, columns.port[row]!, columns.verdict[row]!],
      ...[columns.reason[row]!, columns.marks[row]!, columns.tcpFlags[row]!],
    ]
    const key = words.join()
    let number = sorts.get(key)
    if (number === undefined) {
      number = sorts.size
      sorts.set(key, number)
      for (const word of words) sortWriter.write(word)
    }
    sortOf[at] = number
  }
  const writer = new VarintWriter(64 * count)
  for (const value of [count, ends.length, sorts.size, bases.firstMs, bases.seq]) writer.write(value)
  writeEnds(writer, ends)
  writer.writeBytes(sortWriter.bytes())
  yield
  const column = (value: (at: number) => number): void => {
    for (const at of order) writer.writeSigned(value(at))
  }
  const delta = (value: (at: number) => number): void => {
    let before = 0
    column(at => {
      const now = value(at)
      const step = now - before
      before = now
      return step
    })
  }
  delta(at => columns.seq[from + at]! - bases.seq)
  delta(at => source[at]!)
  delta(at => destination[at]!)
  column(at => sortOf[at]!)
  column(at => columns.packets[from + at]!)
  yield
  // Packets of one sort have about one length.
  const usual = new Float64Array(sorts.size)
  column(at => {
    const packets = Math.max(1, columns.packets[from + at]!)
    const each = Math.floor(columns.bytes[from + at]! / packets)
    const step = each - usual[sortOf[at]!]!
    usual[sortOf[at]!] = each
    return step
  })
  column(at => columns.bytes[from + at]! % Math.max(1, columns.packets[from + at]!))
  yield
  column(at => columns.firstMs[from + at]! - bases.firstMs)
  column(at => columns.lastMs[from + at]! - columns.firstMs[from + at]!)
  yield
  return { body: writer.bytes(), filter: makeAddressFilter(ends.map(end => Buffer.from(end.slice(1, 17), 'latin1'))) }
}

/** Each end as text: family, 16 bytes, identity in 4; sorted, with the rank of each row's ends. */
function endsOf(columns: FlowColumns, from: number, to: number) {
  const { family, addresses, sourceIdentity, destinationIdentity } = columns
  const numbers = new Map<string, number>()
  const source = new Uint32Array(to - from)
  const destination = new Uint32Array(to - from)
  const key = Buffer.alloc(21)
  const numberOf = (row: number, offset: number, identity: number): number => {
    key[0] = family[row]!
    key.set(addresses.subarray(row * addressesStride + offset, row * addressesStride + offset + 16), 1)
    key.writeUInt32BE(identity, 17)
    const text = key.toString('latin1')
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, numbers.size)
    return numbers.size - 1
  }
  for (let row = from; row < to; row++) {
    source[row - from] = numberOf(row, 0, sourceIdentity[row]!)
    destination[row - from] = numberOf(row, 16, destinationIdentity[row]!)
  }
  const keys = [...numbers.keys()].sort()
  const rank = new Uint32Array(keys.length)
  for (const [at, text] of keys.entries()) rank[numbers.get(text)!] = at
  for (let at = 0; at < source.length; at++) {
    source[at] = rank[source[at]!]!
    destination[at] = rank[destination[at]!]!
  }
  return { keys, source, destination }
}

/** Rows by sequence, source, destination: as numbers, which sort ten times as fast as with a function. */
function orderOf(
  { seq }: FlowColumns,
  from: number,
  source: Uint32Array,
  destination: Uint32Array,
  count: number,
): Uint32Array {
  const order = new Float64Array(count)
  let rank = 0
  for (let at = 0; at < count; at++) {
    if (at > 0 && seq[from + at]! > seq[from + at - 1]!) rank++
    order[at] = ((rank * endBits + source[at]!) * endBits + destination[at]!) * rowBits + at
  }
  order.sort()
  return Uint32Array.from(order, key => key % rowBits)
}

function writeEnds(writer: VarintWriter, ends: readonly string[]): void {
  let before = ''
  let identity = 0
  for (const end of ends) {
    const length = end.charCodeAt(0) === 4 ? 5 : 17
    const head = end.slice(0, length)
    let shared = 0
    while (shared < length && head[shared] === before[shared]) shared++
    writer.write(shared)
    writer.writeBytes(Buffer.from(head.slice(shared), 'latin1'))
    const number = Buffer.from(end.slice(17), 'latin1').readUInt32BE()
    writer.writeSigned(number - identity)
    ;[before, identity] = [head, number]
  }
}

/** @throws RangeError when the bytes aren't what `encodeBlock` makes. */
export function decodeBlock(body: Uint8Array): FlowBlock {
  const reader = new VarintReader(body)
  const [count, endCount, sortCount] = [reader.read(), reader.read(), reader.read()]
  const [baseMs, baseSeq] = [reader.read(), reader.read()]
  if (count > blockRowsMost) throw new RangeError(`${count} rows in a block`)
  const ends = readEnds(reader, endCount)
  const sorts: FlowSort[] = []
  for (let at = 0; at < sortCount; at++) {
    const word = (): number => reader.read()
    sorts.push(flowSort([word(), word(), word(), word(), word(), word()]))
  }
  const block = {
    ...{ count, ends, sorts },
    source: new Uint32Array(count),
    destination: new Uint32Array(count),
    sort: new Uint32Array(count),
    packets: new Float64Array(count),
    bytes: new Float64Array(count),
    firstMs: new Float64Array(count),
    lastMs: new Float64Array(count),
    seq: new Float64Array(count),
  }
  const fill = (column: { [at: number]: number }, value: (read: number, at: number) => number): void => {
    for (let at = 0; at < count; at++) column[at] = value(reader.readSigned(), at)
  }
  const summed = (start: number): ((read: number) => number) => {
    let sum = start
    return read => {
      sum += read
      return sum
    }
  }
  fill(block.seq, summed(baseSeq))
  fill(block.source, summed(0))
  fill(block.destination, summed(0))
  fill(block.sort, read => read)
  fill(block.packets, read => read)
  const usual = new Float64Array(sortCount)
  fill(block.bytes, (read, at) => {
    const each = usual[block.sort[at]!]! + read
    usual[block.sort[at]!] = each
    return each * Math.max(1, block.packets[at]!)
  })
  fill(block.bytes, (read, at) => block.bytes[at]! + read)
  fill(block.firstMs, read => baseMs + read)
  fill(block.lastMs, (read, at) => block.firstMs[at]! + read)
  if (!reader.isAtEnd) throw new RangeError('bytes after the last row')
  return block
}

function readEnds(reader: VarintReader, count: number): FlowEnd[] {
  const ends: FlowEnd[] = []
  let before = new Uint8Array(17)
  let identity = 0
  for (let at = 0; at < count; at++) {
    const shared = reader.read()
    const head = new Uint8Array(17)
    head.set(before.subarray(0, shared))
    if (shared === 0) head.set(reader.readBytes(1))
    const family = head[0]
    if (family !== 4 && family !== 6) throw new RangeError(`there is no family ${family}`)
    const known = Math.max(1, shared)
    head.set(reader.readBytes((family === 4 ? 5 : 17) - known), known)
    identity += reader.readSigned()
    ends.push(flowEnd(family, head.subarray(1), identity))
    before = head
  }
  return ends
}

const checkBytes = 8
const headBytes = checkBytes + 2

/** A block as stored: 8 bytes of the SHA-256 of what follows, length of the filter in 2, the filter, the body deflated. */
export function sealBlock(filter: Uint8Array, deflated: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(headBytes + filter.length + deflated.length)
  sealed.writeUInt16BE(filter.length, checkBytes)
  sealed.set(filter, headBytes)
  sealed.set(deflated, headBytes + filter.length)
  sealed.write(sha256(sealed.subarray(checkBytes)).slice(0, checkBytes), 0, 'latin1')
  return sealed
}

/** The parts of a stored block; undefined when it isn't what was written. */
export function openBlock(sealed: Buffer): { readonly filter: Uint8Array; readonly deflated: Uint8Array } | undefined {
  if (sealed.length < headBytes) return undefined
  if (sha256(sealed.subarray(checkBytes)).slice(0, checkBytes) !== sealed.toString('latin1', 0, checkBytes))
    return undefined
  const end = headBytes + sealed.readUInt16BE(checkBytes)
  return { filter: sealed.subarray(headBytes, end), deflated: sealed.subarray(end) }
}
