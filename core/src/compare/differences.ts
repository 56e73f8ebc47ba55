import { entryOf } from '../multimap.js'
import { matchingRules } from './classes.js'
import type { ChangeKind, Difference, PortNaming } from './compare.js'
import { meetings, type Outcome, outcomesOf, outcomeText } from './outcome.js'
import type { Pair } from './pairs.js'
import type { BookRule } from './rule-book.js'
import { asksForNames, freeRow, judgeSide, type PortNames, type SideRow } from './side.js'

/** Finds what two states make of flows. Pairs that the same rules speak of, of which there may be many, share it. */
export class DifferenceFinder {
  readonly #known = new Map<string, readonly Difference[]>()
  readonly #ports = new Map<PortNames, number>()

  /** What becomes of the flows of a pair, where the states differ. */
  of(pair: Pair): readonly Difference[] {
    const matching = matchingOf(pair)
    const isComing = pair.to.kind === 'hypothetical'
    const named = matching.some(({ egress, ingress }) => asksForNames(egress) || asksForNames(ingress))
    const numbers = (): string => pair.to.standings.map(standing => this.#numberOf(standing.ports)).join()
    const ports = isComing ? 'any' : named ? numbers() : ''
    const rules = matching.map(({ egress, ingress }) => [egress, ingress].map(each => each.map(({ id }) => id).join()))
    return entryOf(this.#known, `${rules.flat().join(';')} ${ports}`, () => differencesOf(pair, matching))
  }

  #numberOf(ports: PortNames): number {
    return entryOf(this.#ports, ports, () => this.#ports.size)
  }
}

function differencesOf(pair: Pair, matching: readonly Matching[]): Difference[] {
  const names = namesIn(pair, matching)
  if (names.length === 0) {
    const stretches = stretchesOf(matching, state => pair.to.standings[state]!.ports)
    return joined(stretches.map(stretch => ({ stretch })))
  }
  return joined(byNames(names, some => stretchesOf(matching, () => some)))
}

/** The names of a pod's ports that rules of a pair ask for, where nobody knows yet which ports have them. */
export const portNamesOf = (pair: Pair): readonly string[] =>
  pair.to.kind === 'hypothetical' ? namesIn(pair, matchingOf(pair)) : []

const matchingOf = (pair: Pair): readonly Matching[] =>
  [0, 1].map(state => ({
    egress: matchingRules(state, 'egress', pair.from, pair.to, pair.own[state]!),
    ingress: matchingRules(state, 'ingress', pair.to, pair.from, pair.own[state]!),
  }))

interface Matching {
  readonly egress: readonly BookRule[]
  readonly ingress: readonly BookRule[]
}

/** A range of packet keys and what becomes of it; `change` is absent where it is the same in both states. */
interface ChangeStretch {
  readonly first: number
  readonly last: number
  readonly change: ChangeKind | undefined
  readonly before: Outcome
  readonly after: Outcome
}

function stretchesOf(matching: readonly Matching[], portsIn: (state: number) => PortNames): ChangeStretch[] {
  const [before, after] = matching.map(({ egress, ingress }, state) => ({
    egress: rowFor(egress, portsIn(state)),
    ingress: rowFor(ingress, portsIn(state)),
  }))
  if (before!.egress.text === after!.egress.text && before!.ingress.text === after!.ingress.text) return []
  const a = outcomesOf(before!.egress, before!.ingress)
  const b = outcomesOf(after!.egress, after!.ingress)
  return [...meetings(a, b)].map(([first, last, { outcome }, { outcome: later }]) => ({
    first,
    last,
    change: changeOf(outcome, later),
    before: outcome,
    after: later,
  }))
}

const rowFor = (rules: readonly BookRule[], ports: PortNames): SideRow =>
  rules.length === 0 ? freeRow : judgeSide(rules, ports)

interface Named {
  readonly stretch: ChangeStretch
  readonly portNames?: PortNaming
}

/** Most names that are tried in every combination; the ports of more are taken to have one name at most. */
export const namesMax = 6

/**
 * The same for every set of names that a port may have: nobody knows yet how a pod to come names its ports. Where the
 * names are all the same no more is said of them.
 */
function byNames(names: readonly string[], stretchesFor: (names: ReadonlySet<string>) => ChangeStretch[]): Named[] {
  const sets = subsetsOf(names)
  const rows = sets.map(set => stretchesFor(set))
  const edges = [...new Set(rows.flat().flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b)
  const found: Named[] = []
  const at = rows.map(() => 0)
  for (let edge = 0; edge + 1 < edges.length; edge += 1) {
    const first = edges[edge]!
    const last = edges[edge + 1]! - 1
    const pieces = rows.map((row, index) => {
      while (at[index]! < row.length && row[at[index]!]!.last < first) at[index]! += 1
      const piece = row[at[index]!]
      return piece !== undefined && piece.first <= first && piece.change !== undefined
        ? { ...piece, first, last }
        : undefined
    })
    const texts = new Set(pieces.map(piece => (piece === undefined ? '' : textOf(piece))))
    if (texts.size === 1) {
      if (pieces[0] !== undefined) found.push({ stretch: pieces[0] })
      continue
    }
    pieces.forEach((piece, index) => {
      const has = [...sets[index]!]
      if (piece !== undefined)
        found.push({ stretch: piece, portNames: { has, lacks: names.filter(name => !has.includes(name)) } })
    })
  }
  return found
}

function subsetsOf(names: readonly string[]): readonly ReadonlySet<string>[] {
  if (names.length > namesMax) return [new Set<string>(), ...names.map(name => new Set([name]))]
  return Array.from({ length: 1 << names.length }, (_, bits) => new Set(names.filter((_name, at) => bits & (1 << at))))
}

function namesIn({ to }: Pair, matching: readonly Matching[]): string[] {
  if (to.kind !== 'hypothetical') return []
  const rules = matching.flatMap(each => [...each.egress, ...each.ingress])
  return [...new Set(rules.flatMap(({ names }) => names.map(({ name }) => name)))].sort()
}

function joined(named: readonly Named[]): Difference[] {
  const found = new Map<string, Difference & { readonly keys: number[] }>()
  for (const { stretch, portNames } of named) {
    const { first, last, change, before, after } = stretch
    if (change === undefined) continue
    const key = `${textOf(stretch)}\n${portNames?.has.join() ?? '*'}`
    const { keys } = entryOf(found, key, () => ({
      change,
      keys: [],
      before,
      after,
      ...(portNames !== undefined && { portNames }),
    }))
    if (keys.at(-1) === first - 1) keys[keys.length - 1] = last
    else keys.push(first, last)
  }
  return [...found.values()]
}

const textOf = ({ change, before, after }: Omit<ChangeStretch, 'first' | 'last'>): string =>
  `${change}\n${outcomeText(before)}\n${outcomeText(after)}\n${before.l7}\n${after.l7}`

function changeOf(before: Outcome, after: Outcome): ChangeKind | undefined {
  if (before.allowed !== after.allowed) return after.allowed ? 'newly-allowed' : 'newly-denied'
  return before.l7 !== after.l7 ? 'changed-l7' : undefined
}
