import type { Prefix } from '@weir/core/address/address.js'
import type { Peer } from '../peer.js'
import type { Installed, InstalledAddress } from './installed.js'
import type { Goal } from './operation.js'
import { bitsOf, PrefixOverlay, type PrefixView } from './prefix-table.js'

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
  /** The key as bits. */
  readonly bits: Prefix
  /** Prefix length in bits; an exact address is longer than any prefix. */
  readonly length: number
  /** Where what is installed keeps an address, if it does. */
  readonly place: InstalledAddress | undefined
  /** The key's own row before and after. */
  readonly before: Peer | undefined
  readonly after: Peer | undefined
  readonly from: Standing
  readonly to: Standing
}

/**
 * An address's. Made by a class: a start makes a hundred thousand that all live for a while, whereupon V8 puts what the same
 * object literal makes into the old generation for good, and those of each later change would gather there.
 */
class AddressUnit implements Unit {
  readonly table = 'addresses'
  readonly key: string
  readonly bits: Prefix
  readonly length: number
  readonly place: InstalledAddress | undefined
  readonly before: Peer | undefined
  readonly after: Peer | undefined
  readonly from: Standing
  readonly to: Standing

  constructor(
    key: string,
    after: Peer | undefined,
    place: InstalledAddress | undefined,
    prefixes: readonly [PrefixView, PrefixView],
  ) {
    const bits = place?.bits ?? bitsOf(key)
    // An exact address is looked up in a map of its own: a prefix of full length is still around it.
    const length = bits.length + 1
    const before = place?.peer
    this.key = key
    this.bits = bits
    this.length = length
    this.place = place
    this.before = before
    this.after = after
    this.from = before ?? prefixes[0].covering(bits, length) ?? unknown
    this.to = after ?? prefixes[1].covering(bits, length) ?? unknown
  }
}

export const moved = ({ from, to }: Unit): boolean => from.subject !== to.subject || from.peerClass !== to.peerClass

const unknown: Standing = { subject: 0, peerClass: 0 }

/** Every key whose own row the goal changes. No other address changes how it stands. */
export function findUnits(installed: Installed, goal: Goal): readonly Unit[] {
  const { prefixes } = installed
  const changed: (readonly [key: string, bits: Prefix, peer: Peer | undefined])[] = []
  let after: PrefixView = prefixes
  if (goal.prefixes.size > 0) {
    const overlay = new PrefixOverlay(prefixes)
    for (const [key, peer] of goal.prefixes) {
      const bits = bitsOf(key)
      overlay.set(bits, peer)
      changed.push([key, bits, peer])
    }
    after = overlay
  }
  const units: Unit[] = []
  const around = [prefixes, after] as const
  goal.addresses.forEach((peer, key) => void units.push(new AddressUnit(key, peer, installed.placeOf(key), around)))
  for (const [key, bits, peer] of changed) {
    const { length } = bits
    const before = prefixes.get(bits)
    const from = before ?? prefixes.covering(bits, length) ?? unknown
    const to = peer ?? after.covering(bits, length) ?? unknown
    units.push({ table: 'prefixes', key, bits, length, place: undefined, before, after: peer, from, to })
  }
  return units
}

/** Longest first: what a longer prefix covers has its own row before the row around it changes. */
export const byLength = (a: Unit, b: Unit): number => b.length - a.length

interface Moves {
  readonly movedFrom: { readonly subjects: Map<number, number>; readonly classes: Map<number, number> }
  readonly kept: Set<number>
  readonly targets: { readonly subjects: Set<number>; readonly classes: Set<number> }
}

/** Which numbers are in use before the change, and which by addresses that keep them. */
export class Liveness {
  readonly #installed: Installed
  readonly #units: readonly Unit[]
  #counted: Moves | undefined

  constructor(installed: Installed, units: readonly Unit[]) {
    this.#installed = installed
    this.#units = units
  }

  subjectWasLive(subject: number): boolean {
    return this.#installed.addressesOf(subject).size > 0
  }

  classWasLive(peerClass: number): boolean {
    return this.#installed.rowsOfClass(peerClass) > 0
  }

  /** Some address has this subject before and after. */
  subjectKept(subject: number): boolean {
    return this.#installed.addressesOf(subject).size > (this.#moves().movedFrom.subjects.get(subject) ?? 0)
  }

  /** Some address has this class before and after. */
  classKept(peerClass: number): boolean {
    const { kept, movedFrom } = this.#moves()
    return kept.has(peerClass) || this.#installed.rowsOfClass(peerClass) > (movedFrom.classes.get(peerClass) ?? 0)
  }

  subjectWillLive(subject: number): boolean {
    return this.subjectKept(subject) || this.#moves().targets.subjects.has(subject)
  }

  classWillLive(peerClass: number): boolean {
    return this.classKept(peerClass) || this.#moves().targets.classes.has(peerClass)
  }

  /** Counted when first asked for: a change without cells never does. */
  #moves(): Moves {
    this.#counted ??= countMoves(this.#units)
    return this.#counted
  }
}

function countMoves(units: readonly Unit[]): Moves {
  const movedFrom = { subjects: new Map<number, number>(), classes: new Map<number, number>() }
  const kept = new Set<number>()
  const targets = { subjects: new Set<number>(), classes: new Set<number>() }
  for (const unit of units) {
    const { table, before, from, to } = unit
    if (moved(unit)) {
      targets.subjects.add(to.subject)
      targets.classes.add(to.peerClass)
    }
    if (from.peerClass === to.peerClass) kept.add(to.peerClass)
    else if (before !== undefined) increment(movedFrom.classes, before.peerClass)
    if (table === 'addresses' && before !== undefined && from.subject !== to.subject) {
      increment(movedFrom.subjects, before.subject)
    }
  }
  return { movedFrom, kept, targets }
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
