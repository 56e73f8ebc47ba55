import { empty } from '../empty.js'
import { entryOf } from '../multimap.js'
import { changedSet, differingAtoms, sameAtoms, type AtomChange } from './atom-set.js'
import { ByNumber } from './by-number.js'
import type { PeerAtom, PeerClass, PeerClassData } from './model.js'
import { NumberSet } from './number-set.js'
import { Partition, type Departure, type Part, type PartitionChange } from './partition.js'
import { Signatures, type Numbers } from './signatures.js'

/** What a group differs in from the rest of its class: an atom that changed, one that did not, or all of its atoms. */
type Difference = AtomChange | { readonly without: AtomChange } | { readonly now: PeerClassData }

/** Members of a class who differ alike from the rest. */
interface Lot {
  readonly signature: number
  readonly members: number[]
  weight: number
}

/** Up to this many groups are looked at one by one; beyond, whole classes are compared first. */
const few = 256

type ClassDeparture = Departure<number, PeerClassData, NumberSet>
type ClassPart = Part<number, PeerClassData>

/**
 * Groups of peers, by number, in classes by the atoms that hold. What changes is told by atom, for as many groups as it
 * changes for; of a class that it changes for as a whole, or nearly, only the exceptions are looked at.
 */
export class PeerClasses {
  readonly #byNumber = new ByNumber<PeerClass>()
  readonly #weights: number[] = []
  readonly #totals = new Map<PeerClass, number>()
  readonly partition = new Partition<number, PeerClassData, NumberSet>({
    members: () => new NumberSet(),
    placed: {
      get: group => this.#byNumber.get(group),
      set: (group, block) => {
        this.#byNumber.set(group, block)
        this.#addWeight(block, this.#weights[group]!)
      },
      delete: group => {
        this.#addWeight(this.#byNumber.get(group)!, -this.#weights[group]!)
        this.#byNumber.delete(group)
      },
    },
    weight: block => this.weightOf(block),
    hash: ({ hash }) => hash,
    same: sameAtoms,
  })
  readonly #signatures = new Signatures<Difference>()
  /** What changes for all of a class but those who differ. */
  readonly #changes = new Map<PeerClass, AtomChange[]>()

  /** @param group one that has a class */
  classOf(group: number): PeerClass {
    return this.#byNumber.get(group)!
  }

  /** Its class's number; 0 without a class. */
  numberOf(group: number): number {
    return this.#byNumber.get(group)?.number ?? 0
  }

  /** How many table rows refer to a group's class. */
  weigh(group: number, weight: number): void {
    const block = this.#byNumber.get(group)
    if (block !== undefined) this.#addWeight(block, weight - this.#weights[group]!)
    this.#weights[group] = weight
  }

  /** The sum over a class's groups. */
  weightOf(block: PeerClass): number {
    return this.#totals.get(block) ?? 0
  }

  remove(group: number): void {
    this.partition.remove(group)
  }

