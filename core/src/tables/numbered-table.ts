import type { Change, Table } from './tables.js'

/**
 * A table by small numbers that remembers what each touched row was before, so that a delta holds net changes only. For
 * tables whose rows by the ten thousand come at once: it costs a few array elements a row.
 */
export class NumberedTable<Value extends object> implements Table<number, Value> {
  readonly #rows: (Value | undefined)[] = []
  readonly #changes: Journal<Value> = new Journal()
  /** Numbers for `takeTouched`, from its first call on. */
  #touched: Journal<Value> | undefined
  readonly #equal: (a: Value, b: Value) => boolean
  #size = 0

  constructor(equal: (a: Value, b: Value) => boolean) {
    this.#equal = equal
  }

  get size(): number {
    return this.#size
  }

  get(number: number): Value | undefined {
    return this.#rows[number]
  }

  *[Symbol.iterator](): Iterator<readonly [number, Value]> {
    for (let number = 0; number < this.#rows.length; number++) {
      const row = this.#rows[number]
      if (row !== undefined) yield [number, row]
    }
  }

  /** Writes a row; equal rows are not told apart here but when the delta is taken. */
  set(number: number, row: Value): void {
    const before = this.#rows[number]
    if (before === undefined) this.#size += 1
    this.#write(number, before, row)
  }

  delete(number: number): void {
    const before = this.#rows[number]
    if (before === undefined) return
    this.#size -= 1
    this.#write(number, before, undefined)
  }

  /** The net changes since the last call. */
  flush(): Change<Value>[] {
    const changes: Change<Value>[] = []
    this.#changes.take((number, before) => {
      const after = this.#rows[number]
      if (before === undefined) {
        if (after !== undefined) changes.push({ after })
      } else if (after === undefined) changes.push({ before })
      else if (!this.#equal(before, after)) changes.push({ before, after })
    })
    return changes
  }

  /** Calls `visit` for every number whose row may have changed since the last call; the first time for every row. */
  takeTouched(visit: (number: number, row: Value | undefined) => void): void {
    if (this.#touched === undefined) {
      // Nobody who never asks pays for a journal.
      this.#touched = new Journal()
      for (const [number, row] of this) visit(number, row)
    } else this.#touched.take(number => visit(number, this.#rows[number]))
  }

  #write(number: number, before: Value | undefined, row: Value | undefined): void {
    this.#changes.note(number, before)
    this.#touched?.note(number, undefined)
    while (this.#rows.length < number) this.#rows.push(undefined)
    this.#rows[number] = row
  }
}

/** The first word on each number since it was last taken. */
class Journal<Value> {
  readonly #noted: number[] = []
  #numbers: number[] = []
  #before: (Value | undefined)[] = []
  #round = 1

  note(number: number, before: Value | undefined): void {
    if (this.#noted[number] === this.#round) return
    while (this.#noted.length < number) this.#noted.push(0)
    this.#noted[number] = this.#round
    this.#numbers.push(number)
    this.#before.push(before)
  }

  take(visit: (number: number, before: Value | undefined) => void): void {
    const numbers = this.#numbers
    const before = this.#before
    this.#numbers = []
    this.#before = []
    this.#round += 1
    for (let at = 0; at < numbers.length; at++) visit(numbers[at]!, before[at])
  }
}
