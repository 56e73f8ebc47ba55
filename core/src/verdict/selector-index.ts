import { matchesSelector, selectorText } from '../policy/match.js'
import type { LabelMap } from '../identity/labels.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { KeyUse } from './key-use.js'
import type { SelectorEntry, Shape } from './model.js'

/**
 * Which selectors match which shapes, kept as both come and go. A selector hangs on one of its requirements, so a new
 * shape meets only the selectors that ask for one of its labels, and a new selector only shapes with a label it asks
 * for. Selectors that only forbid meet everything.
 */
export class SelectorIndex<Entry extends SelectorEntry> {
  readonly #entries = new Map<string, Entry>()
  readonly #byValue = new Map<string, Map<string, Set<Entry>>>()
  readonly #byKey = new Map<string, Set<Entry>>()
  readonly #unanchored = new Set<Entry>()
  readonly #anchors = new Map<Entry, Requirement | undefined>()
  readonly #shapes = new Map<string, Map<string, Set<Shape>>>()
  readonly #matches = new Map<Shape, Set<Entry>>()
  readonly #changed: (shape: Shape) => void

  readonly #keys: KeyUse

  /**
   * @param keys counts the label keys that selectors name
   * @param changed is told of each shape whose matches changed because a selector came or went
   */
  constructor(keys: KeyUse, changed: (shape: Shape) => void) {
    this.#keys = keys
    this.#changed = changed
  }

  get size(): number {
    return this.#entries.size
  }

  /** The entry of a selector, one reference richer; `create` makes it when it is new. */
  acquire(selector: LabelSelector, create: (fields: SelectorEntry) => Entry): Entry {
    const selectorKey = selectorText(selector)
    let entry = this.#entries.get(selectorKey)
    if (entry === undefined) {
      entry = create({ selectorKey, selector, shapes: new Set(), references: 0 })
      this.#entries.set(selectorKey, entry)
      this.#keys.acquire(selector)
      this.#anchor(entry)
    }
    entry.references += 1
    return entry
  }

  /** @returns true when that was the last reference */
  release(entry: Entry): boolean {
    entry.references -= 1
    if (entry.references > 0) return false
    this.#entries.delete(entry.selectorKey)
    this.#keys.release(entry.selector)
    this.#unanchor(entry)
    for (const shape of entry.shapes) {
      this.#matches.get(shape)?.delete(entry)
      this.#changed(shape)
    }
    entry.shapes.clear()
    return true
  }

  /** @returns false when the shape is here already */
  add(shape: Shape): boolean {
    if (this.#matches.has(shape)) return false
    const matches = new Set<Entry>()
    this.#matches.set(shape, matches)
    for (const [key, value] of shape.labels) bucket(this.#shapes, key, value).add(shape)
    for (const entry of this.matching(shape.labels)) {
      matches.add(entry)
      entry.shapes.add(shape)
    }
    return true
  }

  remove(shape: Shape): void {
    const matches = this.#matches.get(shape)
    if (matches === undefined) return
    this.#matches.delete(shape)
    for (const entry of matches) entry.shapes.delete(shape)
    for (const [key, value] of shape.labels) drop(this.#shapes, key, value, shape)
  }

  matchesOf(shape: Shape): ReadonlySet<Entry> | undefined {
    return this.#matches.get(shape)
  }

  /** The entries that labels match, by looking only at those that could. */
  matching(labels: LabelMap): Entry[] {
    const found: Entry[] = []
    const consider = (entries: Iterable<Entry> | undefined): void => {
      if (entries === undefined) return
      for (const entry of entries) if (matchesSelector(entry.selector, labels)) found.push(entry)
    }
    for (const [key, value] of labels) {
      consider(this.#byKey.get(key))
      consider(this.#byValue.get(key)?.get(value))
    }
    consider(this.#unanchored)
    return found
  }

  #anchor(entry: Entry): void {
    let anchor: Requirement | undefined
    let fewest = Infinity
    for (const requirement of entry.selector) {
      if (requirement.operator !== 'In' && requirement.operator !== 'Exists') continue
      // Shapes to come meet all entries that hang here. Exists costs a little more: they may have any value.
      const met = this.#hungOn(requirement) + (requirement.operator === 'Exists' ? 0.5 : 0)
      const count = this.#candidateCount(requirement) + met
      if (count < fewest) {
        anchor = requirement
        fewest = count
      }
    }
    this.#anchors.set(entry, anchor)
    if (anchor === undefined) this.#unanchored.add(entry)
    else if (anchor.operator === 'In')
      for (const value of anchor.values) bucket(this.#byValue, anchor.key, value).add(entry)
    else {
      entryOf(this.#byKey, anchor.key, () => new Set()).add(entry)
    }
    for (const shape of this.#candidates(anchor)) {
      if (!matchesSelector(entry.selector, shape.labels)) continue
      entry.shapes.add(shape)
      this.#matches.get(shape)!.add(entry)
      this.#changed(shape)
    }
  }

  #unanchor(entry: Entry): void {
    const anchor = this.#anchors.get(entry)
    this.#anchors.delete(entry)
    if (anchor === undefined) this.#unanchored.delete(entry)
    else if (anchor.operator === 'In') for (const value of anchor.values) drop(this.#byValue, anchor.key, value, entry)
    else dropFrom(this.#byKey, anchor.key, entry)
  }

  #hungOn({ key, operator, values }: Requirement): number {
    if (operator === 'Exists') return this.#byKey.get(key)?.size ?? 0
    const byValue = this.#byValue.get(key)
    let most = 0
    if (byValue !== undefined) for (const value of values) most = Math.max(most, byValue.get(value)?.size ?? 0)
    return most
  }

  #candidateCount({ key, operator, values }: Requirement): number {
    const byValue = this.#shapes.get(key)
    if (byValue === undefined) return 0
    let count = 0
    if (operator === 'In') for (const value of values) count += byValue.get(value)?.size ?? 0
    else for (const shapes of byValue.values()) count += shapes.size
    return count
  }

  *#candidates(anchor: Requirement | undefined): Iterable<Shape> {
    if (anchor === undefined) {
      yield* this.#matches.keys()
      return
    }
    const byValue = this.#shapes.get(anchor.key)
    if (byValue === undefined) return
    if (anchor.operator === 'In') for (const value of new Set(anchor.values)) yield* byValue.get(value) ?? []
    else for (const shapes of byValue.values()) yield* shapes
  }
}

const bucket = <Item>(index: Map<string, Map<string, Set<Item>>>, key: string, value: string): Set<Item> =>
  entryOf(
    entryOf(index, key, () => new Map()),
    value,
    () => new Set(),
  )

function drop<Item>(index: Map<string, Map<string, Set<Item>>>, key: string, value: string, item: Item): void {
  const byValue = index.get(key)
  if (byValue === undefined) return
  dropFrom(byValue, value, item)
  if (byValue.size === 0) index.delete(key)
}
