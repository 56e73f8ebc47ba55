import { containsPrefix, parsePrefix, prefixText, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'
import type { HoledBlock } from './block-set.js'
import type { CidrAtom, KnownAddress, NamedPrefix } from './model.js'

/** What follows from a named prefix that comes, goes or means something else. */
export interface PrefixSpaceListener {
  prefixAdded(named: NamedPrefix): void
  prefixRemoved(named: NamedPrefix): void
  /** The longest named prefix around a known address is another one. */
  addressMoved(address: KnownAddress, within: NamedPrefix): void
  /** An atom holds within a named prefix from now on, or ceases to. */
  atomToggled(named: NamedPrefix, atom: CidrAtom): void
}

interface Space {
  readonly prefixes: PrefixTrie<NamedPrefix>
  readonly addresses: PrefixTrie<KnownAddress>
}

/**
 * All addresses, parted by the prefixes that policies name: within the part of one named prefix (and outside all longer
 * ones) every cidr selector holds everywhere or nowhere. The two /0s are always named.
 */
export class PrefixSpace {
  readonly #spaces: Readonly<Record<Family, Space>> = { 4: emptySpace(), 6: emptySpace() }
  readonly #listener: PrefixSpaceListener

  constructor(listener: PrefixSpaceListener) {
    this.#listener = listener
  }

  /** Names the two /0s. */
  open(): void {
    for (const text of ['0.0.0.0/0', '::/0']) this.#name(parsePrefix(text)!)
  }

  /** The longest named prefix around an address or prefix. */
  around({ family, bytes, length }: Prefix): NamedPrefix {
    return this.#spaces[family].prefixes.longest(bytes, length)!
  }

  addAddress(address: KnownAddress): void {
    this.#spaces[address.prefix.family].addresses.set(address.prefix.bytes, address.prefix.length, address)
  }

  removeAddress({ prefix }: KnownAddress): void {
    this.#spaces[prefix.family].addresses.delete(prefix.bytes, prefix.length)
  }

  /** An atom without blocks yet: its holes become named. */
  addAtom({ holes }: CidrAtom): void {
    for (const hole of holes) this.#name(hole)
  }

  /** Takes all blocks of an atom away with it. */
  removeAtom(atom: CidrAtom): void {
    for (const [text] of atom.blocks) this.removeBlock(atom, text)
    for (const hole of atom.holes) this.#unname(hole)
  }

  /** @param text of one that the atom lacks */
  addBlock(atom: CidrAtom, text: string, holed: HoledBlock): void {
    const { block, holes } = holed
    this.#name(block)
    for (const hole of holes) this.#name(hole)
    atom.blocks.add(text, holed)
    this.#review(atom, block)
  }

  removeBlock(atom: CidrAtom, text: string): void {
    const { block, holes } = atom.blocks.get(text)!
    atom.blocks.delete(text)
    this.#review(atom, block)
    this.#unname(block)
    for (const hole of holes) this.#unname(hole)
  }

  /** Finds out anew for all named prefixes within a block whether an atom holds there. */
  #review(atom: CidrAtom, block: Prefix): void {
    for (const named of this.#spaces[block.family].prefixes.within(block.bytes, block.length)) {
      const holds = atom.blocks.covers(named.prefix) && !atom.holes.some(hole => containsPrefix(hole, named.prefix))
      if (holds === named.atoms.has(atom)) continue
      if (holds) named.atoms.add(atom)
      else named.atoms.delete(atom)
      this.#listener.atomToggled(named, atom)
    }
  }

  #name(prefix: Prefix): void {
    const space = this.#spaces[prefix.family]
    const { bytes, length } = prefix
    const known = space.prefixes.get(bytes, length)
    if (known !== undefined) {
      known.references += 1
      return
    }
    const parent = space.prefixes.longest(bytes, length)
    // What holds around a new name holds within it: a cidr whose edge it were would have named it before.
    const named: NamedPrefix = {
      text: prefixText(prefix),
      prefix,
      atoms: new Set(parent?.atoms),
      groups: new Map(),
      references: 1,
    }
    space.prefixes.set(bytes, length, named)
    this.#listener.prefixAdded(named)
    for (const address of space.addresses.within(bytes, length)) {
      if (address.within === parent) this.#listener.addressMoved(address, named)
    }
  }

  #unname({ family, bytes, length }: Prefix): void {
    const space = this.#spaces[family]
    const named = space.prefixes.get(bytes, length)!
    named.references -= 1
    if (named.references > 0) return
    space.prefixes.delete(bytes, length)
    const parent = space.prefixes.longest(bytes, length)!
    for (const address of space.addresses.within(bytes, length)) {
      if (address.within === named) this.#listener.addressMoved(address, parent)
    }
    this.#listener.prefixRemoved(named)
  }
}

const emptySpace = (): Space => ({ prefixes: new PrefixTrie(), addresses: new PrefixTrie() })
