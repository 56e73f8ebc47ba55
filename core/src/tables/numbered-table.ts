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
    // Ten thousand at once are as many as were noted: a list that grows on the way there is copied again and again.
    const changes = new Array<Change<Value>>(this.#changes.size)
    let count = 0
    this.#changes.take((number, before) => {
      const after = this.#rows[number]
      if (before === undefined) {
        if (after !== undefined) changes[count++] = { after }
      } else if (after === undefined) changes[count++] = { before }
      else if (!this.#equal(before, after)) changes[count++] = { before, after }
    })
    changes.length = count
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

/** The first word on each number since it was last taken. Nearly all words of a load are that there was nothing. */
class Journal<Value> {
  /** The round that each number was noted in last. */
  #noted = new Int32Array(64)
  /** Twice the number, and one more where something was there before: that is in `#before`, in the same order. */
  #numbers: number[] = []
  #before: Value[] = []
  #round = 1

  get size(): number {
    return this.#numbers.length
  }

  note(number: number, before: Value | undefined): void {
    if (number >= this.#noted.length) this.#grow(number)
    if (this.#noted[number] === this.#round) return
    this.#noted[number] = this.#round
    if (before !== undefined) this.#before.push(before)
    this.#numbers.push(number * 2 + (before === undefined ? 0 : 1))
  }

  take(visit: (number: number, before: Value | undefined) => void): void {
    const numbers = this.#numbers
    const before = this.#before
    if (numbers.length === 0) return
    this.#numbers = []
    if (before.length > 0) this.#before = []
    this.#round += 1
    let next = 0
    for (const noted of numbers) visit(noted >>> 1, (noted & 1) === 0 ? undefined : before[next++])
  }

  #grow(number: number): void {
    const before = this.#noted
    this.#noted = new Int32Array(Math.max(before.length * 2, number + 1))
    this.#noted.set(before)
  }
}
