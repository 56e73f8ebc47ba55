import { entryOf } from '../multimap.js'
import type { Direction, Tier } from '../policy/rule.js'
import { compareRules, judge, type Match } from './evaluate.js'
import type { Judgement } from './judgement.js'
import { everything, packetKey, union, type Intervals } from './intervals.js'
import {
  portKey,
  type CompiledRule,
  type NamedUse,
  type PeerAtom,
  type PeerClass,
  type PeersChange,
  type Subject,
  type SubjectData,
} from './model.js'

/** A match with its rule's place in the deciding order. */
interface Placed extends Match {
  readonly place: number
}

/** A subject's rules of one direction, laid out by what they ask of peers. */
export interface Plan {
  /** Rules for every peer. */
  readonly always: readonly Placed[]
  readonly byAtom: Map<PeerAtom, readonly Placed[]>
  readonly byUse: ReadonlyMap<NamedUse, readonly CompiledRule[]>
  /** Found judgements, by the places of the rules that match: thousands of classes share a few. */
  readonly judged: Map<string, Judgement>
}

/** The numbers that a rule's ports have for a subject that resolves names so; egress names resolve per peer. */
export function ownPorts({ rule, numbered, names }: CompiledRule, resolution: ReadonlyMap<string, number>): Intervals {
  if (rule.direction === 'egress') return numbered
  let ports = numbered
  for (const { name, protocol } of names) {
    const number = resolution.get(portKey(protocol, name))
    if (number !== undefined) ports = union(ports, onePort(protocol, number))
  }
  return ports
}

export function planOf({ rules, resolution }: SubjectData, direction: Direction): Plan {
  const always: Placed[] = []
  const byAtom = new Map<PeerAtom, Placed[]>()
  const byUse = new Map<NamedUse, CompiledRule[]>()
  let closed: Tier | undefined
  for (const [place, compiled] of rules.entries()) {
    const { rule, bases, uses } = compiled
    if (rule.direction !== direction) continue
    for (const use of uses) append(byUse, use, compiled)
    const ports = ownPorts(compiled, resolution)
    if (ports.length === 0) continue
    const match: Placed = { rule, ports, place }
    if (bases === 'any') {
      // Each of a thousand policies isolates: what comes after a rule for every peer and port is never asked.
      if (closed === rule.tier) continue
      if (ports === everything) closed = rule.tier
      always.push(match)
    } else for (const base of bases.values()) append(byAtom, base, match)
  }
  return { always, byAtom, byUse, judged: new Map() }
}

/** Has a rule of the plan ask other peers. @returns the atoms that no rule of it asks for any more */
export function amendPlan(
  plan: Plan,
  { rules, resolution }: SubjectData,
  { rule, begun, ended }: PeersChange,
): PeerAtom[] {
  const ports = ownPorts(rule, resolution)
  const left: PeerAtom[] = []
  if (ports.length === 0) return left
  const place = rules.indexOf(rule)
  for (const atom of begun) {
    plan.byAtom.set(atom, [...(plan.byAtom.get(atom) ?? []), { rule: rule.rule, ports, place }])
  }
  for (const atom of ended) {
    const others = plan.byAtom.get(atom)!.filter(match => match.place !== place)
    if (others.length > 0) {
      plan.byAtom.set(atom, others)
      continue
    }
    plan.byAtom.delete(atom)
    left.push(atom)
  }
  return left
}

/** The classes that the plan has more to say of than of an unknown peer. */
export function classesOf(plan: Plan): Set<PeerClass> {
  const classes = new Set<PeerClass>()
  for (const atom of plan.byAtom.keys()) for (const peerClass of atom.classes) classes.add(peerClass)
  for (const use of plan.byUse.keys()) {
    for (const atom of use.byNumber.values()) for (const peerClass of atom.classes) classes.add(peerClass)
  }
  return classes
}

/** The subjects whose rules ask for any of the atoms. */
export function subjectsAsking(atoms: Iterable<PeerAtom>): Set<Subject> {
  const subjects = new Set<Subject>()
  for (const atom of atoms) {
    for (const subject of atom.subjects) subjects.add(subject)
    if (atom.kind === 'named') for (const subject of atom.use.subjects) subjects.add(subject)
  }
  return subjects
}

/** What the plan says of a peer of whom these atoms hold. */
export function judgementFor(plan: Plan, atoms: readonly PeerAtom[]): Judgement {
  const matches = [...plan.always]
  const named: Match[] = []
  for (const atom of atoms) {
    const some = plan.byAtom.get(atom)
    if (some !== undefined) for (const match of some) matches.push(match)
    if (atom.kind !== 'named') continue
    const ports = onePort(atom.use.protocol, atom.number)
    for (const { rule } of plan.byUse.get(atom.use) ?? []) named.push({ rule, ports })
  }
  const inOrder = matches.length > plan.always.length ? eachOnce(matches) : matches
  if (named.length > 0) return judge([...inOrder, ...named].sort((a, b) => compareRules(a.rule, b.rule)))
  let places = ''
  for (const { place } of inOrder) places += `${place},`
  return entryOf(plan.judged, places, () => judge(inOrder))
}

/** By place; a rule that matches by several of its peers is there once. */
function eachOnce(matches: Placed[]): Placed[] {
  matches.sort((a, b) => a.place - b.place)
  return matches.filter(({ place }, index) => index === 0 || matches[index - 1]!.place !== place)
}

function onePort(protocol: number, number: number): Intervals {
  const key = packetKey(protocol, number)
  return [key, key]
}

function append<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  entryOf(map, key, () => []).push(item)
}
