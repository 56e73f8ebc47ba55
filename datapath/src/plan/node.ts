import { entryOf } from '@weir/core/multimap.js'
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
  const subjects = new Ways(movedUnits, ({ subject }) => subject)
  subjects.number(
    subject => liveness.subjectWasLive(subject),
    () => false,
    freshNumbers(installed, subject => used(installed, subject)),
  )
  const classes = new Ways(movedUnits, ({ peerClass }) => peerClass)
  classes.number(
    peerClass => liveness.classWasLive(peerClass),
    peerClass => peerClass !== 0 && !liveness.classKept(peerClass) && !liveness.classWillLive(peerClass),
    freshNumbers(installed, peerClass => liveness.classWasLive(peerClass) || some(installed.cells.subjects(peerClass))),
  )
  const activeSubjects = new Set(subjects.nodes.map(node => node.number))
  const activeClasses = new Set(classes.nodes.map(node => node.number))
  // Addresses that go the same way come one after the other.
  let last: { readonly from: Standing; readonly to: Standing; readonly standing: Standing } | undefined
  const during = ({ from, to }: Unit): Standing => {
    if (last === undefined || !sameStanding(last.from, from) || !sameStanding(last.to, to)) {
      const subject = subjects.numberOn(from.subject, to.subject)
      last = { from, to, standing: { subject, peerClass: classes.numberOn(from.peerClass, to.peerClass) } }
    }
    return last.standing
  }
  return {
    subjects: subjects.nodes,
    classes: classes.nodes,
    during,
    subjectActive: subject => activeSubjects.has(subject) || liveness.subjectKept(subject),
    classActive: peerClass => peerClass !== 0 && (activeClasses.has(peerClass) || liveness.classKept(peerClass)),
  }
}

const sameStanding = (a: Standing, b: Standing): boolean =>
  a === b || (a.subject === b.subject && a.peerClass === b.peerClass)

/** From which numbers to which addresses move, and the number that they have on each way. */
class Ways {
  readonly nodes: Node[] = []
  readonly #byTarget = new Map<number, Map<number, number>>()
  /** How many numbers the addresses of one go to. */
  readonly #targets = new Map<number, number>()

  constructor(units: readonly Unit[], numberOf: (standing: Standing) => number) {
    let [lastFrom, lastTo] = [-1, -1]
    for (const unit of units) {
      const [from, to] = [numberOf(unit.from), numberOf(unit.to)]
      if (from === lastFrom && to === lastTo) continue
      lastFrom = from
      lastTo = to
      const sources = entryOf(this.#byTarget, to, () => new Map<number, number>())
      if (sources.has(from)) continue
      sources.set(from, to)
      this.#targets.set(from, (this.#targets.get(from) ?? 0) + 1)
    }
  }

  /**
   * A final number serves as its own transitional one when nothing has it yet and all that get it come from one number:
   * then nothing has to move a second time. So does a first number that nothing has afterwards, when all that had it go
   * to one: they move once all cells are there.
   */
  number(
    wasLive: (number: number) => boolean,
    isLeft: (number: number) => boolean,
    fresh: Iterator<number, never>,
  ): void {
    for (const [to, sources] of this.#byTarget) {
      const direct = to !== 0 && sources.size === 1 && !wasLive(to)
      for (const from of sources.keys()) {
        if (from === to) continue
        const waits = !direct && this.#targets.get(from) === 1 && isLeft(from)
        const number = direct ? to : waits ? from : fresh.next().value
        sources.set(from, number)
        this.nodes.push({ from, to, number })
      }
    }
  }

  numberOn(from: number, to: number): number {
    return this.#byTarget.get(to)?.get(from) ?? to
  }
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
