import { randomBytes } from 'node:crypto'
import type { BpfMap, BpfObject } from 'ebpf-napi'
import { layout } from '../layout.generated.js'
import {
  isWhole,
  type PairEntry,
  pairHash,
  pairMark,
  pairSet,
  type PairTuple,
  reversedTuple,
  setMark,
} from '../pairs/place.js'
import { setPlaces } from '../pairs/sizes.js'

type PairMap = 'weir_nat4' | 'weir_nat6'

const zero = new Uint8Array(4)
const isReplyBit = 0x10
const isWholeBit = 0x20
const kindBits = 0x0f

/** Makes the sets of flows this node's own, so that nobody outside can fill one; once, as what is pinned is found by it. */
export function seedPairs(object: BpfObject): void {
  const map = object.maps.get('weir_pair_seed')!
  if (map.lookup(zero)?.some(byte => byte !== 0) !== true) map.update(zero, randomBytes(8))
}

const seedOf = (object: BpfObject): bigint => {
  const bytes = Uint8Array.from(object.maps.get('weir_pair_seed')!.lookup(zero)!)
  return new BigUint64Array(bytes.buffer)[0]!
}

interface Field {
  readonly at: number
  readonly bytes: number
}

/** Where a struct's members lie, by path. */
function fieldsOf(type: object, into = new Map<string, Field>(), start = 0, path = ''): Map<string, Field> {
  const { size, members } = type as {
    size: number
    members?: readonly { name: string; offsetBits: number; type: object }[]
  }
  for (const member of members ?? []) {
    const at = start + member.offsetBits / 8
    const inner = member.type as { kind: string; size?: number; length?: number; element?: { size: number } }
    const bytes = inner.size ?? inner.length! * inner.element!.size
    into.set(path + member.name, { at, bytes })
    if (inner.kind === 'struct') fieldsOf(inner, into, at, `${path}${member.name}.`)
  }
  into.set(`${path}size`, { at: start, bytes: size })
  return into
}

const setTypes = { weir_nat4: layout.maps.weir_nat4.value, weir_nat6: layout.maps.weir_nat6.value } as const

/** How a set's bytes are divided. */
interface Shape {
  readonly setBytes: number
  readonly marksAt: number
  readonly marksBytes: number
  readonly entriesAt: number
  readonly entryBytes: number
  readonly addressBytes: number
  readonly field: (name: string) => Field
}

function readShape(map: PairMap): Shape {
  const type = setTypes[map]
  const member = (name: string) => type.members.find(each => each.name === name)!
  const place = (name: string): number => member(name).offsetBits / 8
  const entries = member('entry').type as unknown as { element: { size: number } }
  const fields = fieldsOf(entries.element)
  return {
    setBytes: type.size,
    marksAt: place('marks'),
    marksBytes: (member('marks').type as unknown as { size: number }).size,
    entriesAt: place('entry'),
    entryBytes: entries.element.size,
    addressBytes: map === 'weir_nat4' ? 4 : 16,
    field: name => fields.get(name)!,
  }
}

const shapes = { weir_nat4: readShape('weir_nat4'), weir_nat6: readShape('weir_nat6') } as const
const shapeOf = (map: PairMap): Shape => shapes[map]

/** An entry's bytes, and what says where they belong. */
interface Carried {
  readonly entry: PairEntry
  readonly bytes: Uint8Array
}

/** Values of the maps of one entry a direction that came before: struct weir_nat, then addresses. */
const halfSizes = { weir_nat4: { key: 16, value: 64 }, weir_nat6: { key: 40, value: 104 } } as const
const halfAt = {
  ...{ expires: 0, timeout: 8, seen: 10, kind: 12, isReply: 13, sourcePort: 14, destinationPort: 16 },
  ...{ hopMtu: 18, backend: 20, hopIfindex: 28, hopMacs: 32, hopUntil: 44, addresses: 48 },
} as const

