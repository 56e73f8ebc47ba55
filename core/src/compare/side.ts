import { entryOf } from '../multimap.js'
import { protocolNumbers, type Rule } from '../policy/rule.js'
import { difference, intersection, packetKey, union, unionOf, type Intervals } from '../verdict/intervals.js'
import { portKey } from '../verdict/model.js'
import type { BookRule } from './rule-book.js'

/** What one end's rules say about a range of packet keys, and which of them decide it. */
export interface Piece {
  readonly first: number
  readonly last: number
  readonly allowed: boolean
  /** What a proxy must find in the traffic, as text; until one runs nothing passes. Absent when nothing is asked. */
  readonly l7?: string
  /** The rules that decide, all of one rank; empty where no rule has anything to say. */
  readonly rules: readonly BookRule[]
}

/** A verdict for every packet key: pieces in rising order, without gaps. */
export interface SideRow {
  readonly pieces: readonly Piece[]
  /** Verdicts and L7 without causes: rows with equal texts judge alike. */
  readonly text: string
}

/** Protocols end at 255: keys above belong to no packet. */
const lastKey = 0x00ffffff
const packets: Intervals = [0, lastKey]

/** The row of an end that nothing judges. */
export const freeRow: SideRow = rowOf([{ first: 0, last: lastKey, allowed: true, rules: [] }])

/**
 * Judges every protocol and port at once: the first rank of rules with a match decides a key, a pass goes on to the
 * next tier, what nothing decides is allowed.
 * @param rules those that select the subject and mean the peer, in deciding order
 * @param ports the named ports of the destination
 */
export function judgeSide(rules: readonly BookRule[], ports: PortNames): SideRow {
  const pieces: Piece[] = []
  let undecided = packets
  let passed: Intervals = []
  let tier: Rule['tier'] | undefined
  for (const rank of ranksOf(rules)) {
    const { rule } = rank[0]!
    if (rule.tier !== tier) {
      undecided = union(undecided, passed)
      passed = []
      tier = rule.tier
    }
    const matched = rank.map(each => ({ each, taken: intersection(undecided, portsOf(each, ports)) }))
    const taken = unionOf(matched.map(match => match.taken))
    if (taken.length === 0) continue
    undecided = difference(undecided, taken)
    if (rule.action === 'pass') passed = union(passed, taken)
    else pieces.push(...split(matched, rule.action === 'allow'))
  }
  const free = union(undecided, passed)
  for (let at = 0; at < free.length; at += 2)
    pieces.push({ first: free[at]!, last: free[at + 1]!, allowed: true, rules: [] })
  return rowOf(pieces.sort((a, b) => a.first - b.first))
}

/** The numbers that a destination gives names, by `portKey`; or the names that each port is supposed to have. */
export type PortNames = ReadonlyMap<string, number> | ReadonlySet<string>

/** Whether it matters to some of these rules what a destination calls its ports. */
export const asksForNames = (rules: readonly BookRule[]): boolean => rules.some(({ names }) => names.length > 0)

/** The numbers that a rule's ports have where the destination's names mean these. */
export function portsOf({ numbered, names }: BookRule, ports: PortNames): Intervals {
  let sum = numbered
  for (const { name, protocol } of names) {
    for (const each of protocol === 0 ? namedProtocols : [protocol]) {
      if (ports instanceof Set) {
        if (ports.has(name)) sum = union(sum, [packetKey(each, 0), packetKey(each, 0xffff)])
        continue
      }
      const number = (ports as ReadonlyMap<string, number>).get(portKey(each, name))
      if (number !== undefined) sum = union(sum, [packetKey(each, number), packetKey(each, number)])
    }
  }
  return sum
}

/** A name without a protocol means whichever has it. */
const namedProtocols = [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP]

/** Rules that decide together: one tier, one order, one action. */
function ranksOf(rules: readonly BookRule[]): readonly (readonly BookRule[])[] {
  const ranks: BookRule[][] = []
  for (const each of rules) {
    const last = ranks.at(-1)
    const head = last?.[0]?.rule
    const same = head?.tier === each.rule.tier && head.order === each.rule.order && head.action === each.rule.action
    if (same) last!.push(each)
    else ranks.push([each])
  }
  return ranks
}

/** Cuts what a rank takes at every edge of its rules, so that each piece has its own deciders. */
function split(matched: readonly { readonly each: BookRule; readonly taken: Intervals }[], allowed: boolean): Piece[] {
  const begins = new Map<number, number[]>()
  const ends = new Map<number, number[]>()
  for (const [rule, { taken }] of matched.entries()) {
    for (let at = 0; at < taken.length; at += 2) {
      entryOf(begins, taken[at]!, () => []).push(rule)
      entryOf(ends, taken[at + 1]! + 1, () => []).push(rule)
    }
  }
  const sorted = [...new Set([...begins.keys(), ...ends.keys()])].sort((a, b) => a - b)
  const pieces: Piece[] = []
  const deciding = new Set<number>()
  for (let at = 0; at + 1 < sorted.length; at += 1) {
    const first = sorted[at]!
    for (const rule of ends.get(first) ?? []) deciding.delete(rule)
    for (const rule of begins.get(first) ?? []) deciding.add(rule)
    const rules = [...deciding].sort((a, b) => a - b).map(rule => matched[rule]!.each)
    if (rules.length === 0) continue
    const l7 = allowed ? l7Text(rules) : undefined
    const last = sorted[at + 1]! - 1
    pieces.push(l7 === undefined ? { first, last, allowed, rules } : { first, last, allowed: false, l7, rules })
  }
  return pieces
}

/** The union of what the rules ask of the traffic; one that asks nothing leaves nothing to ask. */
function l7Text(rules: readonly BookRule[]): string | undefined {
  const texts = rules.map(({ rule }) => ('l7' in rule && rule.l7 !== undefined ? JSON.stringify(rule.l7) : undefined))
  return texts.includes(undefined) ? undefined : [...new Set(texts)].sort().join(' or ')
}

function rowOf(pieces: readonly Piece[]): SideRow {
  const texts: string[] = []
  let last = ''
  for (const { first, allowed, l7 } of pieces) {
    const verdict = allowed ? `+${l7 ?? ''}` : '-'
    if (verdict !== last) texts.push(`${first}${verdict}`)
    last = verdict
  }
  return { pieces, text: texts.join(' ') }
}
