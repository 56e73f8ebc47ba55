import type { Change, Table } from './tables.js'

/** A table that remembers what each touched key held before, so that a delta holds net changes only. */
export class RecordedTable<Key, Value extends object> implements Table<Key, Value> {
  readonly #rows = new Map<Key, Value>()
  readonly #before = new Map<Key, Value | undefined>()
  readonly #equal: (a: Value, b: Value) => boolean

  constructor(equal: (a: Value, b: Value) => boolean) {
    this.#equal = equal
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: Key): Value | undefined {
    return this.#rows.get(key)
  }

  [Symbol.iterator](): Iterator<readonly [Key, Value]> {
    return this.#rows.entries()
  }

  set(key: Key, value: Value): void {
    const current = this.#rows.get(key)
    if (current !== undefined && this.#equal(current, value)) return
    if (!this.#before.has(key)) this.#before.set(key, current)
    this.#rows.set(key, value)
  }

  delete(key: Key): void {
    const current = this.#rows.get(key)
    if (current === undefined) return
    if (!this.#before.has(key)) this.#before.set(key, current)
    this.#rows.delete(key)
  }

  /** The net changes since the last call. */
  flush(): Change<Value>[] {
    const changes: Change<Value>[] = []
    for (const [key, before] of this.#before) {
      const after = this.#rows.get(key)
      if (before === undefined) {
        if (after !== undefined) changes.push({ after })
      } else if (after === undefined) changes.push({ before })
      else if (!this.#equal(before, after)) changes.push({ before, after })
    }
    this.#before.clear()
    return changes
  }
}
