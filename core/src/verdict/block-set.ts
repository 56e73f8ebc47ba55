import type { Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'

/** Blocks of addresses that may overlap. */
export class BlockSet {
  readonly #tries: Readonly<Record<Family, PrefixTrie<Prefix>>> = { 4: new PrefixTrie(), 6: new PrefixTrie() }
  readonly #blocks = new Map<string, Prefix>()

  has(text: string): boolean {
    return this.#blocks.has(text)
  }

  add(text: string, block: Prefix): void {
    this.#blocks.set(text, block)
    this.#tries[block.family].set(block.bytes, block.length, block)
  }

  delete(text: string): void {
    const block = this.#blocks.get(text)
    if (block === undefined) return
    this.#blocks.delete(text)
    this.#tries[block.family].delete(block.bytes, block.length)
  }

  /** Whether one of the blocks contains all of a prefix. */
  covers({ family, bytes, length }: Prefix): boolean {
    return this.#tries[family].longest(bytes, length) !== undefined
  }

  [Symbol.iterator](): Iterator<readonly [text: string, block: Prefix]> {
    return this.#blocks.entries()
  }
}