  /** An atom begins or ceases to hold for some groups; those without a class yet don't matter. */
  note(groups: Numbers | NumberSet, change: AtomChange): void {
    if (!(groups instanceof NumberSet) || groups.size <= few) {
      this.#differ(groups, change)
      return
    }
    for (const block of this.partition.blocks()) {
      const { members } = block
      const met = groups.countCommon(members)
      if (met * 2 <= members.size) {
        if (met > 0) this.#differ(members.common(groups), change)
        continue
      }
      entryOf(this.#changes, block, () => []).push(change)
      if (met < members.size) this.#differ(members.lacking(groups), { without: change })
    }
  }

  /** For these groups, these atoms hold and no others, whatever is noted. */
  set(groups: Numbers, now: PeerClassData): void {
    this.#differ(groups, { now })
  }

  /** An atom ceases to hold for everybody. */
  end(atom: PeerAtom): void {
    for (const block of atom.classes) entryOf(this.#changes, block, () => []).push({ atom, holds: false })
  }

  /** Brings classes up to what was noted; atoms then know their classes. */
  settle(
    arrivals: readonly (readonly [group: number, data: PeerClassData])[],
  ): PartitionChange<number, PeerClassData, NumberSet> {
    const change = this.partition.assign(this.#departures(), arrivals)
    this.#signatures.clear()
    empty(this.#changes)
    for (const [block, { atoms }] of change.removed) {
      this.#totals.delete(block)
      for (const atom of atoms) atom.classes.delete(block)
    }
    for (const [block, before] of change.renamed) follow(block, before)
    for (const block of change.created) for (const atom of block.data.atoms) atom.classes.add(block)
    return change
  }

  #addWeight(block: PeerClass, weight: number): void {
    this.#totals.set(block, this.weightOf(block) + weight)
  }

  #differ(groups: Numbers, difference: Difference): void {
    this.#signatures.note(groups, this.#weights.length, difference)
  }

  #departures(): readonly ClassDeparture[] {
    const departures: ClassDeparture[] = []
    if (this.#changes.size === 0 && this.#signatures.met.length === 0) return departures
    const lots = this.#lots()
    for (const block of new Set([...this.#changes.keys(), ...lots.keys()])) {
      const departure = this.#departure(block, this.#changes.get(block) ?? [], [...(lots.get(block)?.values() ?? [])])
      if (departure !== undefined) departures.push(departure)
    }
    return departures
  }

  /** Who differs, by class and by how. */
  #lots(): Map<PeerClass, Map<number, Lot>> {
    const signatures = this.#signatures
    const lots = new Map<PeerClass, Map<number, Lot>>()
    let lastBlock: PeerClass | undefined
    let lot: Lot | undefined
    for (const group of signatures.met) {
      const block = this.#byNumber.get(group)
      if (block === undefined) continue
      const signature = signatures.at(group)
      if (lot === undefined || block !== lastBlock || signature !== lot.signature) {
        lastBlock = block
        const ofBlock = entryOf(lots, block, () => new Map<number, Lot>())
        lot = entryOf(ofBlock, signature, () => ({ signature, members: [], weight: 0 }))
      }
      lot.members.push(group)
      lot.weight += this.#weights[group]!
    }
    return lots
  }

  #departure(block: PeerClass, changes: readonly AtomChange[], lots: readonly Lot[]): ClassDeparture | undefined {
    const parts = lots.map(({ signature, members, weight }) => ({
      to: placeOf(block.data, changes, this.#signatures.changesOf(signature)),
      weight: () => weight,
      members: () => members,
    }))
    const others = block.members.size - lots.reduce((sum, { members }) => sum + members.length, 0)
    if (others > 0) parts.push(this.#rest(block, changedSet(block.data, changes), lots))
    const [leaving, staying] = [new Map<number, ClassPart[]>(), [] as ClassPart[]]
    for (const part of parts) {
      const some = sameAtoms(part.to, block.data) ? staying : entryOf(leaving, part.to.hash, () => [])
      const known = some.findIndex(({ to }) => sameAtoms(to, part.to))
      if (known < 0) some.push(part)
      else some[known] = together(some[known]!, part)
    }
    if (leaving.size === 0) return undefined
    return { block, leaving: [...leaving.values()].flat(), staying: staying[0] }
  }

  /** Those of a class who don't differ. */
  #rest(block: PeerClass, to: PeerClassData, lots: readonly Lot[]) {
    return {
      to,
      weight: (): number => lots.reduce((sum, { weight }) => sum - weight, this.weightOf(block)),
      members: (): number[] => [...block.members].filter(group => this.#signatures.at(group) === 0),
    }
  }
}

/** The atoms of those of a class who differ so. */
function placeOf(
  before: PeerClassData,
  changes: readonly AtomChange[],
  differences: readonly Difference[],
): PeerClassData {
  const all = differences.find(difference => 'now' in difference)
  if (all !== undefined) return all.now
  const without = new Set(differences.map(difference => ('without' in difference ? difference.without : undefined)))
  const own = differences.filter(difference => 'atom' in difference)
  return changedSet(before, [...changes.filter(change => !without.has(change)), ...own])
}

const together = (a: ClassPart, b: ClassPart): ClassPart => ({
  to: a.to,
  weight: () => a.weight() + b.weight(),
  members: () => [...a.members(), ...b.members()],
})

/** Has atoms know a class that means something else now. */
function follow(block: PeerClass, before: PeerClassData): void {
  for (const { atom, holds } of differingAtoms(before, block.data)) {
    if (holds) atom.classes.add(block)
    else atom.classes.delete(block)
  }
}
