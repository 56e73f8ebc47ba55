import { codecs, frontendFlags } from '../codec/maps.js'
import { bitsOf } from '../plan/prefix-table.js'
import { familyOf } from './encode.js'
import { byteText } from './installed-frontends.js'
import type { PackedBatch } from './packed.js'
import { type Shortage, shortage } from './shortage.js'

export type RangeMap = 'weir_ranges4' | 'weir_ranges6'

export const rangeMaps = ['weir_ranges4', 'weir_ranges6'] as const

/** Numbers of sets have 24 bits. 0 is nobody's, and has no blocks. */
const numbers = 2 ** 24
/** Bits of a key before its address: the set's number. */
const numberBits = 32

/** A frontend's address, and the blocks that it is for or spares. */
export interface Minded {
  readonly address: string
  readonly sourceRanges?: readonly string[] | undefined
}

/** Blocks that some frontends are for, or spare, all of one family. */
export interface RangeSet {
  readonly map: RangeMap
  readonly number: number
  /** Keys as text of their bytes without the set's number: length and address. */
  readonly content: string
  readonly keys: readonly Uint8Array[]
  /** The same as text of their bytes. */
  readonly texts: ReadonlySet<string>
  uses: number
}

/**
 * Which blocks of clients frontends are for, or spare. Frontends with the same blocks share a set. A set is there before a
 * frontend names it and goes when none does any more; its number is given to no other one until all have been given.
 */
