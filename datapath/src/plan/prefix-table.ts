import { type Prefix, parseAddress, parsePrefix } from '@weir/core/address/address.js'
import type { Peer } from '../peer.js'

/** An address or prefix as bits. An address is a prefix of full length. */
export function bitsOf(text: string): Prefix {
  const bits = text.includes('/') ? parsePrefix(text) : parseAddress(text)
  if (bits === undefined) throw new TypeError(`neither address nor prefix: ${text}`)
  return bits
}

function key(bits: Prefix, length: number): string {
  let name = `${bits.family}/${length}/`
  for (let index = 0; index * 8 < length; index += 1) {
    const kept = Math.min(8, length - index * 8)
    name += String.fromCharCode(bits.bytes[index]! & (0xff << (8 - kept)) & 0xff)
  }
  return name
}

export interface PrefixView {
  get(prefix: string): Peer | undefined
  at(key: string): Peer | undefined
  /** Lengths, longest first, that prefixes of the family have. A length may be named that none has any more. */
  lengths(family: 4 | 6): Iterable<number>
}

/** The longest prefix that contains `bits` and is shorter than `below`. */
export function covering(view: PrefixView, bits: Prefix, below: number): Peer | undefined {
  for (const length of view.lengths(bits.family)) {
    if (length >= below) continue
    const peer = view.at(key(bits, length))
    if (peer !== undefined) return peer
  }
  return undefined
}

/** Prefix rows with longest-prefix lookups: a probe per length in use. */
export class PrefixTable implements PrefixView {
  readonly #rows = new Map<string, { readonly prefix: string; readonly peer: Peer }>()
  readonly #count = { 4: new Map<number, number>(), 6: new Map<number, number>() }
  readonly #lengths: Record<4 | 6, readonly number[]> = { 4: [], 6: [] }

  get size(): number {
    return this.#rows.size
  }

  sizeOf(family: 4 | 6): number {
    return [...this.#count[family].values()].reduce((sum, count) => sum + count, 0)
  }

  get(prefix: string): Peer | undefined {
    const bits = bitsOf(prefix)
    return this.at(key(bits, bits.length))
  }

  at(name: string): Peer | undefined {
    return this.#rows.get(name)?.peer
  }

  set(prefix: string, peer: Peer | undefined): void {
    const bits = bitsOf(prefix)
    const name = key(bits, bits.length)
    const had = this.#rows.has(name)
    if (peer === undefined) this.#rows.delete(name)
    else this.#rows.set(name, { prefix, peer })
    if (had !== (peer !== undefined)) this.#recount(bits, had ? -1 : 1)
  }

  lengths(family: 4 | 6): readonly number[] {
    return this.#lengths[family]
  }

  *[Symbol.iterator](): Iterator<readonly [string, Peer]> {
    for (const { prefix, peer } of this.#rows.values()) yield [prefix, peer]
  }

  #recount(bits: Prefix, change: number): void {
    const counts = this.#count[bits.family]
    const count = (counts.get(bits.length) ?? 0) + change
    if (count === 0) counts.delete(bits.length)
    else counts.set(bits.length, count)
    this.#lengths[bits.family] = [...counts.keys()].sort((a, b) => b - a)
  }
}

/** A table with changes on top; the table stays as it is. */
export class PrefixOverlay implements PrefixView {
  readonly #base: PrefixTable
  readonly #changes = new Map<string, Peer | undefined>()
  readonly #lengths: Record<4 | 6, readonly number[]>

  constructor(base: PrefixTable, changes: Iterable<readonly [string, Peer | undefined]>) {
    this.#base = base
    const lengths = { 4: new Set(base.lengths(4)), 6: new Set(base.lengths(6)) }
    for (const [prefix, peer] of changes) {
      const bits = bitsOf(prefix)
      this.#changes.set(key(bits, bits.length), peer)
      lengths[bits.family].add(bits.length)
    }
    this.#lengths = { 4: [...lengths[4]].sort((a, b) => b - a), 6: [...lengths[6]].sort((a, b) => b - a) }
  }

  get(prefix: string): Peer | undefined {
    const bits = bitsOf(prefix)
    return this.at(key(bits, bits.length))
  }

  at(name: string): Peer | undefined {
    return this.#changes.has(name) ? this.#changes.get(name) : this.#base.at(name)
  }

  lengths(family: 4 | 6): readonly number[] {
    return this.#lengths[family]
  }
}
