import type { LabelMap } from '../identity/labels.js'
import { entryOf } from '../multimap.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { NumberSet } from './number-set.js'

/** Who has labels of a key, whatever the value and by value. */
interface KeyPostings {
  readonly any: NumberSet
  readonly byValue: Map<string, NumberSet>
}

const nobody = new NumberSet()

/** Numbered holders of labels, by label: whom a selector matches is found by whole words of holders, not one by one. */
export class Postings {
  readonly #all = new NumberSet()
  readonly #byKey = new Map<string, KeyPostings>()
  #end = 0

  add(number: number, labels: LabelMap): void {
    this.#all.add(number)
    this.#end = Math.max(this.#end, number + 1)
    for (const [key, value] of labels) {
      const { any, byValue } = entryOf(this.#byKey, key, () => ({ any: new NumberSet(), byValue: new Map() }))
      any.add(number)
      entryOf(byValue, value, () => new NumberSet()).add(number)
    }
  }

  /** @param labels those that the number was added with */
  remove(number: number, labels: LabelMap): void {
    this.#all.delete(number)
    for (const [key, value] of labels) {
      const { any, byValue } = this.#byKey.get(key)!
      any.delete(number)
      const holders = byValue.get(value)!
      holders.delete(number)
      if (holders.size === 0) byValue.delete(value)
      if (any.size === 0) this.#byKey.delete(key)
    }
  }

  /** How many could meet a requirement that asks for a label. */
  countOf({ key, operator, values }: Requirement): number {
    const postings = this.#byKey.get(key)
    if (postings === undefined) return 0
    if (operator === 'Exists') return postings.any.size
    return values.reduce((sum, value) => sum + (postings.byValue.get(value)?.size ?? 0), 0)
  }

  /** Everybody whom a selector matches; a set of its own. */
  select(selector: LabelSelector): NumberSet {
    const asking = selector.filter(({ operator }) => operator === 'In' || operator === 'Exists')
    const rarest = asking.reduce<Requirement | undefined>(
      (least, each) => (least === undefined || this.countOf(each) < this.countOf(least) ? each : least),
      undefined,
    )
    const length = (this.#end + 31) >>> 5
    if (rarest !== undefined && this.countOf(rarest) < length) return this.#sieve(rarest, selector)
    const words = new Uint32Array(length)
    this.#all.addTo(words)
    const holders = new Uint32Array(length)
    for (const requirement of selector) {
      holders.fill(0)
      for (const set of this.#holdersOf(requirement)) set.addTo(holders)
      if (isAsking(requirement)) for (let at = 0; at < length; at += 1) words[at]! &= holders[at]!
      else for (let at = 0; at < length; at += 1) words[at]! &= ~holders[at]!
    }
    return NumberSet.ofWords(words)
  }

  /** One by one those who meet the requirement that the fewest meet. */
  #sieve(rarest: Requirement, selector: LabelSelector): NumberSet {
    const found = new NumberSet()
    const tests = selector
      .filter(requirement => requirement !== rarest)
      .map(requirement => ({ wanted: isAsking(requirement), holders: this.#holdersOf(requirement) }))
    for (const set of this.#holdersOf(rarest)) {
      set.forEach(number => {
        if (tests.every(({ wanted, holders }) => holders.some(each => each.has(number)) === wanted)) found.add(number)
      })
    }
    return found
  }

  /** Those who have a label that the requirement names, whether it asks for it or forbids it. */
  #holdersOf({ key, operator, values }: Requirement): readonly NumberSet[] {
    const postings = this.#byKey.get(key)
    if (postings === undefined) return []
    if (operator === 'Exists' || operator === 'DoesNotExist') return [postings.any]
    return values.map(value => postings.byValue.get(value) ?? nobody)
  }
}

const isAsking = ({ operator }: Requirement): boolean => operator === 'In' || operator === 'Exists'
