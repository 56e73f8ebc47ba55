import { WeirError } from '@weir/core/errors.js'
import { maglevSizeFor, maglevSizes, maglevTable } from '@weir/core/service/maglev.js'
import type { SlotMemory } from '../backend.js'
import type { Run } from './encode.js'
import { type Region, Regions, regionLines } from './regions.js'
import { slotsPerLine } from './slot-lines.js'

/** Every node of a cluster builds its tables with the same. */
const seed = 0

export interface SlotMember {
  /** As Maglev tables name it. */
  readonly key: string
  readonly weight: number
  /** Its place in the map of backends. */
  readonly place: number
}

/** A run of slots that is in the map. */
export interface Placed extends Run {
  readonly region: Region
  /** Of the numbers, for a comparison without them. */
  readonly sum: number
}

const nothing: Placed = { first: 0, count: 0, region: { line: 0, lines: 0 }, sum: 0 }

/** So many times as many lines as tables of the size need must be there, for those that come later. */
const spareFactor = 4

/** The runs in weir_slots: Maglev tables, and the numbers in them for frontends with affinity. */
export class SlotTables {
  readonly #memory: SlotMemory
  readonly #regions: Regions

  constructor(memory: SlotMemory) {
    this.#memory = memory
    this.#regions = new Regions(Math.floor(memory.size / slotsPerLine))
  }

  get usedSlots(): number {
    return this.#regions.usedLines * slotsPerLine
  }

  /** Takes note of a run that something in the kernel points to; undefined when it can't be one that was written here. */
  adopt({ first, count }: Run): Region | undefined {
    if (count === 0 || first % slotsPerLine !== 0) return undefined
    const region = { line: first / slotsPerLine, lines: regionLines(Math.ceil(count / slotsPerLine)) }
    return this.#regions.reserve(region) ? region : undefined
  }

  /** The run as it is in the map, when it is this. */
  same(run: Run, numbers: Uint32Array): boolean {
    if (run.count !== numbers.length || run.first + run.count > this.#memory.size) return false
    const found = this.#memory.read(run.first, run.count)
    return found.every((number, at) => number === numbers[at])
  }

  /** A size that Maglev tables have. */
  isSize(count: number): boolean {
    return (maglevSizes as readonly number[]).includes(count)
  }

  sumAt({ first, count }: Run): number {
    return first + count > this.#memory.size ? -1 : sumOf(this.#memory.read(first, count))
  }

  /**
   * The table of the members.
   * @param tables how many there are to be in all: with many, each is smaller than its members would like
   * @param wanted to have this many slots or fewer; the size that fits the members when absent
   */
  build(members: readonly SlotMember[], tables: number, most = this.#sizeFor(members.length, tables)): Uint32Array {
    if (members.length === 0) return new Uint32Array(0)
    if (members.length === 1) return Uint32Array.of(members[0]!.place)
    const table = maglevTable(members, { size: most, seed })
    for (let slot = 0; slot < table.length; slot += 1) table[slot] = members[table[slot]!]!.place
    return table
  }

  /**
   * Writes the members' table where nothing points to. One that finds no room becomes smaller.
   * @throws WeirError WEIR_MAP_FULL
   */
  place(members: readonly SlotMember[], tables: number): Placed {
    if (members.length < 2) return this.write(this.build(members, tables))
    const most = this.#sizeFor(members.length, tables)
    for (const size of maglevSizes.filter(each => each <= most && each >= members.length).reverse()) {
      const region = this.#regions.take(Math.ceil(size / slotsPerLine))
      if (region !== undefined) return this.#writeTo(region, this.build(members, tables, size))
    }
    throw this.#full(members.length)
  }

  /** @throws WeirError WEIR_MAP_FULL */
  write(numbers: Uint32Array): Placed {
    if (numbers.length === 0) return nothing
    const region = this.#regions.take(Math.ceil(numbers.length / slotsPerLine))
    if (region === undefined) throw this.#full(numbers.length)
    return this.#writeTo(region, numbers)
  }

  give(region: Region): void {
    if (region.lines > 0) this.#regions.give(region)
  }

  settle(): void {
    this.#regions.settle()
  }

  #writeTo(region: Region, numbers: Uint32Array): Placed {
    const first = region.line * slotsPerLine
    this.#memory.write(first, numbers)
    return { first, count: numbers.length, region, sum: sumOf(numbers) }
  }

  #sizeFor(members: number, tables: number): number {
    const largest = maglevSizes.at(-1)!
    const wanted = members * 4 > maglevSizeFor(members) ? largest : maglevSizeFor(members)
    const budget = (this.#regions.lines * slotsPerLine) / (spareFactor * Math.max(1, tables))
    const fitting = maglevSizes.filter(size => size <= wanted && size >= members)
    return fitting.filter(size => size <= budget).at(-1) ?? fitting[0] ?? largest
  }

  #full(needed: number): WeirError<'WEIR_MAP_FULL'> {
    const size = this.#regions.lines * slotsPerLine
    const payload = { map: 'weir_slots', size, needed: this.usedSlots + needed }
    return new WeirError('WEIR_MAP_FULL', `weir_slots has no room for a table of ${needed} backends`, payload)
  }
}

export function sumOf(numbers: Uint32Array): number {
  let sum = numbers.length
  for (let at = 0; at < numbers.length; at += 1) sum = Math.imul(sum ^ numbers[at]!, 0x9e3779b1) ^ (sum >>> 15)
  return sum
}
