import { endianness } from 'node:os'
import { layout } from '../layout.generated.js'

/**
 * Where entries of pairs lie, as bpf/include/weir/pair_sets.h and pair_marks.h have it, for those who write them from user space: a map's new
 * sets are filled with an earlier run's entries, and tests put what programs are to find.
 */
const little = endianness() === 'LE'
const mask = (1n << 64n) - 1n
const stepBits = 30n
const momentMask = 0x7fffn
const kinds = layout.types.weir_nat_kind.values
const atDevice: readonly number[] = [kinds.WEIR_NAT_MASQUERADE, kinds.WEIR_NAT_EGRESS_GATEWAY]

/** One direction of a flow: addresses as they are in packets, ports in host order. */
export interface PairTuple {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
}

/** An entry: for packets of `key`, which become `made`, and, where it is whole, for those against that. */
export interface PairEntry {
  readonly key: PairTuple
  readonly made: PairTuple
  readonly protocol: number
  readonly kind: number
  readonly isReply: boolean
  readonly isWhole: boolean
  /** ns of the monotonic clock. */
  readonly expires: bigint
}

export const reversedTuple = ({ source, destination, sourcePort, destinationPort }: PairTuple): PairTuple => ({
  ...{ source: destination, destination: source },
  ...{ sourcePort: destinationPort, destinationPort: sourcePort },
})

const same = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, place) => byte === b[place])

export const sameSender = (a: PairTuple, b: PairTuple): boolean =>
  a.sourcePort === b.sourcePort && same(a.source, b.source)

/** Has a pair one entry for both directions? As weir_nat_is_whole. */
export const isWhole = (before: PairTuple, after: PairTuple, kind: number): boolean =>
  sameSender(before, after) && !atDevice.includes(kind)

function sideHash(address: Uint8Array, port: number, protocol: number, seed: bigint): bigint {
  const bytes = new Uint8Array(16)
  bytes.set(address)
  const words = new DataView(bytes.buffer)
  const raw = new Uint8Array([port >> 8, port & 0xff])
  const memoryPort = BigInt(new DataView(raw.buffer).getUint16(0, little))
  let hash = words.getBigUint64(0, little) ^ seed
  hash = ((hash ^ (hash >> 32n)) * 0xbf58476d1ce4e5b9n) & mask
  hash ^= words.getBigUint64(8, little)
  hash = ((hash ^ (hash >> 29n)) * 0x94d049bb133111ebn) & mask
  hash ^= (memoryPort << 8n) | BigInt(protocol)
  hash = ((hash ^ (hash >> 32n)) * 0xbf58476d1ce4e5b9n) & mask
  return hash ^ (hash >> 29n)
}

/** By which hash an entry is found. */
export function pairHash({ key, made, protocol, kind, isReply }: PairEntry, seed: bigint): bigint {
  const source = (): bigint => sideHash(key.source, key.sourcePort, protocol, seed)
  const destination = (): bigint => sideHash(key.destination, key.destinationPort, protocol, seed)
  const isByBoth =
    atDevice.includes(kind) ||
    (isReply && kind === kinds.WEIR_NAT_NODE_PORT && !same(key.destination, made.destination))
  if (!isByBoth) return isReply ? destination() : source()
  const from = source()
  const hash = ((from ^ (from >> 31n)) * 0x94d049bb133111ebn + destination()) & mask
  return hash ^ (hash >> 32n)
}

export const pairSet = (hash: bigint, sets: number): number => Number(((hash & 0xffffffffn) * BigInt(sets)) >> 32n)

/** What a set says of an entry: a byte of its hash, which is never 0, and when it expires, in steps of 2^30 ns. */
export interface PairMark {
  readonly tag: bigint
  readonly moment: bigint
}

export const pairMark = (hash: bigint, expires: bigint): PairMark => ({
  tag: hash >> 56n || 1n,
  moment: momentOf(expires),
})

export const momentOf = (expires: bigint): bigint => (expires >> stepBits) & momentMask

const tagBits = 8
const momentBits = 16

/** The numbers of struct weir_pair_marks: two of tags, then four of moments. */
type Marks = BigUint64Array | bigint[]
const tagNumbers = 2

const lane = (bits: number, place: number): { readonly number: number; readonly shift: bigint } => ({
  number: Math.floor((place * bits) / 64),
  shift: BigInt((place * bits) % 64),
})

const read = (marks: Marks, first: number, bits: number, place: number): bigint => {
  const { number, shift } = lane(bits, place)
  return (marks[first + number]! >> shift) & ((1n << BigInt(bits)) - 1n)
}

const write = (marks: Marks, first: number, bits: number, place: number, value: bigint): void => {
  const { number, shift } = lane(bits, place)
  const all = ((1n << BigInt(bits)) - 1n) << shift
  marks[first + number] = (marks[first + number]! & (mask ^ all)) | (value << shift)
}

/** What is said of the entry at a place of a set. */
export const markAt = (marks: Marks, place: number): PairMark => ({
  tag: read(marks, 0, tagBits, place),
  moment: read(marks, tagNumbers, momentBits, place),
})

export function setMark(marks: Marks, place: number, { tag, moment }: PairMark): void {
  write(marks, 0, tagBits, place, tag)
  write(marks, tagNumbers, momentBits, place, moment)
}