const portAt = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!
const bigAt = (bytes: Uint8Array, at: number): bigint => new BigUint64Array(bytes.slice(at, at + 8).buffer)[0]!

function tupleAt(bytes: Uint8Array, addresses: number, addressBytes: number, ports: number): PairTuple {
  return {
    source: bytes.slice(addresses, addresses + addressBytes),
    destination: bytes.slice(addresses + addressBytes, addresses + 2 * addressBytes),
    sourcePort: portAt(bytes, ports),
    destinationPort: portAt(bytes, ports + 2),
  }
}

/** An entry of one direction, as one that may be for both: either half tells all of the pair. */
function fromHalf(map: PairMap, key: Uint8Array, value: Uint8Array): Carried {
  const { addressBytes, entryBytes, field } = shapeOf(map)
  const protocol = key[2 * addressBytes + 4]!
  const kind = value[halfAt.kind]!
  const wasReply = value[halfAt.isReply] !== 0
  let tuple = tupleAt(key, 0, addressBytes, 2 * addressBytes)
  let made = tupleAt(value, halfAt.addresses, addressBytes, halfAt.sourcePort)
  const [before, after] = wasReply ? [reversedTuple(made), reversedTuple(tuple)] : [tuple, made]
  const whole = isWhole(before, after, kind)
  if (whole) [tuple, made] = [before, after]
  const isReply = wasReply && !whole
  const bytes = new Uint8Array(entryBytes)
  const copy = (name: string, at: number, count = field(name).bytes): void => {
    bytes.set(value.subarray(at, at + count), field(name).at)
  }
  copy('is.expires', halfAt.expires)
  copy('is.timeout', halfAt.timeout)
  copy('is.seen', halfAt.seen)
  copy('is.backend', halfAt.backend)
  // Of what opens a flow; answers may leave by another device.
  if (!(whole && wasReply)) {
    copy('is.hop_mtu', halfAt.hopMtu)
    copy('is.hop_ifindex', halfAt.hopIfindex)
    copy('is.hop_macs', halfAt.hopMacs)
    copy('is.hop_until', halfAt.hopUntil)
  }
  bytes[field('is.what').at] = kind | (isReply ? isReplyBit : 0) | (whole ? isWholeBit : 0)
  bytes[field('is.protocol').at] = protocol
  const write = (prefix: '' | 'to_', { source, destination, sourcePort, destinationPort }: PairTuple): void => {
    bytes.set(source, field(`${prefix}source`).at)
    bytes.set(destination, field(`${prefix}destination`).at)
    bytes.set([sourcePort >> 8, sourcePort & 0xff], field(`${prefix}source_port`).at)
    bytes.set([destinationPort >> 8, destinationPort & 0xff], field(`${prefix}destination_port`).at)
  }
  write('', tuple)
  write('to_', made)
  const expires = bigAt(value, halfAt.expires)
  return { entry: { key: tuple, made, protocol, kind, isReply, isWhole: whole, expires }, bytes }
}

/** The entries of a set that are somebody's. */
function* entriesOf(map: PairMap, set: Uint8Array): Iterable<Carried> {
  const { entriesAt, entryBytes, addressBytes, field } = shapeOf(map)
  for (let place = 0; place < setPlaces; place += 1) {
    const bytes = set.slice(entriesAt + place * entryBytes, entriesAt + (place + 1) * entryBytes)
    const protocol = bytes[field('is.protocol').at]!
    if (protocol === 0) continue
    const what = bytes[field('is.what').at]!
    yield {
      entry: {
        key: tupleAt(bytes, field('source').at, addressBytes, field('source_port').at),
        made: tupleAt(bytes, field('to_source').at, addressBytes, field('to_source_port').at),
        ...{ protocol, kind: what & kindBits, expires: bigAt(bytes, field('is.expires').at) },
        ...{ isReply: (what & isReplyBit) !== 0, isWhole: (what & isWholeBit) !== 0 },
      },
      bytes,
    }
  }
}

const partEntries = 4096

