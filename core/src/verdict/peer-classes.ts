import { entryOf } from '../multimap.js'
import { changedSet, differingAtoms, sameAtoms, type AtomChange } from './atom-set.js'
import { ByNumber } from './by-number.js'
import type { PeerAtom, PeerClass, PeerClassData } from './model.js'
import { NumberSet } from './number-set.js'
import { Partition, type Departure, type Part, type PartitionChange } from './partition.js'
import { Signatures, type Numbers } from './signatures.js'

/** An atom that came or went, or all atoms at once. */
type Change = AtomChange | { readonly now: PeerClassData }

/** Members of a class who are met by the same changes. */
interface Lot {
  readonly signature: number
  readonly members: number[]
}

/** Members of a class who have the same atoms now. */
interface Place {
  readonly to: PeerClassData
  readonly members: () => number[]
}

/**
 * Groups of peers, by number, in classes by the atoms that hold. What changes is told by atom, for as many groups as it
 * changes for; a class that it changes for as a whole keeps its number and its members.
 */
export class PeerClasses {
  readonly #byNumber = new ByNumber<PeerClass>()
  readonly #weights: number[] = []
  readonly partition = new Partition<number, PeerClassData>({
    members: () => new NumberSet(),
    placed: this.#byNumber,
    weight: group => this.#weights[group]!,
    hash: ({ hash }) => hash,
    same: sameAtoms,
  })
  readonly #signatures = new Signatures<Change>()
  /** Atoms that hold for nobody any more. */
  readonly #ended = new Set<PeerAtom>()

  /** @param group one that has a class */
  classOf(group: number): PeerClass {
    return this.#byNumber.get(group)!
  }

  isPlaced(group: number): boolean {
    return this.#byNumber.get(group) !== undefined
  }

  /** How many table rows refer to a group's class. */
  weigh(group: number, weight: number): void {
    this.#weights[group] = weight
  }

  remove(group: number): void {
    this.partition.remove(group)
  }

  /** An atom begins or ceases to hold for some groups; those without a class yet don't matter. */
  note(groups: Numbers, atom: PeerAtom, holds: boolean): void {
    this.#signatures.note(groups, this.#weights.length, { atom, holds })
  }

  /** For these groups, these atoms hold and no others, whatever was noted before. */
  set(groups: Numbers, now: PeerClassData): void {
    this.#signatures.note(groups, this.#weights.length, { now })
  }

  /** An atom ceases to hold for everybody. */
  end(atom: PeerAtom): void {
    this.#ended.add(atom)
  }

  /** Brings classes up to what was noted; atoms then know their classes. */
  settle(arrivals: Iterable<readonly [group: number, data: PeerClassData]>): PartitionChange<number, PeerClassData> {
    const departures = this.#departures()
    const change = this.partition.assign(departures, arrivals)
    this.#signatures.clear()
    this.#ended.clear()
    for (const [block, { atoms }] of change.removed) for (const atom of atoms) atom.classes.delete(block)
    for (const [block, before] of change.renamed) follow(block, before)
    for (const block of change.created) for (const atom of block.data.atoms) atom.classes.add(block)
    return change
  }

  *#departures(): Iterable<Departure<number, PeerClassData>> {
    const lots = this.#lots()
    const shrunk = new Set<PeerClass>()
    for (const atom of this.#ended) for (const block of atom.classes) shrunk.add(block)
    const ended = [...this.#ended].map(atom => ({ atom, holds: false }))
    for (const block of new Set([...shrunk, ...lots.keys()])) {
      const rest = shrunk.has(block) ? changedSet(block.data, ended) : block.data
      const departure = this.#departure(block, rest, lots.get(block) ?? new Map())
      if (departure !== undefined) yield departure
    }
  }

  /** Who was met by changes, by class and signature. */
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
        lot = entryOf(ofBlock, signature, () => ({ signature, members: [] }))
      }
      lot.members.push(group)
    }
    return lots
  }

  /** @param rest what holds for those of a class whom no change has met */
  #departure(
    block: PeerClass,
    rest: PeerClassData,
    lots: ReadonlyMap<number, Lot>,
  ): Departure<number, PeerClassData> | undefined {
    const signatures = this.#signatures
    const places = new Map<number, Place[]>()
    const staying = new Set<number>()
    const go = (signature: number, to: PeerClassData, members: () => number[]): void => {
      if (sameAtoms(to, block.data)) {
        staying.add(signature)
        return
      }
      const some = entryOf(places, to.hash, () => [])
      const known = some.findIndex(place => sameAtoms(place.to, to))
      if (known < 0) some.push({ to, members })
      else {
        const before = some[known]!.members
        some[known] = { to, members: () => [...before(), ...members()] }
      }
    }
    let met = 0
    for (const { signature, members } of lots.values()) {
      met += members.length
      go(signature, after(rest, signatures.changesOf(signature)), () => members)
    }
    const whose = (wanted: (signature: number) => boolean) => (): number[] => {
      const members: number[] = []
      block.members.forEach(group => {
        if (wanted(signatures.at(group))) members.push(group)
      })
      return members
    }
    if (met < block.members.size)
      go(
        0,
        rest,
        whose(signature => signature === 0),
      )
    const leaving = [...places.values()].flat().map(({ to, members }) => this.#part(to, members))
    if (leaving.length === 0) return undefined
    const stayers = whose(signature => staying.has(signature))
    return { block, leaving, staying: staying.size === 0 ? undefined : this.#part(block.data, stayers) }
  }

  #part(to: PeerClassData, members: () => number[]): Part<number, PeerClassData> {
    let found: number[] | undefined
    const all = (): number[] => {
      found ??= members()
      return found
    }
    let weight: number | undefined
    return {
      to,
      members: all,
      weight: (): number => {
        if (weight === undefined) {
          weight = 0
          for (const group of all()) weight += this.#weights[group]!
        }
        return weight
      },
    }
  }
}

function after(rest: PeerClassData, changes: readonly Change[]): PeerClassData {
  const last = changes.findLastIndex(change => 'now' in change)
  const now = changes[last]
  const base = now !== undefined && 'now' in now ? now.now : rest
  return changedSet(base, changes.slice(last + 1) as AtomChange[])
}

/** Has atoms know a class that means something else now. */
function follow(block: PeerClass, before: PeerClassData): void {
  for (const { atom, holds } of differingAtoms(before, block.data)) {
    if (holds) atom.classes.add(block)
    else atom.classes.delete(block)
  }
}
