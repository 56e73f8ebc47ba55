import { empty } from '../empty.js'
import { atomSet } from './atom-set.js'
import { entryOf } from '../multimap.js'
import type { KeyUse } from './key-use.js'
import { inScope } from './match-peer.js'
import type {
  BaseAtom,
  CidrAtom,
  NamedPrefix,
  NamedUse,
  PeerAtom,
  PeerClass,
  PeerClassData,
  PeerGroup,
  Shape,
} from './model.js'
import type { NumberSet } from './number-set.js'
import type { PartitionChange } from './partition.js'
import { PeerAtoms } from './peer-atoms.js'
import { PeerClasses } from './peer-classes.js'
import { PeerGroups } from './peer-groups.js'
import type { Numbers } from './signatures.js'

/** Up to this many groups are cheaper looked at one by one, once for all changes. */
const few = 8

/**
 * Peers by equivalence: groups (shape within named prefix) → classes (sets of atoms that hold). Changes gather until
 * `settle`.
 */
export class Peers {
  readonly groups: PeerGroups
  readonly atoms: PeerAtoms
  readonly #classes = new PeerClasses()
  readonly classes = this.#classes.partition

  constructor(keys: KeyUse, worlds: readonly [ipv4: Shape, ipv6: Shape]) {
    this.groups = new PeerGroups(this.#classes, worlds)
    this.atoms = new PeerAtoms(keys, this.groups)
  }

  classOf(group: PeerGroup): PeerClass {
    return this.#classes.classOf(group.number)
  }

  /** 0 for a group that is gone. */
  numberOfClass(group: PeerGroup): number {
    return this.#classes.numberOf(group.number)
  }

  /** The class of all unknown addresses whose longest named prefix this is. */
  classOfRest(named: NamedPrefix): PeerClass {
    return this.classOf(this.groups.restOf(named))
  }

  /** Brings classes up to date; atoms then know their classes. */
  settle(): PartitionChange<number, PeerClassData, NumberSet> {
    const { groups, atoms } = this
    for (const use of atoms.begunUses) this.#beginUse(use)
    for (const atom of atoms.begun) this.#begin(atom, groups.postings.select(atom.selector))
    for (const [named, toggled] of groups.toggled) this.#toggle(named, toggled)
    for (const atom of atoms.ended) this.#classes.end(atom)
    const arrivals: (readonly [group: number, data: PeerClassData])[] = []
    for (const group of groups.fresh) arrivals.push([group.number, this.#dataOf(group)])
    const change = this.#classes.settle(arrivals)
    empty(atoms.begunUses)
    empty(atoms.begun)
    empty(atoms.ended)
    empty(groups.toggled)
    empty(groups.fresh)
    for (const number of change.moved) {
      const { addresses, rest, within } = groups.at(number)
      for (const address of addresses) groups.touchClass(address)
      if (rest) groups.dirtyPrefixes.add(within)
    }
    return change
  }

  /** All atoms that hold for a group. */
  #dataOf({ shape, within }: PeerGroup): PeerClassData {
    const atoms: PeerAtom[] = []
    const add = (base: BaseAtom): void => {
      atoms.push(base)
      for (const use of base.uses.values()) {
        const number = shape.ports.get(use.portKey)
        if (number !== undefined) atoms.push(this.atoms.named(use, number))
      }
    }
    for (const atom of this.atoms.matching(shape.labels)) add(atom)
    for (const atom of within.atoms) if (inScope(atom.scope, shape.kind)) add(atom)
    return atomSet(atoms)
  }

  /** The atom and what is asked of its peers' named ports begin to hold for groups. */
  #begin(base: BaseAtom, groups: Numbers): void {
    this.#classes.note(groups, { atom: base, holds: true })
    for (const use of base.uses.values()) this.#noteUse(use, groups)
  }

  /** For those whom the classes know as peers of the base; who no longer are one is told of after this. */
  #beginUse(use: NamedUse): void {
    for (const { members } of use.base.classes) this.#noteUse(use, members)
  }

  #noteUse(use: NamedUse, groups: Numbers): void {
    const byPort = new Map<number, number[]>()
    groups.forEach(group => {
      const port = this.groups.at(group).shape.ports.get(use.portKey)
      if (port !== undefined) entryOf(byPort, port, () => []).push(group)
    })
    for (const [port, some] of byPort) this.#classes.note(some, { atom: this.atoms.named(use, port), holds: true })
  }

  #toggle(named: NamedPrefix, toggled: ReadonlySet<CidrAtom>): void {
    const groups = [...named.groups.values()]
    if (groups.length <= few) {
      for (const group of groups) this.#classes.set([group.number], this.#dataOf(group))
      return
    }
    for (const atom of toggled) {
      const some = groups.filter(({ shape }) => inScope(atom.scope, shape.kind)).map(({ number }) => number)
      if (named.atoms.has(atom)) this.#begin(atom, some)
      else {
        this.#classes.note(some, { atom, holds: false })
        for (const { byNumber } of atom.uses.values())
          for (const each of byNumber.values()) this.#classes.note(some, { atom: each, holds: false })
      }
    }
  }
}
