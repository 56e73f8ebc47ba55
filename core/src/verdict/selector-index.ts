import { matchesSelector, selectorText } from '../policy/match.js'
import type { LabelMap } from '../identity/labels.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { KeyUse } from './key-use.js'
import type { SelectorEntry } from './model.js'

/**
 * Selectors in use, to be asked which of them match given labels. A selector hangs on one of its requirements, so labels
 * meet only the selectors that ask for one of them. Selectors that only forbid meet everything.
 */
export class SelectorIndex<Entry extends SelectorEntry> {
  readonly #entries = new Map<string, Entry>()
  readonly #byValue = new Map<string, Map<string, Set<Entry>>>()
  readonly #byKey = new Map<string, Set<Entry>>()
  readonly #unanchored = new Set<Entry>()
  readonly #anchors = new Map<Entry, Requirement | undefined>()
  readonly #keys: KeyUse
  readonly #population: (requirement: Requirement) => number

  /**
   * @param keys counts the label keys that selectors name
   * @param population how many meet a requirement: the best to hang on is one that few meet
   */
  constructor(keys: KeyUse, population: (requirement: Requirement) => number = () => 0) {
    this.#keys = keys
    this.#population = population
  }

  /** The entry of a selector, one reference richer; `create` makes it when it is new. */
  acquire(selector: LabelSelector, create: (fields: SelectorEntry) => Entry): Entry {
    const selectorKey = selectorText(selector)
    let entry = this.#entries.get(selectorKey)
    if (entry === undefined) {
      entry = create({ selectorKey, selector, references: 0 })
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
    return true
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
    if (this.#unanchored.size > 0) consider(this.#unanchored)
    return found
  }

  #anchor(entry: Entry): void {
    let anchor: Requirement | undefined
    let fewest = Infinity
    for (const requirement of entry.selector) {
      if (requirement.operator !== 'In' && requirement.operator !== 'Exists') continue
      // Labels to come meet all entries that hang here. Exists costs a little more: they may have any value.
      const met = this.#hungOn(requirement) + (requirement.operator === 'Exists' ? 0.5 : 0)
      const count = this.#population(requirement) + met
      if (count < fewest) {
        anchor = requirement
        fewest = count
      }
    }
    this.#anchors.set(entry, anchor)
    if (anchor === undefined) this.#unanchored.add(entry)
    else if (anchor.operator === 'In')
      for (const value of anchor.values) bucket(this.#byValue, anchor.key, value).add(entry)
    else entryOf(this.#byKey, anchor.key, () => new Set()).add(entry)
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