export class SourceRanges {
  readonly #sizes: Readonly<Record<RangeMap, number>>
  readonly #counts = { weir_ranges4: 0, weir_ranges6: 0 }
  readonly #byContent = new Map<string, RangeSet>()
  readonly #byNumber: Readonly<Record<RangeMap, Map<number, RangeSet>>> = {
    weir_ranges4: new Map(),
    weir_ranges6: new Map(),
  }
  /** The set that a frontend in the maps, or to be there, names; by its key. */
  readonly #named = new Map<string, RangeSet>()
  readonly #added = new Set<RangeSet>()
  readonly #idle = new Set<RangeSet>()
  #last = 0
  #hasGivenRoom = false

  constructor(sizes: Readonly<Record<RangeMap, number>>) {
    this.#sizes = sizes
  }

  /** Takes note of all that is in one of the maps. To be called before frontends are adopted. */
  adopt(map: RangeMap, keys: Iterable<Uint8Array>): void {
    const found = new Map<number, Uint8Array[]>()
    for (const key of keys) {
      const { ranges } = codecOf(map).read(key)
      const blocks = found.get(ranges) ?? []
      found.set(ranges, blocks)
      blocks.push(key.slice())
    }
    for (const [number, blocks] of found) {
      const set = rangeSet(map, number, contentOf(map, blocks), blocks)
      this.#counts[map] += blocks.length
      this.#idle.add(set)
      // Frontends for nobody name it: what stands under it must go, whatever it is.
      if (number === 0) continue
      this.#last = Math.max(this.#last, number)
      this.#byNumber[map].set(number, set)
      // Where a set is twice, the first one counts.
      if (!this.#byContent.has(set.content)) this.#byContent.set(set.content, set)
    }
  }

  /** Takes note of a frontend in the map. */
  adoptFrontend(key: string, value: Uint8Array): void {
    const { flags, ranges } = codecs.frontend.read(value)
    const map = key.length === codecs.frontend4.size ? 'weir_ranges4' : 'weir_ranges6'
    if (flags & (frontendFlags.WEIR_SOURCE_RANGES | frontendFlags.WEIR_SPARES_BACKENDS))
      this.#name(key, this.#byNumber[map].get(ranges))
  }

  /**
   * The number of the set that a frontend is to name; 0 when it minds no client's address, or is for none of its family.
   * Its key names no other from now on.
   */
  use(key: string, { address, sourceRanges }: Minded): number | Shortage {
    if (sourceRanges === undefined || sourceRanges.length === 0) {
      this.leave(key)
      return 0
    }
    const map: RangeMap = familyOf(address) === 4 ? 'weir_ranges4' : 'weir_ranges6'
    const blocks = [...new Set(sourceRanges)].map(bitsOf)
    const asked = blocks.map(block => keyOf(map, 0, block))
    const content = contentOf(map, asked)
    let set = this.#byContent.get(content)
    if (set === undefined) {
      if (this.#counts[map] + blocks.length > this.#sizes[map]) return shortage(map, content, blocks.length)
      const number = this.#nextNumber()
      set = rangeSet(
        map,
        number,
        content,
        blocks.map(block => keyOf(map, number, block)),
      )
      this.#counts[map] += blocks.length
      this.#byContent.set(content, set)
      this.#byNumber[map].set(number, set)
      this.#added.add(set)
    }
    this.#name(key, set)
    return set.number
  }

  /** The frontend goes, or is for every client. */
  leave(key: string): void {
    this.#name(key, undefined)
  }

  count(map: RangeMap): number {
    return this.#counts[map]
  }

  /** What is to be in the map now. Sets never change: others take their place. */
  sets(map: RangeMap): readonly RangeSet[] {
    return [...this.#byNumber[map].values()]
  }

  /** The set that an entry of the map belongs to. */
  setOf(map: RangeMap, key: Uint8Array): RangeSet | undefined {
    return this.#byNumber[map].get(codecOf(map).read(key).ranges)
  }

  /** The writes that come before frontends. */
  takeAdded(): readonly PackedBatch[] {
    const batches = rangeMaps.flatMap(map => batchOf(map, 'update', [...this.#added]))
    this.#added.clear()
    return batches
  }

  /** The writes that come after them. */
  takeRemoved(): readonly PackedBatch[] {
    const gone = [...this.#idle].filter(({ uses }) => uses === 0)
    this.#idle.clear()
    this.#hasGivenRoom ||= gone.length > 0
    for (const set of gone) {
      this.#byNumber[set.map].delete(set.number)
      if (this.#byContent.get(set.content) === set) this.#byContent.delete(set.content)
      this.#counts[set.map] -= set.keys.length
    }
    return rangeMaps.flatMap(map => batchOf(map, 'delete', gone))
  }

  /** The writes are made. True when that gave room. */
  settle(): boolean {
    const gave = this.#hasGivenRoom
    this.#hasGivenRoom = false
    return gave
  }

  #name(key: string, set: RangeSet | undefined): void {
    const before = this.#named.get(key)
    if (before === set) return
    if (set === undefined) this.#named.delete(key)
    else {
      this.#named.set(key, set)
      set.uses += 1
    }
    if (before === undefined) return
    before.uses -= 1
    if (before.uses === 0) this.#idle.add(before)
  }

  #nextNumber(): number {
    do this.#last = (this.#last + 1) % numbers
    while (this.#last === 0 || rangeMaps.some(map => this.#byNumber[map].has(this.#last)))
    return this.#last
  }
}

const rangeSet = (map: RangeMap, number: number, content: string, keys: readonly Uint8Array[]): RangeSet => ({
  map,
  number,
  content,
  keys,
  texts: new Set(keys.map(byteText)),
  uses: 0,
})

const range4 = codecs.range4
const range6 = codecs.range6
const codecOf = (map: RangeMap): typeof range4 | typeof range6 => (map === 'weir_ranges4' ? range4 : range6)

const keyOf = (map: RangeMap, number: number, { bytes, length }: ReturnType<typeof bitsOf>): Uint8Array =>
  codecOf(map).encode({ length: numberBits + length, ranges: number, address: bytes })

function contentOf(map: RangeMap, keys: readonly Uint8Array[]): string {
  const texts = keys.map(key => {
    const { length, address } = codecOf(map).read(key)
    return `${address.join('.')}/${length}`
  })
  return `${map} ${[...new Set(texts)].sort().join(' ')}`
}

function batchOf(map: RangeMap, kind: PackedBatch['kind'], sets: readonly RangeSet[]): readonly PackedBatch[] {
  const entries = sets.filter(set => set.map === map).flatMap(({ keys }) => keys)
  if (entries.length === 0) return []
  const keySize = codecOf(map).size
  const keys = new Uint8Array(entries.length * keySize)
  for (const [at, key] of entries.entries()) keys.set(key, at * keySize)
  const values = new Uint8Array(kind === 'update' ? entries.length * codecs.slot.size : 0)
  return [{ map, kind, count: entries.length, keys, values }]
}
