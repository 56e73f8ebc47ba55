import { entryOf } from '../multimap.js'
import type { Direction } from '../policy/rule.js'
import { compareRules, judge, type Match } from './evaluate.js'
import type { Judgement } from './judgement.js'
import { packetKey, union, type Intervals } from './intervals.js'
import { portKey, type CompiledRule, type NamedUse, type PeerAtom, type PeerClass, type SubjectData } from './model.js'

/** A subject's rules of one direction, laid out by what they ask of peers. */
export interface Plan {
  /** Rules for every peer. */
  readonly always: readonly Match[]
  readonly byAtom: ReadonlyMap<PeerAtom, readonly Match[]>
  readonly byUse: ReadonlyMap<NamedUse, readonly CompiledRule[]>
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
  const always: Match[] = []
  const byAtom = new Map<PeerAtom, Match[]>()
  const byUse = new Map<NamedUse, CompiledRule[]>()
  for (const compiled of rules) {
    const { rule, bases, uses } = compiled
    if (rule.direction !== direction) continue
    for (const use of uses) append(byUse, use, compiled)
    const ports = ownPorts(compiled, resolution)
    if (ports.length === 0) continue
    if (bases === 'any') always.push({ rule, ports })
    else for (const base of bases) append(byAtom, base, { rule, ports })
  }
  return { always, byAtom, byUse }
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

/** What the plan says of a peer of whom these atoms hold. */
export function judgementFor(plan: Plan, atoms: readonly PeerAtom[]): Judgement {
  const matches = [...plan.always]
  for (const atom of atoms) {
    const found = plan.byAtom.get(atom)
    if (found !== undefined) matches.push(...found)
    if (atom.kind !== 'named') continue
    const ports = onePort(atom.use.protocol, atom.number)
    for (const { rule } of plan.byUse.get(atom.use) ?? []) matches.push({ rule, ports })
  }
  return judge(matches.sort((a, b) => compareRules(a.rule, b.rule)))
}

function onePort(protocol: number, number: number): Intervals {
  const key = packetKey(protocol, number)
  return [key, key]
}

function append<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  entryOf(map, key, () => []).push(item)
}
