import { empty } from '../empty.js'
import { parsePrefix, type Prefix } from '../address/address.js'
import type { LabelMap } from '../identity/labels.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { AddressScope, PeerSelector } from '../policy/rule.js'
import { AddressSets, type AddressSet } from './address-sets.js'
import type { BlockPeer } from './block-list.js'
import { BlockSet } from './block-set.js'
import type { KeyUse } from './key-use.js'
import type { BaseAtom, CidrAtom, LabelAtom, NamedAtom, NamedUse, PeerAtom } from './model.js'
import type { PeerGroups } from './peer-groups.js'
import { SelectorIndex } from './selector-index.js'

/** What rules ask of peers, each question once, and what of it came and went since classes last followed. */
export class PeerAtoms {
  readonly sets = new AddressSets()
  /** Selectors that classes don't know yet. */
  readonly begun = new Set<LabelAtom>()
  /** Named ports that classes don't know yet, of atoms that they may know. */
  readonly begunUses = new Set<NamedUse>()
  /** Atoms that nobody asks for any more. */
  readonly ended = new Set<PeerAtom>()
  /** Lists of blocks that say something else than when this was last emptied. */
  readonly changedLists = new Set<CidrAtom>()
  readonly #groups: PeerGroups
  readonly #labels: SelectorIndex<LabelAtom>
  readonly #cidrs = new Map<string, CidrAtom>()
  readonly #bySet = new Map<AddressSet, Set<CidrAtom>>()
  #nextAtom = 1

  constructor(keys: KeyUse, groups: PeerGroups) {
    this.#groups = groups
    this.#labels = new SelectorIndex(keys, requirement => groups.postings.countOf(requirement))
  }

  /** @param text what the peer means: see `peerText` */
  acquire(peer: PeerSelector, text: string): BaseAtom {
    if (peer.kind === 'labels') {
      return this.#labels.acquire(peer.selector, fields => {
        const atom: LabelAtom = { ...fields, ...this.#atom(text), kind: 'labels', uses: new Map() }
        this.begun.add(atom)
        return atom
      })
    }
    const atom = entryOf(this.#cidrs, text, () => this.#addressAtom(peer, text))
    atom.references += 1
    return atom
  }