/** Entries of a map of this geometry or of the one before; nothing where it is another. */
function* entriesIn(map: PairMap, source: BpfMap): Iterable<Carried> {
  const { keySize, valueBytes } = source.info
  for (const { keys, values, count } of source.lookupParts(partEntries))
    for (let index = 0; index < count; index += 1) {
      const value = values.slice(index * valueBytes, (index + 1) * valueBytes)
      if (source.info.type === 'array') yield* entriesOf(map, value)
      else yield fromHalf(map, keys.slice(index * keySize, (index + 1) * keySize), value)
    }
}

function isKnown(map: PairMap, { info }: BpfMap): boolean {
  if (info.type === 'array') return info.valueSize === layout.maps[map].valueSize
  const { key, value } = halfSizes[map]
  return info.type === 'lru_hash' && info.keySize === key && info.valueSize === value
}

/** New sets while they are being filled, each by its number. */
class Filling {
  readonly #shape
  readonly #sets = new Map<number, Uint8Array>()

  constructor(map: PairMap) {
    this.#shape = shapeOf(map)
  }

  /** Puts an entry where it belongs. False where the set has it already, or is full of those that expire later. */
  put({ entry, bytes }: Carried, hash: bigint, sets: number): boolean {
    const { setBytes, marksAt, marksBytes, entriesAt, entryBytes, field } = this.#shape
    const number = pairSet(hash, sets)
    const set = this.#sets.get(number) ?? new Uint8Array(setBytes)
    this.#sets.set(number, set)
    const hop = field('is.hop_until')
    const protocolAt = field('is.protocol').at
    const expiresAt = field('is.expires').at
    let [first, free] = [0, false]
    for (let place = 0; place < setPlaces && !free; place += 1) {
      const at = entriesAt + place * entryBytes
      // Entries are put one behind the other: none is behind a free place.
      free = set[at + protocolAt] === 0
      if (free) first = place
      else if (this.#isSame(set, at, bytes)) {
        // Of both halves that make a whole one, that of the direction which opened the flow knows the way.
        if (bytes.subarray(hop.at, hop.at + hop.bytes).some(byte => byte !== 0)) set.set(bytes, at)
        return false
      } else if (bigAt(set, at + expiresAt) < bigAt(set, entriesAt + first * entryBytes + expiresAt)) first = place
    }
    if (!free && bigAt(set, entriesAt + first * entryBytes + expiresAt) >= entry.expires) return false
    set.set(bytes, entriesAt + first * entryBytes)
    setMark(new BigUint64Array(set.buffer, marksAt, marksBytes / 8), first, pairMark(hash, entry.expires))
    return free
  }

  #isSame(set: Uint8Array, start: number, bytes: Uint8Array): boolean {
    const { field, addressBytes } = this.#shape
    const equal = (at: number, count: number): boolean => {
      for (let place = at; place < at + count; place += 1) if (set[start + place] !== bytes[place]) return false
      return true
    }
    return (
      equal(field('source_port').at, 4) &&
      equal(field('source').at, 2 * addressBytes) &&
      equal(field('is.protocol').at, 1)
    )
  }

  writeTo(target: BpfMap): void {
    for (const [number, set] of this.#sets) target.update(new Uint8Array(Uint32Array.of(number).buffer), set)
  }
}

/**
 * Fills a map's sets with what an earlier run's map holds: sets of another number, or the entries of one direction each that
 * there were before. Undefined where it holds something else.
 * @returns how many entries there are now.
 */
export function carryPairs(map: PairMap, source: BpfMap, object: BpfObject): number | undefined {
  if (!isKnown(map, source)) return undefined
  const target = object.maps.get(map)!
  const seed = seedOf(object)
  const filling = new Filling(map)
  let count = 0
  for (const carried of entriesIn(map, source))
    if (filling.put(carried, pairHash(carried.entry, seed), target.info.maxEntries)) count += 1
  filling.writeTo(target)
  return count
}
