import { entryOf } from '../multimap.js'
import { matchesSelector } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { type Cube, isAlwaysThere, type KeySet } from './key-set.js'

/** Sets of labels that the same questions are answered alike for. */
export interface LabelSets {
  /** Numbers of the questions that hold, rising. */
  readonly holds: readonly number[]
  /** One of the sets: of the labels that a pod has by itself. */
  readonly labels: ReadonlyMap<string, string>
  readonly cubes: readonly Cube[]
}

/** A question that isn't answered yet: all of the rest must be met. */
export interface Question {
  readonly id: number
  readonly rest: LabelSelector
}

/** A value that no selector lists: it holds a blank, which no label may. */
export const unheardOf = 'some other'

/**
 * Every combination of answers that some set of labels gives: per key the values that are asked for, any other, and
 * absence. Keys are settled one after the other, and only those that an open question still asks about, so the number
 * of combinations met is that of those that can be.
 */
export class LabelSpace {
  /** Cubes that were not looked into, because the limit was reached. */
  readonly left: Cube[] = []
  readonly #goals: ReadonlySet<number> | undefined
  readonly #limit: number
  #count = 0

  /**
   * @param goals of these questions one must hold; absent: any combination is of interest
   * @param limit most cubes that are looked into
   */
  constructor(goals: ReadonlySet<number> | undefined, limit: number) {
    this.#goals = goals
    this.#limit = limit
  }

  /** @param cube what is settled already; a question of which nothing is left holds */
  sets(questions: readonly Question[], cube: Cube): LabelSets[] {
    const found = new Map<string, { holds: readonly number[]; labels: ReadonlyMap<string, string>; cubes: Cube[] }>()
    const visit = (open: readonly Question[], holding: readonly number[], labels: Labels, where: Cube): void => {
      if (!this.#isWanted(open, holding)) return
      if (this.#count >= this.#limit) {
        this.left.push(where)
        return
      }
      const key = mostAsked(open)
      if (key === undefined) {
        this.#count += 1
        const holds = [...holding].sort((a, b) => a - b)
        entryOf(found, holds.join(), () => ({ holds, labels, cubes: [] })).cubes.push(where)
        return
      }
      for (const choice of choicesOf(key, open)) {
        const settled = choice.open.filter(({ rest }) => rest.length === 0).map(({ id }) => id)
        visit(
          choice.open.filter(({ rest }) => rest.length > 0),
          [...holding, ...settled],
          choice.value === undefined ? labels : new Map([...labels, [key, choice.value]]),
          isNeverThere(key) ? where : new Map([...where, [key, choice.set]]),
        )
      }
    }
    visit(
      questions.filter(({ rest }) => rest.length > 0),
      questions.filter(({ rest }) => rest.length === 0).map(({ id }) => id),
      new Map(),
      cube,
    )
    return [...found.values()]
  }

  #isWanted(open: readonly Question[], holding: readonly number[]): boolean {
    const goals = this.#goals
    return goals === undefined || holding.some(id => goals.has(id)) || open.some(({ id }) => goals.has(id))
  }
}

type Labels = ReadonlyMap<string, string>

/** What is left of questions when some labels are known: one that can't be met any more goes. */
export function answered(
  questions: readonly Question[],
  isKnown: (key: string) => boolean,
  labels: ReadonlyMap<string, string>,
): Question[] {
  return questions.flatMap(({ id, rest }) => {
    if (!rest.some(({ key }) => isKnown(key))) return [{ id, rest }]
    const known = rest.filter(({ key }) => isKnown(key))
    return matchesSelector(known, labels) ? [{ id, rest: rest.filter(({ key }) => !isKnown(key)) }] : []
  })
}

function mostAsked(questions: readonly Question[]): string | undefined {
  const counts = new Map<string, number>()
  let most: string | undefined
  for (const { rest } of questions) {
    for (const { key } of rest) {
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      if (most === undefined || count > counts.get(most)!) most = key
    }
  }
  return most
}

interface Choice {
  readonly open: readonly Question[]
  readonly value: string | undefined
  readonly set: KeySet
}

/** What a key may be, taken together where the same questions stay. */
function choicesOf(key: string, questions: readonly Question[]): Choice[] {
  const asking = questions.filter(({ rest }) => rest.some(requirement => requirement.key === key))
  const others = questions.filter(({ rest }) => !rest.some(requirement => requirement.key === key))
  const naming = new Map<string, Question[]>()
  for (const question of asking)
    for (const value of new Set(valuesOf(key, question.rest))) entryOf(naming, value, () => []).push(question)
  const named = [...naming.keys()].sort()
  const settled = (some: readonly Question[], value: string | undefined): Question[] =>
    answered(some, each => each === key, new Map(value === undefined ? [] : [[key, value]]))
  const openElsewhere = settled(asking, unheardOf)
  const places = new Map(asking.map(({ id }, place) => [id, place]))
  // Who doesn't name a value says of it what is said of any other: there may be many values, and as many questions.
  const openAt = (value: string): Question[] => {
    const speaking = naming.get(value)!
    const ids = new Set(speaking.map(({ id }) => id))
    return [...openElsewhere.filter(({ id }) => !ids.has(id)), ...settled(speaking, value)].sort(
      (a, b) => places.get(a.id)! - places.get(b.id)!,
    )
  }
  const groups = new Map<string, { open: Question[]; values: string[]; others: boolean; absent: boolean }>()
  const add = (value: string | undefined, what: 'listed' | 'others' | 'absent', open: readonly Question[]): void => {
    const group = entryOf(groups, open.map(({ id }) => id).join(), () => ({
      open: [...open, ...others],
      values: [],
      others: false,
      absent: false,
    }))
    if (what === 'listed') group.values.push(value!)
    else group[what] = true
  }
  for (const value of named) add(value, 'listed', openAt(value))
  if (!isNeverThere(key)) add(unheardOf, 'others', openElsewhere)
  if (!isAlwaysThere(key)) add(undefined, 'absent', settled(asking, undefined))
  return [...groups.values()]
    .sort((a, b) => b.open.length - a.open.length)
    .map(({ open, values, others: isOpen, absent }) => ({
      open,
      value: values[0] ?? (isOpen ? unheardOf : undefined),
      set: { listed: isOpen ? named.filter(value => !values.includes(value)) : values, others: isOpen, absent },
    }))
}

const valuesOf = (key: string, selector: LabelSelector): readonly string[] =>
  isNeverThere(key)
    ? []
    : selector.flatMap((requirement: Requirement) => (requirement.key === key ? requirement.values : []))

/** No pod has labels that say what a node is. */
export const isNeverThere = (key: string): boolean => key.startsWith('reserved:') || key.startsWith('node:')
