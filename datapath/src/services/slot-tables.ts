import type { SlotMemory } from '../backend.js'
import type { Run } from './encode.js'
import { type Region, Regions, regionLines } from './regions.js'
import { slotsPerLine } from './slot-lines.js'

/** A run of slots that is in the map, and is not written to as long as it is. */
export interface Placed extends Run {
  readonly region: Region
  /** Of the backends whose places it names. */
  readonly family: 4 | 6
  /** Of its numbers, for a comparison without them. */
  readonly sum: number
  /** Frontends in the map that point to it. */
  pointers: number
  /** It is a selection's of the tables. */
  isOwned: boolean
}

/** The runs in weir_slots. One goes when neither a selection nor a frontend has it. */
export class SlotTables {
  readonly #memory: SlotMemory
  readonly #regions: Regions
  readonly #runs = new Map<number, Placed>()
  /** Runs of no selection that frontends point to: they stay in force for want of what should come in their place. */
  readonly #orphans = new Set<Placed>()

  constructor(memory: SlotMemory) {
    this.#memory = memory
    this.#regions = new Regions(Math.floor(memory.size / slotsPerLine))
  }

  get lines(): number {
    return this.#regions.lines
  }

  get usedLines(): number {
    return this.#regions.usedLines
  }

  get orphans(): ReadonlySet<Placed> {
    return this.#orphans
  }

  runs(): Iterable<Placed> {
    return this.#runs.values()
  }

  /** Lines that a run of so many takes. */
  linesFor(count: number): number {
    return count === 0 ? 0 : regionLines(Math.ceil(count / slotsPerLine))
  }

  hasRoom(count: number): boolean {
    return count === 0 || this.#regions.hasRoom(this.linesFor(count))
  }

  /** The run that a frontend in the map points to; undefined when it can't be one that was written here. */
  adopt({ first, count }: Run, family: 4 | 6): Placed | undefined {
    const known = this.#runs.get(first)
    if (known !== undefined) return known.count === count && known.family === family ? known : undefined
    if (count === 0 || first % slotsPerLine !== 0) return undefined
    const region = { line: first / slotsPerLine, lines: this.linesFor(count) }
    if (!this.#regions.reserve(region)) return undefined
    return this.#note(region, count, family, sumOf(this.#memory.read(first, count)))
  }

  /** Writes a run where nothing points to; undefined when there is no room. */
  take(numbers: Uint32Array, family: 4 | 6): Placed | undefined {
    const region = this.#regions.take(this.linesFor(numbers.length))
    if (region === undefined) return undefined
    this.#memory.write(region.line * slotsPerLine, numbers)
    return this.#note(region, numbers.length, family, sumOf(numbers))
  }

  /** Whether a run in the map is this. */
  isSame(run: Placed, numbers: Uint32Array, family: 4 | 6): boolean {
    if (run.count !== numbers.length || run.family !== family) return false
    const found = this.numbersOf(run)
    for (let at = 0; at < found.length; at += 1) if (found[at] !== numbers[at]) return false
    return true
  }

  numbersOf({ first, count }: Run): Uint32Array {
    return this.#memory.read(first, count)
  }

  /** Whether the map has the numbers that were written. */
  isIntact(run: Placed): boolean {
    return sumOf(this.numbersOf(run)) === run.sum
  }

  own(run: Placed): void {
    run.isOwned = true
    this.#orphans.delete(run)
  }

  disown(run: Placed): void {
    run.isOwned = false
    this.#giveIfIdle(run)
  }

  point(run: Placed): void {
    run.pointers += 1
    if (!run.isOwned) this.#orphans.add(run)
  }

  unpoint(run: Placed): void {
    run.pointers -= 1
    this.#giveIfIdle(run)
  }

  /** What was given back may be used again; true when that was something. */
  settle(): boolean {
    return this.#regions.settle()
  }

  #note(region: Region, count: number, family: 4 | 6, sum: number): Placed {
    const first = region.line * slotsPerLine
    const run = { first, count, region, family, sum, pointers: 0, isOwned: false }
    this.#runs.set(first, run)
    return run
  }

  #giveIfIdle(run: Placed): void {
    if (run.isOwned) return
    if (run.pointers > 0) {
      this.#orphans.add(run)
      return
    }
    this.#orphans.delete(run)
    this.#runs.delete(run.first)
    this.#regions.give(run.region)
  }
}

function sumOf(numbers: Uint32Array): number {
  let sum = numbers.length
  for (let at = 0; at < numbers.length; at += 1) sum = Math.imul(sum ^ numbers[at]!, 0x9e3779b1) ^ (sum >>> 15)
  return sum
}
