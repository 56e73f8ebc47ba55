import type { LabelMap } from '../identity/labels.js'
import { matchesSelector } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'

/** So many changes back it can be told whom they were about. */
const remembered = 64

/** Whose rules were changed lately: who remembers somebody's rules can ask whether they still hold. */
export class SubjectChanges {
  readonly #recent: (readonly LabelSelector[])[] = []
  #count = 0

  /** How many changes there were. */
  get count(): number {
    return this.#count
  }

  /** @param subjects of the rules that went, came or are others */
  add(subjects: Iterable<LabelSelector>): void {
    this.#recent[this.#count % remembered] = [...new Set(subjects)]
    this.#count += 1
  }

  /** Whether none of the changes after the first `count` was about somebody with these labels. */
  isSame(labels: LabelMap, count: number): boolean {
    if (this.#count - count > remembered) return false
    for (let at = count; at < this.#count; at++)
      if (this.#recent[at % remembered]!.some(selector => matchesSelector(selector, labels))) return false
    return true
  }
}
