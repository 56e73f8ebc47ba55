import { containsPrefix, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'

type Tries = Readonly<Record<Family, PrefixTrie<Prefix>>>

/** Blocks of addresses that may overlap. Nearly all sets are one block for ever, and need no trie. */
export class BlockSet {
  readonly #blocks = new Map<string, Prefix>()
  #tries: Tries | undefined

  has(text: string): boolean {
    return this.#blocks.has(text)
  }

  get(text: string): Prefix | undefined {
    return this.#blocks.get(text)
  }

  add(text: string, block: Prefix): void {
    this.#blocks.set(text, block)
    this.#tries?.[block.family].set(block.bytes, block.length, block)
  }

  delete(text: string): void {
    const block = this.#blocks.get(text)
    if (block === undefined) return
    this.#blocks.delete(text)
    this.#tries?.[block.family].delete(block.bytes, block.length)
  }

  /** Whether one of the blocks contains all of a prefix. */
  covers(prefix: Prefix): boolean {
    if (this.#blocks.size < 2) {
      for (const block of this.#blocks.values()) return containsPrefix(block, prefix)
      return false
    }
    this.#tries ??= this.#trie()
    return this.#tries[prefix.family].longest(prefix.bytes, prefix.length) !== undefined
  }

  [Symbol.iterator](): Iterator<readonly [text: string, block: Prefix]> {
    return this.#blocks.entries()
  }

  #trie(): Tries {
    const tries = { 4: new PrefixTrie<Prefix>(), 6: new PrefixTrie<Prefix>() }
    for (const block of this.#blocks.values()) tries[block.family].set(block.bytes, block.length, block)
    return tries
  }
}
