import { endianness } from 'node:os'
import { layout } from '../layout.generated.js'

/**
 * Where entries of pairs lie, as bpf/include/weir/pair_sets.h has it, for those who write them from user space: a map's new
 * sets are filled with an earlier run's entries, and tests put what programs are to find.
 */
const little = endianness() === 'LE'
const mask = (1n << 64n) - 1n
const stepBits = 30n
const momentMask = 0xfffffn
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

/** What tells the entry within its set, and when it expires. */
export function pairWord(hash: bigint, expires: bigint): number {
  const tag = hash >> 52n || 1n
  return Number((tag << 20n) | ((expires >> stepBits) & momentMask))
}
