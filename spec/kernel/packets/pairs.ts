import {
  isWhole,
  markAt,
  momentOf,
  type PairEntry,
  type PairMark,
  type PairTuple,
  pairHash,
  pairMark,
  pairSet,
  setMark,
} from '@weir/datapath/pairs/place.js'
import { decode, encode, type Value } from './btf-value.js'
import { layoutOf, type Machine } from './machine.js'

type Family = 4 | 6
type Sets = Pick<Machine, 'lookup' | 'update' | 'size'>

/** Few, so that they can be emptied between tests. */
const sets = 256
export const pairSizes = { weir_nat4: sets, weir_nat6: sets }
export const pairVariables = { weir_nat4_sets: sets, weir_nat6_sets: sets }

const isReplyBit = 0x10
const isWholeBit = 0x20
const kindBits = 0x0f

type Struct = { readonly [member: string]: Value }

/** A set of struct weir_pairs4 or weir_pairs6, decoded. */
interface PairSet {
  readonly lock: Value
  readonly marks: { readonly tags: bigint[]; readonly moments: bigint[] }
  readonly entry: Struct[]
}

const mapOf = (family: Family): string => `weir_nat${family}`
const keyOf = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer)
const lineBytes = 64

const read = (family: Family, bytes: Uint8Array): PairSet =>
  decode(layoutOf(mapOf(family)).value, bytes) as unknown as PairSet
const write = (machine: Sets, family: Family, index: number, set: PairSet): void =>
  machine.update(mapOf(family), keyOf(index), encode(layoutOf(mapOf(family)).value, set as unknown as Value))

/** Sets that have an entry. */
function* setsOf(machine: Sets, family: Family): Iterable<{ readonly index: number; readonly set: PairSet }> {
  for (let index = 0; index < machine.size(mapOf(family)); index++) {
    const bytes = machine.lookup(mapOf(family), keyOf(index))
    if (bytes?.subarray(0, lineBytes).some(byte => byte !== 0) === true) yield { index, set: read(family, bytes) }
  }
}

const marksOf = ({ marks }: PairSet): bigint[] => [...marks.tags, ...marks.moments]

/** The set with another mark at a place. */
function marked(set: PairSet, place: number, mark: PairMark): PairSet {
  const all = marksOf(set)
  setMark(all, place, mark)
  return { ...set, marks: { tags: all.slice(0, 2), moments: all.slice(2) } }
}

const isHad = (entry: Struct): boolean => (entry.is as Struct).protocol !== 0
const swapped = (port: number): number => ((port & 255) << 8) | (port >> 8)

const bytesOf = (address: Value): Uint8Array =>
  typeof address === 'number'
    ? new Uint8Array(Uint32Array.of(address).buffer)
    : Uint8Array.from((address as { readonly byte: Uint8Array }).byte)
const addressValue = (address: Uint8Array): Value =>
  address.length === 4 ? new Uint32Array(address.slice().buffer)[0]! : { byte: address }

const tupleOf = (entry: Struct, prefix: '' | 'to_'): PairTuple => ({
  source: bytesOf(entry[`${prefix}source`]!),
  destination: bytesOf(entry[`${prefix}destination`]!),
  sourcePort: swapped(entry[`${prefix}source_port`] as number),
  destinationPort: swapped(entry[`${prefix}destination_port`] as number),
})

const ends = ({ source, destination, sourcePort, destinationPort }: PairTuple, prefix: '' | 'to_'): Struct => ({
  [`${prefix}source`]: addressValue(source),
  [`${prefix}destination`]: addressValue(destination),
  [`${prefix}source_port`]: swapped(sourcePort),
  [`${prefix}destination_port`]: swapped(destinationPort),
})

/** Source, destination, both ports and the protocol of packets that a half is for. */
const keyBytes = ({ source, destination, sourcePort, destinationPort }: PairTuple, protocol: number): Uint8Array =>
  Uint8Array.from([
    ...source,
    ...destination,
    ...[sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255, protocol],
  ])

const reversed = ({ source, destination, sourcePort, destinationPort }: PairTuple): PairTuple => ({
  ...{ source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort },
})

/** By the half: a whole entry has two. */
function keysOf(entry: Struct): readonly Uint8Array[] {
  const { what, protocol } = entry.is as { readonly what: number; readonly protocol: number }
  const key = keyBytes(tupleOf(entry, ''), protocol)
  return what & isWholeBit ? [key, keyBytes(reversed(tupleOf(entry, 'to_')), protocol)] : [key]
}

/** What packets halves are for, in no order. */
export function halves(machine: Sets, family: Family): Uint8Array[] {
  const all: Uint8Array[] = []
  for (const { set } of setsOf(machine, family)) all.push(...set.entry.filter(isHad).flatMap(keysOf))
  return all
}

/** An entry, and where it lies. */
export interface Placed {
  readonly set: number
  readonly mark: PairMark
  readonly entry: PairEntry
}

