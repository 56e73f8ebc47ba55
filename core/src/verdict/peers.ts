import { parsePrefix, prefixText, type Prefix } from '../address/address.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { PeerSelector } from '../policy/rule.js'
import { peerText } from '../policy/text.js'
import { AddressSets, type AddressSet } from './address-sets.js'
import { BlockSet } from './block-set.js'
import type { KeyUse } from './key-use.js'
import { inScope } from './match-peer.js'
import type {
  BaseAtom,
  CidrAtom,
  KnownAddress,
  LabelAtom,
  NamedAtom,
  NamedPrefix,
  NamedUse,
  PeerAtom,
  PeerClass,
  PeerClassData,
  PeerGroup,
  Shape,
} from './model.js'
import { Partition, type PartitionChange, type Placement } from './partition.js'
import { PrefixSpace } from './prefix-space.js'
import { SelectorIndex } from './selector-index.js'

/**
 * Peers by equivalence: groups (shape within named prefix) → classes (sets of atoms that hold). Changes gather until
 * `settle`.
 */
export class Peers {
  readonly classes = new Partition<PeerGroup, PeerClassData>(group => group.addresses.size + 1)
  readonly space: PrefixSpace
  readonly prefixes = new Map<string, NamedPrefix>()
  /** Prefixes whose row may have changed, and those that are gone. */
  readonly dirtyPrefixes = new Set<NamedPrefix>()
  /** Addresses that came, went, or changed group. */
  readonly dirtyAddresses = new Set<KnownAddress>()
  readonly #labels: SelectorIndex<LabelAtom>
  readonly sets = new AddressSets()
  readonly #cidrs = new Map<string, CidrAtom>()
  readonly #bySet = new Map<AddressSet, Set<CidrAtom>>()
  readonly #dirty = new Set<PeerGroup>()
  readonly #worlds: readonly [Shape, Shape]
  #nextAtom = 1

