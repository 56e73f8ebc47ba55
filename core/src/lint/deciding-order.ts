import type { BookRule } from '../compare/rule-book.js'
import { derivedKeys } from '../identity/labels.js'
import { entryOf } from '../multimap.js'
import { selectorText } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import { compareRules } from '../verdict/evaluate.js'

/** Rules with one subject, by their places in the order, which rise. */
interface SubjectRules {
  readonly selector: LabelSelector
  readonly places: number[]
}

/**
 * Rules in the order in which they decide, to be asked for those before one that can select the same pod. Rules mostly
 * share their subjects and stay within a namespace: whom a subject can meet is found once, among those of its namespace.
 */
export class DecidingOrder {
  readonly rules: readonly BookRule[]
  /** By rule: the place of the first that is not asked before it. */
  readonly #ends = new Map<BookRule, number>()
  readonly #subjects = new Map<string, SubjectRules>()
  readonly #byNamespace = new Map<string, SubjectRules[]>()
  /** Of no one namespace. */
  readonly #anywhere: SubjectRules[] = []
  /** Places of all rules that a subject can meet, by its text, once asked for. */
  readonly #meeting = new Map<string, readonly number[]>()

  /** @param rules of one direction */
  constructor(rules: readonly BookRule[]) {
    this.rules = rules.toSorted((a, b) => compareRules(a.rule, b.rule))
    let end = 0
    for (const [place, each] of this.rules.entries()) {
      if (place > 0 && compareRules(this.rules[place - 1]!.rule, each.rule) < 0) end = place
      this.#ends.set(each, end)
      this.#subjectOf(each).places.push(place)
    }
  }

  /** The rules that are asked before one, in their order, as far as both can select the same pod. */
  before(each: BookRule): readonly BookRule[] {
    const end = this.#ends.get(each)!
    const found: BookRule[] = []
    for (const place of this.#placesMeeting(each.rule.subject)) {
      if (place >= end) break
      found.push(this.rules[place]!)
    }
    return found
  }

  #subjectOf({ rule }: BookRule): SubjectRules {
    const { subject } = rule
    return entryOf(this.#subjects, selectorText(subject), () => {
      const made: SubjectRules = { selector: subject, places: [] }
      const namespace = namespaceOf(subject)
      if (namespace === undefined) this.#anywhere.push(made)
      else entryOf(this.#byNamespace, namespace, () => []).push(made)
      return made
    })
  }

  #placesMeeting(subject: LabelSelector): readonly number[] {
    return entryOf(this.#meeting, selectorText(subject), () => {
      const namespace = namespaceOf(subject)
      const there = namespace === undefined ? [...this.#byNamespace.values()].flat() : this.#byNamespace.get(namespace)!
      return [...this.#anywhere, ...there]
        .filter(({ selector }) => canMeet(subject, selector))
        .flatMap(({ places }) => places)
        .sort((a, b) => a - b)
    })
  }
}

/** The only namespace that a subject can be in, where it names one. */
function namespaceOf(subject: LabelSelector): string | undefined {
  const place = subject.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
  return place?.values.length === 1 ? place.values[0] : undefined
}

/** False where both ask for a label, and for other values of it. */
const canMeet = (a: LabelSelector, b: LabelSelector): boolean =>
  a === b ||
  !a.some(
    ({ key, operator, values }) =>
      operator === 'In' &&
      b.some(
        other => other.key === key && other.operator === 'In' && !other.values.some(value => values.includes(value)),
      ),
  )