export function placed(machine: Sets, family: Family): Placed[] {
  const all: Placed[] = []
  for (const { index, set } of setsOf(machine, family))
    for (const [place, entry] of set.entry.entries()) {
      if (!isHad(entry)) continue
      const { what, protocol, expires } = entry.is as { what: number; protocol: number; expires: bigint }
      const flags = { isReply: (what & isReplyBit) !== 0, isWhole: (what & isWholeBit) !== 0 }
      const tuples = { key: tupleOf(entry, ''), made: tupleOf(entry, 'to_') }
      all.push({
        set: index,
        mark: markAt(marksOf(set), place),
        entry: { ...tuples, ...flags, protocol, kind: what & kindBits, expires },
      })
    }
  return all
}

export const entries = (machine: Sets, family: Family): number => {
  let count = 0
  for (const { set } of setsOf(machine, family)) count += set.entry.filter(isHad).length
  return count
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at])

/** Has the table a half for packets of the tuple? */
export const hasHalfFor = (machine: Sets, family: Family, protocol: number, tuple: PairTuple): boolean =>
  halves(machine, family).some(key => equal(key, keyBytes(tuple, protocol)))

/** Forgets the entry that is for packets of the tuple: of a whole one that is all of the pair. */
export function forgetHalf(machine: Sets, family: Family, protocol: number, tuple: PairTuple): void {
  const sought = keyBytes(tuple, protocol)
  for (const { index, set } of setsOf(machine, family)) {
    const place = set.entry.findIndex(entry => isHad(entry) && keysOf(entry).some(key => equal(key, sought)))
    if (place === -1) continue
    set.entry[place] = {}
    write(machine, family, index, marked(set, place, { tag: 0n, moment: 0n }))
  }
}

export function emptyPairs(machine: Sets): void {
  for (const family of [4, 6] as const)
    for (const { index } of [...setsOf(machine, family)])
      machine.update(mapOf(family), keyOf(index), new Uint8Array(family === 4 ? 1024 : 2048))
}

/** Lets time pass for what is in the table. */
export function agePairs(machine: Sets, nanoseconds: bigint): void {
  for (const family of [4, 6] as const)
    for (const { index, set } of [...setsOf(machine, family)]) {
      let aged = set
      for (const [place, entry] of set.entry.entries()) {
        if (!isHad(entry)) continue
        const is = entry.is as { readonly expires: bigint }
        const expires = is.expires > nanoseconds ? is.expires - nanoseconds : 0n
        set.entry[place] = { ...entry, is: { ...is, expires } }
        aged = marked(aged, place, { tag: markAt(marksOf(set), place).tag, moment: momentOf(expires) })
      }
      write(machine, family, index, aged)
    }
}

/** Has a set say other moments of its entries than they expire at. */
export function tellMoments(machine: Sets, family: Family, index: number, moments: readonly bigint[]): void {
  let set = read(family, machine.lookup(mapOf(family), keyOf(index))!)
  for (const [place, moment] of moments.entries())
    set = marked(set, place, { tag: markAt(marksOf(set), place).tag, moment })
  write(machine, family, index, set)
}

/** An entry as programs would have made it: for packets of `before`, or against `after` where it is for those alone. */
export interface Half {
  readonly before: PairTuple
  readonly after: PairTuple
  readonly protocol: number
  readonly kind: number
  readonly isReply: boolean
  readonly expires: bigint
  /** Other members of struct weir_pair. */
  readonly is: Struct
}

/** Writes a half; where one entry is for both directions, that, when it is the half of those that open the flow. */
export function writeHalf(machine: Sets, family: Family, half: Half): void {
  const { before, after, protocol, kind, expires } = half
  const whole = isWhole(before, after, kind)
  if (whole && half.isReply) return
  const [key, made] = half.isReply ? [reversed(after), reversed(before)] : [before, after]
  const entry: PairEntry = { key, made, protocol, kind, isReply: half.isReply, isWhole: whole, expires }
  const hash = pairHash(entry, 0n)
  const index = pairSet(hash, machine.size(mapOf(family)))
  const bytes = machine.lookup(mapOf(family), keyOf(index))
  if (bytes === undefined) throw new RangeError(`${mapOf(family)} has no set ${index}`)
  const set = read(family, bytes)
  const own = set.entry.findIndex(each => isHad(each) && equal(keysOf(each)[0]!, keyBytes(key, protocol)))
  const place = own === -1 ? set.entry.findIndex(each => !isHad(each)) : own
  if (place === -1) throw new Error(`set ${index} is full`)
  const what = (kind & kindBits) | (half.isReply ? isReplyBit : 0) | (whole ? isWholeBit : 0)
  set.entry[place] = { ...ends(key, ''), ...ends(made, 'to_'), is: { ...half.is, expires, what, protocol } }
  write(machine, family, index, marked(set, place, pairMark(hash, expires)))
}
