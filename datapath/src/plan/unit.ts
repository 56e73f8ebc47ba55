import type { Peer } from '../peer.js'
import type { Installed } from './installed.js'
import type { Goal } from './operation.js'
import { bitsOf, covering, PrefixOverlay } from './prefix-table.js'

/** How an address is judged: its row of the cells and its column. Zeros where nothing knows the address. */
export interface Standing {
  readonly subject: number
  readonly peerClass: number
}

/**
 * Addresses that change together: one exact address, or what a prefix covers apart from longer prefixes and exact
 * addresses. A key without a row of its own stands as the longest prefix around it does.
 */
export interface Unit {
  readonly table: 'addresses' | 'prefixes'
  readonly key: string
  readonly family: 4 | 6
  /** Prefix length in bits. */
  readonly length: number
  /** The key's own row before and after. */
  readonly before: Peer | undefined
  readonly after: Peer | undefined
  readonly from: Standing
  readonly to: Standing
}

export const moved = (unit: Unit): boolean =>
  unit.from.subject !== unit.to.subject || unit.from.peerClass !== unit.to.peerClass

const unknown: Standing = { subject: 0, peerClass: 0 }

/** Every key whose own row the goal changes. No other address changes how it stands. */
export function findUnits(installed: Installed, goal: Goal): readonly Unit[] {
  const after = new PrefixOverlay(installed.prefixes, goal.prefixes)
  const units: Unit[] = []
  const unit = (table: Unit['table'], key: string, own: readonly [Peer | undefined, Peer | undefined]) => {
    const bits = bitsOf(key)
    // An exact address is looked up in a map of its own: a prefix of full length is still around it.
    const below = table === 'addresses' ? bits.length + 1 : bits.length
    units.push({
      table,
      key,
      family: bits.family,
      length: below,
      before: own[0],
      after: own[1],
      from: own[0] ?? covering(installed.prefixes, bits, below) ?? unknown,
      to: own[1] ?? covering(after, bits, below) ?? unknown,
    })
  }
  for (const [address, peer] of goal.addresses) unit('addresses', address, [installed.addresses.get(address), peer])
  for (const [prefix, peer] of goal.prefixes) unit('prefixes', prefix, [installed.prefixes.get(prefix), peer])
  return units
}

/** Longest first: what a longer prefix covers has its own row before the row around it changes. */
export const longestFirst = (units: readonly Unit[]): readonly Unit[] => [...units].sort((a, b) => b.length - a.length)

/** Shortest first: what falls back to the row around it finds that row settled. */
export const shortestFirst = (units: readonly Unit[]): readonly Unit[] => [...units].sort((a, b) => a.length - b.length)

/** Which numbers are in use before the change, and which by addresses that keep them. */
export class Liveness {
  readonly #installed: Installed
  readonly #movedFrom = { subjects: new Map<number, number>(), classes: new Map<number, number>() }
  readonly #kept = new Set<number>()
  readonly #targets = { subjects: new Set<number>(), classes: new Set<number>() }

  constructor(installed: Installed, units: readonly Unit[]) {
    this.#installed = installed
    for (const unit of units) {
      if (moved(unit)) {
        this.#targets.subjects.add(unit.to.subject)
        this.#targets.classes.add(unit.to.peerClass)
      }
      if (unit.from.peerClass === unit.to.peerClass) this.#kept.add(unit.to.peerClass)
      else if (unit.before !== undefined) increment(this.#movedFrom.classes, unit.before.peerClass)
      if (unit.table === 'addresses' && unit.before !== undefined && unit.from.subject !== unit.to.subject) {
        increment(this.#movedFrom.subjects, unit.before.subject)
      }
    }
  }

  subjectWasLive(subject: number): boolean {
    return this.#installed.addressesOf(subject).size > 0
  }

  classWasLive(peerClass: number): boolean {
    return this.#installed.rowsOfClass(peerClass) > 0
  }

  /** Some address has this subject before and after. */
  subjectKept(subject: number): boolean {
    return this.#installed.addressesOf(subject).size > (this.#movedFrom.subjects.get(subject) ?? 0)
  }

  /** Some address has this class before and after. */
  classKept(peerClass: number): boolean {
    return (
      this.#kept.has(peerClass) ||
      this.#installed.rowsOfClass(peerClass) > (this.#movedFrom.classes.get(peerClass) ?? 0)
    )
  }

  subjectWillLive(subject: number): boolean {
    return this.subjectKept(subject) || this.#targets.subjects.has(subject)
  }

  classWillLive(peerClass: number): boolean {
    return this.classKept(peerClass) || this.#targets.classes.has(peerClass)
  }
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
