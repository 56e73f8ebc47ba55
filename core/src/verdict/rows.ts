import { empty } from '../empty.js'
import type { Row, Step } from '../tables/tables.js'
import { RecordedTable } from '../tables/recorded-table.js'
import { NumberPool } from './number-pool.js'
import { judgementText, stepsOf, type Judgement } from './judgement.js'

interface Entry {
  readonly row: Row
  readonly key: string
  references: number
}

/** Rows by content: equal judgements share one. */
export class Rows {
  readonly table = new RecordedTable<number, Row>(Object.is)
  readonly #byKey = new Map<string, Entry>()
  readonly #byId = new Map<number, Entry>()
  /** Rows that lost a reference since the last sweep. */
  readonly #idle = new Set<Entry>()
  readonly #numbers = new NumberPool()
  #last: { readonly judgement: Judgement; readonly key: string } | undefined
  /** Ids of rows that a snapshot knew, by content, until something refers to them. */
  #remembered = new Map<string, number>()

  /** Ids by content, for `remember`. */
  ids(): (readonly [key: string, id: number])[] {
    return [...this.#byKey].map(([key, { row }]) => [key, row.id])
  }

  /** Rows that `acquire` makes until `forget` get the id that their content had. */
  remember(ids: Iterable<readonly [key: string, id: number]>): void {
    this.#remembered = new Map(ids)
    this.#numbers.resume(this.#remembered.values())
  }

  /** Frees the ids that no row took. */
  forget(): void {
    for (const id of this.#remembered.values()) this.#numbers.free(id)
    this.#remembered.clear()
  }

  /** The row that says exactly this, one reference richer. */
  acquire(judgement: Judgement): Row {
    const key = this.#keyOf(judgement)
    let entry = this.#byKey.get(key)
    if (entry === undefined) {
      const id = this.#remembered.get(key) ?? this.#numbers.take()
      this.#remembered.delete(key)
      entry = { row: { id, steps: stepsOf(judgement) }, key, references: 0 }
      this.#byKey.set(key, entry)
      this.#byId.set(id, entry)
      this.table.set(id, entry.row)
    }
    entry.references += 1
    return entry.row
  }

  /** Thousands of cells ask for one judgement in turn: its text is made once. */
  #keyOf(judgement: Judgement): string {
    if (judgement !== this.#last?.judgement) this.#last = { judgement, key: judgementText(judgement) }
    return this.#last.key
  }

  release(row: Row): void {
    const entry = this.#byId.get(row.id)!
    entry.references -= 1
    this.#idle.add(entry)
  }

  /** Ends the writing of a delta: rows that nothing refers to any more go. */
  sweep(): void {
    for (const { row, key, references } of this.#idle) {
      if (references > 0) continue
      this.#byKey.delete(key)
      this.#byId.delete(row.id)
      this.#numbers.free(row.id)
      this.table.delete(row.id)
    }
    empty(this.#idle)
  }

  /** Ends a delta: ids freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }
}

/** The step that holds for a packet key, by binary search. */
export function stepAt(steps: readonly Step[], key: number): Step {
  let low = 0
  let high = steps.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (steps[middle]!.key <= key) low = middle
    else high = middle - 1
  }
  return steps[low]!
}