  constructor(keys: KeyUse, worlds: readonly [ipv4: Shape, ipv6: Shape]) {
    this.#worlds = worlds
    this.#labels = new SelectorIndex(keys, shape => {
      for (const group of shape.groups) this.#dirty.add(group)
    })
    for (const shape of worlds) this.#labels.add(shape)
    this.space = new PrefixSpace({
      prefixAdded: named => this.#prefixAdded(named),
      prefixRemoved: named => this.#prefixRemoved(named),
      addressMoved: (address, within) => this.move(address, address.group.shape, within),
      groupChanged: group => this.#dirty.add(group),
    })
    this.space.open()
  }

  acquire(peer: PeerSelector): BaseAtom {
    if (peer.kind === 'labels') {
      return this.#labels.acquire(peer.selector, fields => ({
        ...fields,
        ...this.#atom(peerText(peer)),
        kind: 'labels',
        uses: new Map(),
      }))
    }
    const text = peerText(peer)
    const atom = entryOf(this.#cidrs, text, () => this.#addressAtom(peer, text))
    atom.references += 1
    return atom
  }

  release(atom: BaseAtom): void {
    if (atom.kind === 'labels') {
      this.#labels.release(atom)
      return
    }
    atom.references -= 1
    if (atom.references > 0) return
    this.#cidrs.delete(atom.text)
    this.space.removeAtom(atom)
    if (atom.set === undefined) return
    dropFrom(this.#bySet, atom.set, atom)
    this.sets.release(atom.set)
  }

  /** Brings the atoms of sets up to their sets' members. */
  settleSets(): void {
    for (const set of this.sets.dirty) {
      for (const atom of this.#bySet.get(set) ?? []) {
        for (const text of set.dirty) this.#followBlock(atom, text, set.members.has(text))
      }
      set.dirty.clear()
    }
    this.sets.dirty.clear()
  }

  #followBlock(atom: CidrAtom, text: string, isMember: boolean): void {
    if (isMember === atom.blocks.has(text)) return
    if (isMember) this.space.addBlock(atom, text, parsePrefix(text)!)
    else this.space.removeBlock(atom, text)
  }

  #addressAtom(peer: Exclude<PeerSelector, { readonly kind: 'labels' }>, text: string): CidrAtom {
    const set = peer.kind === 'set' ? this.sets.acquire(peer.source) : undefined
    const block = peer.kind === 'cidr' ? parsePrefix(peer.cidr) : undefined
    // Holes that are no part of the block say nothing.
    const holes = peer.except
      .map(parsePrefix)
      .filter(hole => hole !== undefined && (set !== undefined || hole.family === block?.family))
    const atom: CidrAtom = {
      ...this.#atom(text),
      kind: 'cidr',
      scope: peer.scope,
      blocks: new BlockSet(),
      holes: holes as Prefix[],
      ...(set === undefined ? {} : { set }),
      uses: new Map(),
      references: 0,
    }
    this.space.addAtom(atom)
    if (block !== undefined) this.space.addBlock(atom, prefixText(block), block)
    if (set === undefined) return atom
    entryOf(this.#bySet, set, () => new Set<CidrAtom>()).add(atom)
    for (const member of set.members.keys()) this.#followBlock(atom, member, true)
    return atom
  }

  /** Makes the number that peers of `base` give to a named port part of their class. */
  acquireUse(base: BaseAtom, portKey: string, protocol: number): NamedUse {
    let use = base.uses.get(portKey)
    if (use === undefined) {
      use = { base, portKey, protocol, byNumber: new Map(), subjects: new Set(), references: 0 }
      base.uses.set(portKey, use)
      this.#baseChanged(base)
    }
    use.references += 1
    return use
  }

  releaseUse(use: NamedUse): void {
    use.references -= 1
    if (use.references > 0) return
    use.base.uses.delete(use.portKey)
    this.#baseChanged(use.base)
  }

  /** The shape's selectors, found when it is new. */
  addShape(shape: Shape): void {
    this.#labels.add(shape)
  }

  removeShape(shape: Shape): void {
    this.#labels.remove(shape)
  }

  addAddress(address: string, prefix: Prefix, shape: Shape): KnownAddress {
    const within = this.space.around(prefix)
    const known: KnownAddress = { address, prefix, within, group: this.#group(shape, within, false) }
    known.group.addresses.add(known)
    this.space.addAddress(known)
    this.dirtyAddresses.add(known)
    return known
  }

  removeAddress(address: KnownAddress): void {
    this.space.removeAddress(address)
    this.#leave(address)
    this.dirtyAddresses.add(address)
  }

  /** Another owner's shape, or another prefix around it. */
  move(address: KnownAddress, shape: Shape, within: NamedPrefix): void {
    if (address.group.shape === shape && address.within === within) return
    this.#leave(address)
    address.within = within
    address.group = this.#group(shape, within, false)
    address.group.addresses.add(address)
    this.dirtyAddresses.add(address)
  }

  classOf(group: PeerGroup): PeerClass {
    return this.classes.blockOf(group)!
  }

  /** The group of all unknown addresses whose longest named prefix this is. */
  restOf(named: NamedPrefix): PeerGroup {
    return named.groups.get(this.#worldOf(named))!
  }

  /** Brings classes up to date; atoms then know their classes. */
  settle(): PartitionChange<PeerGroup, PeerClassData> {
    const placements = new Map<PeerGroup, Placement<PeerClassData>>()
    for (const group of this.#dirty) if (isLive(group)) placements.set(group, this.#place(group))
    this.#dirty.clear()
    const change = this.classes.assign(placements)
    for (const [block, { atoms }] of change.removed) for (const atom of atoms) atom.classes.delete(block)
    for (const [block, { atoms }] of change.renamed) for (const atom of atoms) atom.classes.delete(block)
    for (const block of change.created) for (const atom of block.data.atoms) atom.classes.add(block)
    for (const block of change.renamed.keys()) for (const atom of block.data.atoms) atom.classes.add(block)
    for (const group of change.moved) {
      for (const address of group.addresses) this.dirtyAddresses.add(address)
      if (group.rest) this.dirtyPrefixes.add(group.within)
    }
    return change
  }

  #atom(text: string): Pick<PeerAtom, 'id' | 'text' | 'classes' | 'subjects'> {
    return { id: this.#nextAtom++, text, classes: new Set(), subjects: new Set() }
  }

  #place(group: PeerGroup): Placement<PeerClassData> {
    const { shape, within } = group
    const atoms: PeerAtom[] = []
    const add = (base: BaseAtom): void => {
      atoms.push(base)
      for (const use of base.uses.values()) {
        const number = shape.ports.get(use.portKey)
        if (number !== undefined) atoms.push(this.#named(use, number))
      }
    }
    for (const atom of this.#labels.matchesOf(shape) ?? []) add(atom)
    for (const atom of within.atoms) if (inScope(atom.scope, shape.kind)) add(atom)
    atoms.sort((a, b) => a.id - b.id)
    return { key: atoms.map(({ id }) => id).join(), data: { atoms } }
  }

  #named(use: NamedUse, number: number): NamedAtom {
    let atom = use.byNumber.get(number)
    if (atom === undefined) {
      atom = { ...this.#atom(`${use.base.text} with ${use.portKey}=${number}`), kind: 'named', use, number }
      use.byNumber.set(number, atom)
    }
    return atom
  }

  #baseChanged(base: BaseAtom): void {
    // Groups that came or changed since the last settling are dirty already; all others are in the atom's classes.
    for (const { members } of base.classes) for (const group of members) this.#dirty.add(group)
  }

  #group(shape: Shape, within: NamedPrefix, rest: boolean): PeerGroup {
    let group = within.groups.get(shape)
    if (group === undefined) {
      group = { shape, within, addresses: new Set(), rest }
      within.groups.set(shape, group)
      shape.groups.add(group)
      this.#dirty.add(group)
    }
    return group
  }

  #leave(address: KnownAddress): void {
    const { group } = address
    group.addresses.delete(address)
    if (group.addresses.size === 0) this.#end(group)
  }

  #end(group: PeerGroup): void {
    group.within.groups.delete(group.shape)
    group.shape.groups.delete(group)
    this.classes.remove(group)
  }

  #prefixAdded(named: NamedPrefix): void {
    this.prefixes.set(named.text, named)
    this.#group(this.#worldOf(named), named, true)
    this.dirtyPrefixes.add(named)
  }

  #prefixRemoved(named: NamedPrefix): void {
    this.prefixes.delete(named.text)
    this.#end(this.restOf(named))
    this.dirtyPrefixes.add(named)
  }

  #worldOf({ prefix }: NamedPrefix): Shape {
    return this.#worlds[prefix.family === 4 ? 0 : 1]
  }
}

const isLive = (group: PeerGroup): boolean => group.within.groups.get(group.shape) === group
