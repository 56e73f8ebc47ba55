import { WeirError } from '@weir/core/errors.js'
import type { RowContent } from '../plan/row-content.js'

/** `WEIR_STEPS`: steps of one entry of the rows map. */
export const stepsPerChunk = 16
/** `WEIR_CHUNKS_MOST`: a program searches no longer row. */
const chunksMost = 4096

/** Where a row is: consecutive entries of the rows map. */
export interface Placement {
  readonly first: number
  readonly chunks: number
}

export interface Run extends Placement {
  readonly row: RowContent
  /** Cells that point here. */
  references: number
}

/**
 * Which entries of the rows map hold which row. An entry is used again only after the transition that freed it is over,
 * and the search goes round the map, so that a packet under way doesn't find another row in its place.
 */
export class RowStore {
  readonly #capacity: number
  /** How many runs use each entry; more than one only where the map was tampered with. */
  readonly #uses: Uint16Array
  readonly #byText = new Map<string, Run>()
  readonly #byFirst = new Map<string, Run>()
  #freed: Run[] = []
  #cursor = 0
  #used = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#uses = new Uint16Array(capacity)
  }

  get usedChunks(): number {
    return this.#used
  }

  get rows(): number {
    return this.#byText.size
  }

  /** Every place in use, also while places come and go. */
  runs(): Iterable<Run> {
    return this.#byFirst.values()
  }

  placementOf(row: RowContent): Placement | undefined {
    return this.#byText.get(row.text)
  }

  /**
   * A place for a row that has none.
   * @throws WeirError WEIR_MAP_FULL
   */
  place(row: RowContent): Placement {
    const chunks = Math.max(1, Math.ceil(row.steps.length / stepsPerChunk))
    const first = chunks > chunksMost ? undefined : this.#find(chunks)
    if (first === undefined) {
      throw new WeirError('WEIR_MAP_FULL', `no room for a row of ${row.steps.length} steps`, {
        map: 'weir_rows',
        size: this.#capacity,
        needed: this.#used + chunks,
      })
    }
    this.#cursor = first + chunks
    const run = this.adopt(row, { first, chunks })
    // Free again if the transition ends, or is given up, before a cell points here.
    this.#freed.push(run)
    return run
  }

  /** Takes note of a row that is in the map. */
  adopt(row: RowContent, placement: Placement): Run {
    const run: Run = { ...placement, row, references: 0 }
    if (!this.#byText.has(row.text)) this.#byText.set(row.text, run)
    this.#byFirst.set(name(placement), run)
    this.#count(placement, 1)
    return run
  }

  knows(placement: Placement): boolean {
    return this.#byFirst.has(name(placement))
  }

  /** Says that a cell came to point at the place, or ceased to. */
  refer(placement: Placement, change: 1 | -1): void {
    const run = this.#byFirst.get(name(placement))
    if (run === undefined) return
    run.references += change
    if (run.references === 0) this.#freed.push(run)
  }

  /** The transition is over: what it left without a reference is free. */
  settle(): void {
    for (const run of this.#freed) {
      if (run.references > 0 || this.#byFirst.get(name(run)) !== run) continue
      this.#byFirst.delete(name(run))
      if (this.#byText.get(run.row.text) === run) this.#byText.delete(run.row.text)
      this.#count(run, -1)
    }
    this.#freed = []
  }

  #find(chunks: number): number | undefined {
    return this.#findBetween(this.#cursor, this.#capacity, chunks) ?? this.#findBetween(0, this.#capacity, chunks)
  }

  #findBetween(from: number, to: number, chunks: number): number | undefined {
    for (let start = from, at = from; at < to; at += 1) {
      if (this.#uses[at] !== 0) start = at + 1
      else if (at - start + 1 === chunks) return start
    }
    return undefined
  }

  #count({ first, chunks }: Placement, change: 1 | -1): void {
    for (let at = first; at < Math.min(first + chunks, this.#capacity); at += 1) {
      const before = this.#uses[at]!
      this.#uses[at] = before + change
      if (before === 0 || before + change === 0) this.#used += change
    }
  }
}

const name = (placement: Placement): string => `${placement.first}+${placement.chunks}`
