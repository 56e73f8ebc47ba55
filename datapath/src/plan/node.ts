import type { Installed } from './installed.js'
import { type Liveness, moved, type Standing, type Unit } from './unit.js'

/**
 * Addresses of one number on their way to another, under the number that they have meanwhile. Its cells can change
 * while those of `from` and `to` stay as their other addresses need them.
 */
export interface Node {
  readonly from: number
  readonly to: number
  readonly number: number
}

/** The numbers of a staged change. */
export interface Nodes {
  readonly subjects: readonly Node[]
  readonly classes: readonly Node[]
  /** The numbers that a unit's addresses have between the refining and the last moves. */
  during(unit: Unit): Standing
  subjectActive(subject: number): boolean
  classActive(peerClass: number): boolean
}

/** Numbers from here on are transitional: core never gives them. Peer classes have 31 bits. */
export const firstTransitional = 0x40000000
const transitionalCount = 0x3fffffff

export const isTransitional = (number: number): boolean => number >= firstTransitional

export function nodesOf(installed: Installed, units: readonly Unit[], liveness: Liveness): Nodes {
  const movedUnits = units.filter(moved)
  const subjects = number(
    movedUnits.map(unit => [unit.from.subject, unit.to.subject]),
    subject => liveness.subjectWasLive(subject),
    freshNumbers(installed, subject => used(installed, subject)),
  )
  const classes = number(
    movedUnits.map(unit => [unit.from.peerClass, unit.to.peerClass]),
    peerClass => liveness.classWasLive(peerClass),
    freshNumbers(installed, peerClass => liveness.classWasLive(peerClass) || some(installed.cells.subjects(peerClass))),
  )
  const activeSubjects = new Set([...subjects.values()].map(node => node.number))
  const activeClasses = new Set([...classes.values()].map(node => node.number))
  return {
    subjects: [...subjects.values()],
    classes: [...classes.values()],
    during: unit => ({
      subject: subjects.get(name(unit.from.subject, unit.to.subject))?.number ?? unit.to.subject,
      peerClass: classes.get(name(unit.from.peerClass, unit.to.peerClass))?.number ?? unit.to.peerClass,
    }),
    subjectActive: subject => activeSubjects.has(subject) || liveness.subjectKept(subject),
    classActive: peerClass => peerClass !== 0 && (activeClasses.has(peerClass) || liveness.classKept(peerClass)),
  }
}

const name = (from: number, to: number) => `${from}>${to}`

/**
 * A final number serves as its own transitional one when nothing has it yet and all that get it come from one number:
 * then nothing has to move a second time.
 */
function number(
  pairs: readonly (readonly [number, number])[],
  wasLive: (number: number) => boolean,
  fresh: Iterator<number, never>,
): ReadonlyMap<string, Node> {
  const sources = new Map<number, Set<number>>()
  for (const [from, to] of pairs) sources.set(to, (sources.get(to) ?? new Set()).add(from))
  const nodes = new Map<string, Node>()
  for (const [from, to] of pairs) {
    if (from === to || nodes.has(name(from, to))) continue
    const direct = to !== 0 && !wasLive(to) && sources.get(to)!.size === 1
    nodes.set(name(from, to), { from, to, number: direct ? to : fresh.next().value })
  }
  return nodes
}

/** Starts at another place after each change, so that a packet in flight can't meet a number of the last one. */
function* freshNumbers(installed: Installed, inUse: (number: number) => boolean): Generator<number, never> {
  let offset = (installed.generation * 4096) % transitionalCount
  for (;;) {
    const candidate = firstTransitional + offset
    if (!inUse(candidate)) yield candidate
    offset = (offset + 1) % transitionalCount
  }
}

const used = (installed: Installed, subject: number): boolean =>
  installed.addressesOf(subject).size > 0 ||
  some(installed.cells.classes(subject, 0)) ||
  some(installed.cells.classes(subject, 1))

function some(items: Iterable<unknown>): boolean {
  for (const _ of items) return true
  return false
}