  release(atom: BaseAtom): void {
    if (atom.kind === 'labels') {
      if (this.#labels.release(atom) && !this.begun.delete(atom)) this.ended.add(atom)
      return
    }
    atom.references -= 1
    if (atom.references > 0) return
    if (atom.list === undefined) this.#cidrs.delete(atom.text)
    else this.changedLists.delete(atom)
    this.#groups.space.removeAtom(atom)
    if (atom.set === undefined) return
    dropFrom(this.#bySet, atom.set, atom)
    this.sets.release(atom.set)
  }

  /** An atom of its own for what one rule says of blocks. */
  acquireList(scope: AddressScope, peers: ReadonlyMap<string, BlockPeer>): CidrAtom {
    const atom = this.#newAddressAtom(`blocks ${scope}`, scope, { list: { peers: new Map(), revision: 0 } })
    atom.references += 1
    this.extendList(atom, peers)
    return atom
  }

  /** Adds the blocks that a list lacks. */
  extendList(atom: CidrAtom, peers: ReadonlyMap<string, BlockPeer>): void {
    const list = atom.list!
    for (const [text, peer] of peers) {
      if (list.peers.has(text)) continue
      list.peers.set(text, peer)
      this.#listChanged(atom)
      const block = parsePrefix(peer.cidr)
      if (block !== undefined) this.#groups.space.addBlock(atom, text, { block, holes: holesOf(peer, block) })
    }
  }

  /** Takes the blocks out of a list that are not among these. */
  reduceList(atom: CidrAtom, peers: ReadonlyMap<string, BlockPeer>): void {
    const list = atom.list!
    if (list.peers.size === peers.size) return
    for (const text of [...list.peers.keys()]) {
      if (peers.has(text)) continue
      list.peers.delete(text)
      this.#listChanged(atom)
      if (atom.blocks.has(text)) this.#groups.space.removeBlock(atom, text)
    }
  }

  #listChanged(atom: CidrAtom): void {
    atom.list!.revision += 1
    this.changedLists.add(atom)
  }

  /** Makes the number that peers of `base` give to a named port part of their class. */
  acquireUse(base: BaseAtom, portKey: string, protocol: number): NamedUse {
    const use = entryOf(base.uses, portKey, () => {
      const made = { base, portKey, protocol, byNumber: new Map(), subjects: new Set<never>(), references: 0 }
      this.begunUses.add(made)
      return made
    })
    use.references += 1
    return use
  }

  releaseUse(use: NamedUse): void {
    use.references -= 1
    if (use.references > 0) return
    use.base.uses.delete(use.portKey)
    this.begunUses.delete(use)
    for (const atom of use.byNumber.values()) this.ended.add(atom)
  }

  /** The atom of those of a use's peers that give the port this number. */
  named(use: NamedUse, number: number): NamedAtom {
    return entryOf(use.byNumber, number, () => ({
      ...this.#atom(`${use.base.text} with ${use.portKey}=${number}`),
      kind: 'named',
      use,
      number,
    }))
  }

  /** The selectors in use that labels match. */
  matching(labels: LabelMap): readonly LabelAtom[] {
    return this.#labels.matching(labels)
  }

  /** Brings the atoms of sets up to their sets' members. */
  settleSets(): void {
    for (const set of this.sets.dirty) {
      for (const atom of this.#bySet.get(set)!) {
        for (const text of set.dirty) this.#followBlock(atom, text, set.members.has(text))
      }
      empty(set.dirty)
    }
    empty(this.sets.dirty)
  }

  #followBlock(atom: CidrAtom, text: string, isMember: boolean): void {
    if (isMember === atom.blocks.has(text)) return
    if (isMember) this.#groups.space.addBlock(atom, text, { block: parsePrefix(text)!, holes: none })
    else this.#groups.space.removeBlock(atom, text)
  }

  #addressAtom(peer: Exclude<PeerSelector, { readonly kind: 'labels' }>, text: string): CidrAtom {
    if (peer.kind === 'cidr') {
      const atom = this.#newAddressAtom(text, peer.scope)
      const block = parsePrefix(peer.cidr)
      if (block !== undefined) this.#groups.space.addBlock(atom, text, { block, holes: holesOf(peer, block) })
      return atom
    }
    const set = this.sets.acquire(peer.source)
    const atom = this.#newAddressAtom(text, peer.scope, { set, holes: holesOf(peer) })
    entryOf(this.#bySet, set, () => new Set<CidrAtom>()).add(atom)
    for (const member of set.members.keys()) this.#followBlock(atom, member, true)
    return atom
  }

  #newAddressAtom(
    text: string,
    scope: AddressScope,
    { list, set, holes = none }: Partial<Pick<CidrAtom, 'list' | 'set' | 'holes'>> = {},
  ): CidrAtom {
    // Field by field: a policy may bring thousands, and copying one object into another is slow.
    const atom: CidrAtom = {
      id: this.#nextAtom++,
      text,
      classes: new Set(),
      subjects: new Set(),
      kind: 'cidr',
      scope,
      blocks: new BlockSet(),
      holes,
      set,
      list,
      uses: new Map(),
      references: 0,
    }
    this.#groups.space.addAtom(atom)
    return atom
  }

  #atom(text: string): Pick<PeerAtom, 'id' | 'text' | 'classes' | 'subjects'> {
    return { id: this.#nextAtom++, text, classes: new Set(), subjects: new Set() }
  }
}

const none: readonly Prefix[] = []

/** The holes of a peer; those that are no part of its block, if it has one, say nothing. */
function holesOf({ except }: Pick<BlockPeer, 'except'>, block?: Prefix): readonly Prefix[] {
  if (except.length === 0) return none
  const holes: Prefix[] = []
  for (const text of except) {
    const hole = parsePrefix(text)
    if (hole !== undefined && (block === undefined || hole.family === block.family)) holes.push(hole)
  }
  return holes
}
