import { containsPrefix, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'

/** A block less its holes. */
export interface HoledBlock {
  readonly block: Prefix
  readonly holes: readonly Prefix[]
}

type Tries = Readonly<Record<Family, PrefixTrie<readonly HoledBlock[]>>>

/** Blocks of addresses that may overlap. Nearly all sets are one block for ever, and need neither map nor trie. */
export class BlockSet {
  /** The only block, while there is no more than one. */
  #only: readonly [text: string, block: HoledBlock] | undefined
  #blocks: Map<string, HoledBlock> | undefined
  #tries: Tries | undefined

  has(text: string): boolean {
    return this.get(text) !== undefined
  }

  get(text: string): HoledBlock | undefined {
    return this.#blocks === undefined ? (this.#only?.[0] === text ? this.#only[1] : undefined) : this.#blocks.get(text)
  }

  /** @param text of block and holes: what is there under it already says the same */
  add(text: string, block: HoledBlock): void {
    if (this.has(text)) return
    if (this.#blocks === undefined) {
      if (this.#only === undefined) {
        this.#only = [text, block]
        return
      }
      this.#blocks = new Map([this.#only])
      this.#only = undefined
    }
    this.#blocks.set(text, block)
    if (this.#tries !== undefined) enter(this.#tries, block)
  }

  delete(text: string): void {
    const block = this.get(text)
    if (block === undefined) return
    this.#only = undefined
    this.#blocks?.delete(text)
    if (this.#tries !== undefined) leave(this.#tries, block)
  }

  /** Whether one of the blocks contains all of a prefix, and no hole of that one does. */
  covers(prefix: Prefix): boolean {
    if (this.#blocks === undefined) return this.#only !== undefined && contains(this.#only[1], prefix)
    this.#tries ??= triesOf(this.#blocks.values())
    for (const some of this.#tries[prefix.family].around(prefix.bytes, prefix.length))
      for (const { holes } of some) if (!holes.some(hole => containsPrefix(hole, prefix))) return true
    return false
  }

  /** The blocks as they are now. */
  [Symbol.iterator](): Iterator<readonly [text: string, block: HoledBlock]> {
    const blocks = this.#blocks === undefined ? (this.#only === undefined ? [] : [this.#only]) : [...this.#blocks]
    return blocks[Symbol.iterator]()
  }
}

const contains = ({ block, holes }: HoledBlock, prefix: Prefix): boolean =>
  containsPrefix(block, prefix) && !holes.some(hole => containsPrefix(hole, prefix))

function triesOf(blocks: Iterable<HoledBlock>): Tries {
  const tries = { 4: new PrefixTrie<readonly HoledBlock[]>(), 6: new PrefixTrie<readonly HoledBlock[]>() }
  for (const block of blocks) enter(tries, block)
  return tries
}

/** One block may be there with several choices of holes. */
function enter(tries: Tries, holed: HoledBlock): void {
  const { family, bytes, length } = holed.block
  const others = tries[family].get(bytes, length)
  tries[family].set(bytes, length, others === undefined ? [holed] : [...others, holed])
}

function leave(tries: Tries, holed: HoledBlock): void {
  const { family, bytes, length } = holed.block
  const others = tries[family].get(bytes, length)!.filter(other => other !== holed)
  if (others.length === 0) tries[family].delete(bytes, length)
  else tries[family].set(bytes, length, others)
}
