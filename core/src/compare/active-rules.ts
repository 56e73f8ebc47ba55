import { entryOf } from '../multimap.js'
import { selectorText } from '../policy/match.js'
import type { Direction, PeerSelector } from '../policy/rule.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import type { BookRule, RuleBook } from './rule-book.js'

/** What two states' rules have to do with their differences: a flow changes only where an active rule speaks of it. */
export interface ActiveRules {
  /** Texts of rules that are in one state only, or that mean or select somebody in one state only. */
  readonly texts: Readonly<Record<Direction, ReadonlySet<string>>>
  readonly rules: Readonly<Record<Direction, readonly BookRule[]>>
  /** All rules of the states, each once. */
  readonly all: Readonly<Record<Direction, readonly BookRule[]>>
}

export const directions = ['egress', 'ingress'] as const

/** Texts of the rules that one of two states has more often than the other. */
export function changedRules(books: readonly RuleBook[]): Set<string> {
  const counts = new Map<string, number>()
  books.forEach(({ rules }, at) => {
    for (const { text } of rules) counts.set(text, (counts.get(text) ?? 0) + (at === 0 ? 1 : -1))
  })
  return new Set([...counts].filter(([, count]) => count !== 0).map(([text]) => text))
}

export function activeRules(books: readonly RuleBook[], texts: ReadonlySet<string>): ActiveRules {
  const all = { egress: new Map<string, BookRule>(), ingress: new Map<string, BookRule>() }
  for (const { rules } of books)
    for (const rule of rules)
      if (!all[rule.rule.direction].has(rule.text)) all[rule.rule.direction].set(rule.text, rule)
  const active = (direction: Direction): BookRule[] =>
    [...all[direction].values()].filter(({ text }) => texts.has(text))
  const rules = { egress: active('egress'), ingress: active('ingress') }
  return {
    rules,
    texts: {
      egress: new Set(rules.egress.map(({ text }) => text)),
      ingress: new Set(rules.ingress.map(({ text }) => text)),
    },
    all: { egress: [...all.egress.values()], ingress: [...all.ingress.values()] },
  }
}

/** Label selectors of peers; `any` when a rule means everybody, or some by their addresses. */
export function labelPeers(rules: readonly BookRule[]): readonly LabelSelector[] | 'any' {
  const selectors = new Map<string, LabelSelector>()
  for (const { rule } of rules) {
    if (rule.peers === 'any') return 'any'
    for (const peer of rule.peers) {
      if (peer.kind !== 'labels') return 'any'
      selectors.set(selectorText(peer.selector), peer.selector)
    }
  }
  return [...selectors.values()]
}

/** The peers that rules name by their labels, and those that they name by address. */
export function namedPeers(rules: readonly BookRule[]): {
  readonly labels: readonly LabelSelector[]
  readonly blocks: readonly PeerSelector[]
} {
  const labels = new Map<string, LabelSelector>()
  const blocks = new Map<string, PeerSelector>()
  for (const { rule, peers } of rules) {
    if (rule.peers === 'any' || peers === 'any') continue
    rule.peers.forEach((peer, at) => {
      if (peer.kind === 'labels') labels.set(peers[at]!, peer.selector)
      else blocks.set(peers[at]!, peer)
    })
  }
  return { labels: [...labels.values()], blocks: [...blocks.values()] }
}

export function subjectsOf(rules: readonly BookRule[]): LabelSelector[] {
  const selectors = new Map<string, LabelSelector>()
  for (const { rule } of rules) selectors.set(selectorText(rule.subject), rule.subject)
  return [...selectors.values()]
}

/** Comparing each with each is worth it for a few only. */
const comparedMax = 64

/** Says of a selector whether somebody may meet it and one of the others too. */
export function meetingAny(others: readonly LabelSelector[] | 'any'): (selector: LabelSelector) => boolean {
  if (others === 'any' || others.length > comparedMax) return () => true
  const known = new Map<string, boolean>()
  return selector =>
    entryOf(known, selectorText(selector), () => others.some(other => canMeet([...selector, ...other])))
}

/** Whether requirements leave some value, or absence, for each key. */
function canMeet(requirements: readonly Requirement[]): boolean {
  const byKey = new Map<string, Requirement[]>()
  for (const requirement of requirements) entryOf(byKey, requirement.key, () => []).push(requirement)
  return [...byKey.values()].every(of => {
    if (of.length === 1) return true
    const isAsked = of.some(({ operator }) => operator === 'In' || operator === 'Exists')
    if (isAsked && of.some(({ operator }) => operator === 'DoesNotExist')) return false
    const listed = of.find(({ operator }) => operator === 'In')
    return (
      listed === undefined ||
      listed.values.some(value =>
        of.every(({ operator, values }) =>
          operator === 'In' ? values.includes(value) : operator !== 'NotIn' || !values.includes(value),
        ),
      )
    )
  })
}

export const otherDirection = (direction: Direction): Direction => (direction === 'egress' ? 'ingress' : 'egress')
