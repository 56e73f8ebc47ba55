import {
  addressBits,
  containsPrefix,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixText,
} from '@weir/core/address/address.js'
import { PrefixTrie } from '@weir/core/address/trie.js'

/** Blocks around addresses. */
export interface Blocks {
  /** Canonical texts, in order of the addresses. */
  readonly blocks: readonly string[]
  /** True where they hold other addresses as well. */
  readonly widened: boolean
}

/** Blocks aren't made wider than this: they would say nothing. */
const shortest = { 4: 8, 6: 32 } as const

/**
 * The blocks that hold these addresses and no others, neighbours taken together; where these are more than `most`,
 * wider ones, each no wider than the addresses in it ask for.
 *
 * @param most Of either family.
 * @param taken Addresses and blocks that belong to others: no wider block has one of them in it, though they be more then.
 */
export function blocksAround(addresses: Iterable<string>, most: number, taken: readonly Prefix[]): Blocks {
  const all = [...new Set(addresses)].flatMap(text => parseAddress(text) ?? [])
  const found = ([4, 6] as const).map(family => {
    const own = all.filter(each => each.family === family)
    const exact = joined(own)
    return exact.length <= most ? { blocks: exact, widened: false } : widened(own, most, taken)
  })
  const blocks = found.flatMap(each => each.blocks).sort(byAddress)
  return { blocks: blocks.map(prefixText), widened: found.some(each => each.widened) }
}

/** Two halves of a block become the block. */
function joined(addresses: readonly Prefix[]): readonly Prefix[] {
  const known = new Map(addresses.map(each => [prefixText(each), each]))
  const waiting = [...known.keys()]
  for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
    const half = known.get(text)
    if (half === undefined || half.length === 0) continue
    const whole = shortened(half, half.length - 1)
    const other = prefixText(otherHalf(half))
    if (!known.has(other)) continue
    known.delete(text)
    known.delete(other)
    known.set(prefixText(whole), whole)
    waiting.push(prefixText(whole))
  }
  return [...known.values()]
}

function trieOf(family: 4 | 6, prefixes: readonly Prefix[]): PrefixTrie<true> {
  const trie = new PrefixTrie<true>()
  for (const each of prefixes) if (each.family === family) trie.set(each.bytes, each.length, true)
  return trie
}

function widened(addresses: readonly Prefix[], most: number, taken: readonly Prefix[]) {
  const family = addresses[0]!.family
  const others = trieOf(family, taken)
  const isFree = ({ bytes, length }: Prefix): boolean =>
    others.longest(bytes, length) === undefined && others.within(bytes, length).length === 0
  let blocks: readonly Prefix[] = addresses
  for (let length = addressBits(family) - 1; length >= shortest[family] && blocks.length > most; length--) {
    const groups = new Map<string, Prefix[]>()
    for (const address of addresses) {
      const key = prefixText(shortened(address, length))
      groups.set(key, [...(groups.get(key) ?? []), address])
    }
    blocks = [...groups.values()].flatMap(group => {
      const block = around(group)
      return isFree(block) ? [block] : joined(group)
    })
  }
  const exact = new Set(joined(addresses).map(prefixText))
  return { blocks, widened: blocks.some(block => !exact.has(prefixText(block))) }
}

/** The narrowest block that holds all of them. */
function around(addresses: readonly Prefix[]): Prefix {
  let block = addresses[0]!
  for (const address of addresses) while (!containsPrefix(block, address)) block = shortened(block, block.length - 1)
  return block
}

const shortened = (prefix: Prefix, length: number): Prefix =>
  parsePrefix(`${prefixText(prefix).replace(/\/\d+$/, '')}/${length}`)!

function otherHalf({ family, bytes, length }: Prefix): Prefix {
  const other = Uint8Array.from(bytes)
  other[(length - 1) >> 3]! ^= 0x80 >> ((length - 1) & 7)
  return { family, bytes: other, length }
}

function byAddress(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family
  return Buffer.compare(a.bytes, b.bytes)
}
