import type { Change, Table } from './tables.js'

/** A key's row now and, while it is touched, as it was at the last delta. */
export interface Slot<Key, Value> {
  readonly key: Key
  now: Value | undefined
  before: Value | undefined
  touched: boolean
}

const noChanges: readonly never[] = []

/**
 * A table that remembers what each touched key held before, so that a delta holds net changes only. A change looks its
 * key up once, or never where the writer kept the key's slot: large tables are mostly lookups.
 */
export abstract class SlottedTable<Key, Value extends object, Kept extends Slot<Key, Value>>
  implements Table<Key, Value>
{
  /** A row that is gone keeps its slot until the delta that says so. */
  readonly #slots = new Map<Key, Kept>()
  #touched: Kept[] = []
  readonly #equal: (a: Value, b: Value) => boolean
  #size = 0

  constructor(equal: (a: Value, b: Value) => boolean) {
    this.#equal = equal
  }

  /** A slot without a row, with what the writer keeps beside one. */
  protected abstract emptySlot(key: Key): Kept

  get size(): number {
    return this.#size
  }

  get(key: Key): Value | undefined {
    return this.#slots.get(key)?.now
  }

  *[Symbol.iterator](): Iterator<readonly [Key, Value]> {
    for (const [key, { now }] of this.#slots) if (now !== undefined) yield [key, now]
  }

  /** Where a key's row is; good until the delta that says that the row is gone. */
  slotOf(key: Key): Kept {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = this.emptySlot(key)
      this.#slots.set(key, slot)
    }
    return slot
  }

  set(key: Key, value: Value): void {
    this.put(this.slotOf(key), value)
  }

  /** Writes the row of a slot of this table. */
  put(slot: Kept, value: Value): void {
    const { now } = slot
    if (now === undefined) this.#size += 1
    else if (this.#equal(now, value)) return
    this.#touch(slot)
    slot.now = value
  }

  delete(key: Key): void {
    const slot = this.#slots.get(key)
    if (slot !== undefined) this.clear(slot)
  }

  /** Takes the row out of a slot of this table. */
  clear(slot: Kept): void {
    if (slot.now === undefined) return
    this.#touch(slot)
    slot.now = undefined
    this.#size -= 1
  }

  /** The net changes since the last call. */
  flush(): readonly Change<Value>[] {
    if (this.#touched.length === 0) return noChanges
    const changes: Change<Value>[] = []
    for (const slot of this.#touched) {
      const { before, now } = slot
      slot.before = undefined
      slot.touched = false
      if (now === undefined) {
        this.#slots.delete(slot.key)
        if (before !== undefined) changes.push({ before })
      } else if (before === undefined) changes.push({ after: now })
      else if (!this.#equal(before, now)) changes.push({ before, after: now })
    }
    this.#touched = []
    return changes
  }

  #touch(slot: Kept): void {
    if (slot.touched) return
    slot.touched = true
    slot.before = slot.now
    this.#touched.push(slot)
  }
}

/** A table whose writers keep nothing beside the rows. */
export class RecordedTable<Key, Value extends object> extends SlottedTable<Key, Value, Slot<Key, Value>> {
  protected override emptySlot(key: Key): Slot<Key, Value> {
    return { key, now: undefined, before: undefined, touched: false }
  }
}
