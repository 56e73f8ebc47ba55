import { containsPrefix, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'

type Tries = Readonly<Record<Family, PrefixTrie<Prefix>>>

/** Blocks of addresses that may overlap. Nearly all sets are one block for ever, and need neither map nor trie. */
export class BlockSet {
  /** The only block, while there is no more than one. */
  #only: readonly [text: string, block: Prefix] | undefined
  #blocks: Map<string, Prefix> | undefined
  #tries: Tries | undefined

  has(text: string): boolean {
    return this.get(text) !== undefined
  }

  get(text: string): Prefix | undefined {
    return this.#blocks === undefined ? (this.#only?.[0] === text ? this.#only[1] : undefined) : this.#blocks.get(text)
  }

  add(text: string, block: Prefix): void {
    if (this.#blocks === undefined) {
      if (this.#only === undefined || this.#only[0] === text) {
        this.#only = [text, block]
        return
      }
      this.#blocks = new Map([this.#only])
      this.#only = undefined
    }
    this.#blocks.set(text, block)
    this.#tries?.[block.family].set(block.bytes, block.length, block)
  }

  delete(text: string): void {
    const block = this.get(text)
    if (block === undefined) return
    this.#only = undefined
    this.#blocks?.delete(text)
    this.#tries?.[block.family].delete(block.bytes, block.length)
  }

  /** Whether one of the blocks contains all of a prefix. */
  covers(prefix: Prefix): boolean {
    if (this.#blocks === undefined) return this.#only !== undefined && containsPrefix(this.#only[1], prefix)
    this.#tries ??= trieOf(this.#blocks.values())
    return this.#tries[prefix.family].longest(prefix.bytes, prefix.length) !== undefined
  }

  /** The blocks as they are now. */
  [Symbol.iterator](): Iterator<readonly [text: string, block: Prefix]> {
    const blocks = this.#blocks === undefined ? (this.#only === undefined ? [] : [this.#only]) : [...this.#blocks]
    return blocks[Symbol.iterator]()
  }
}

function trieOf(blocks: Iterable<Prefix>): Tries {
  const tries = { 4: new PrefixTrie<Prefix>(), 6: new PrefixTrie<Prefix>() }
  for (const block of blocks) tries[block.family].set(block.bytes, block.length, block)
  return tries
}
