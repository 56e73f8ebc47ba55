import { type Prefix, parseAddress, parsePrefix, prefixText } from '@weir/core/address/address.js'
import { PrefixTrie } from '@weir/core/address/trie.js'
import type { Peer } from '../peer.js'

/** An address or prefix as bits. An address is a prefix of full length. */
export function bitsOf(text: string): Prefix {
  const bits = text.includes('/') ? parsePrefix(text) : parseAddress(text)
  if (bits === undefined) throw new TypeError(`neither address nor prefix: ${text}`)
  return bits
}

export interface PrefixView {
  /** The row of the longest prefix that contains `bits` and is shorter than `below`. */
  covering(bits: Prefix, below: number): Peer | undefined
}

/** A prefix and what it has. */
interface Row<Value> {
  readonly bits: Prefix
  readonly value: Value
}

const families = [4, 6] as const
const everything = new Uint8Array(16)

/** Prefix rows with longest-prefix lookups. */
export class PrefixTable implements PrefixView {
  readonly #rows = { 4: new PrefixTrie<Row<Peer>>(), 6: new PrefixTrie<Row<Peer>>() }
  readonly #sizes = { 4: 0, 6: 0 }

  get size(): number {
    return this.#sizes[4] + this.#sizes[6]
  }

  sizeOf(family: 4 | 6): number {
    return this.#sizes[family]
  }

  get({ family, bytes, length }: Prefix): Peer | undefined {
    return this.#rows[family].get(bytes, length)?.value
  }

  set(bits: Prefix, peer: Peer | undefined): void {
    const { family, bytes, length } = bits
    const rows = this.#rows[family]
    this.#sizes[family] += Number(peer !== undefined) - Number(rows.get(bytes, length) !== undefined)
    if (peer === undefined) rows.delete(bytes, length)
    else rows.set(bytes, length, { bits, value: peer })
  }

  covering(bits: Prefix, below: number): Peer | undefined {
    return this.longest(bits, below)?.value
  }

  /** The longest prefix that contains `bits` and is shorter than `below`. */
  longest({ family, bytes, length }: Prefix, below: number): Row<Peer> | undefined {
    return this.#rows[family].longest(bytes, Math.min(length, below - 1))
  }

  *[Symbol.iterator](): Iterator<readonly [string, Peer]> {
    for (const family of families) {
      for (const { bits, value } of this.#rows[family].within(everything, 0)) yield [prefixText(bits), value]
    }
  }
}

/** A table with changes on top; the table stays as it is. */
export class PrefixOverlay implements PrefixView {
  readonly #base: PrefixTable
  readonly #changes = { 4: new PrefixTrie<Row<Peer | undefined>>(), 6: new PrefixTrie<Row<Peer | undefined>>() }

  constructor(base: PrefixTable) {
    this.#base = base
  }

  set(bits: Prefix, peer: Peer | undefined): void {
    this.#changes[bits.family].set(bits.bytes, bits.length, { bits, value: peer })
  }

  covering(bits: Prefix, below: number): Peer | undefined {
    const changes = this.#changes[bits.family].around(bits.bytes, Math.min(bits.length, below - 1))
    let end = below
    for (let change = changes.pop(); change !== undefined; change = changes.pop()) {
      // The changes so far are deletions; what the table has between them and this one stays.
      const between = this.#base.longest(bits, end)
      if (between !== undefined && between.bits.length > change.bits.length) return between.value
      if (change.value !== undefined) return change.value
      end = change.bits.length
    }
    return this.#base.covering(bits, end)
  }
}
