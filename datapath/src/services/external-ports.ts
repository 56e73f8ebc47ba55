import type { Protocol } from '@weir/core/policy/rule.js'
import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import { codecs } from '../codec/maps.js'
import type { PackedBatch } from './packed.js'

/** Bits of an entry of weir_ports, and its entries of a protocol. */
const bitsPerWord = 64
const wordsPerProtocol = 65_536 / bitsPerWord
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']
/** The entry that says whether any other has a bit. */
const anyWord = protocols.length * wordsPerProtocol

/**
 * Which ports the frontends for those outside have: packets to others pass the node's devices without a look into the
 * tables. A port that no frontend has any more stays until the next comparison with the map, as connections of a service
 * that is gone may go on; it costs who sends there a lookup.
 */
export class ExternalPorts {
  /** By index into weir_ports. */
  readonly #words = new Map<number, bigint>()
  readonly #changed = new Set<number>()

  /** Takes note of what is in the map. */
  adopt(index: number, bits: bigint): void {
    this.#words.set(index, bits)
  }

  /** Gives the rows' ports their bits. */
  add(rows: readonly FrontendRow[]): void {
    for (const row of rows) {
      const place = placeOf(row)
      if (place === undefined) continue
      this.#set(place.index, (this.#words.get(place.index) ?? 0n) | place.bit)
      this.#set(anyWord, 1n)
    }
  }

  /** Gives the rows' ports their bits, and takes all others away. */
  reach(rows: readonly FrontendRow[]): void {
    const wanted = new Map<number, bigint>()
    for (const row of rows) {
      const place = placeOf(row)
      if (place === undefined) continue
      wanted.set(place.index, (wanted.get(place.index) ?? 0n) | place.bit)
      wanted.set(anyWord, 1n)
    }
    for (const index of [...this.#words.keys()]) if (!wanted.has(index)) this.#set(index, 0n)
    for (const [index, bits] of wanted) this.#set(index, bits)
  }

  /** What has changed since it was last asked. */
  takeChanges(): readonly PackedBatch[] {
    const changed = [...this.#changed].sort((a, b) => a - b)
    this.#changed.clear()
    if (changed.length === 0) return []
    const keys = new Uint8Array(changed.length * codecs.index.size)
    const values = new Uint8Array(changed.length * codecs.ports.size)
    for (const [at, index] of changed.entries()) {
      codecs.index.write(keys, at * codecs.index.size, index)
      values.set(codecs.ports.encode({ bits: this.#words.get(index) ?? 0n }), at * codecs.ports.size)
    }
    return [{ map: 'weir_ports', kind: 'update', count: changed.length, keys, values }]
  }

  #set(index: number, bits: bigint): void {
    if ((this.#words.get(index) ?? 0n) === bits) return
    if (bits === 0n) this.#words.delete(index)
    else this.#words.set(index, bits)
    this.#changed.add(index)
  }
}

function placeOf({ scope, protocol, port }: FrontendRow): { readonly index: number; readonly bit: bigint } | undefined {
  const number = protocols.indexOf(protocol)
  if (scope !== 'external' || number < 0) return undefined
  const index = number * wordsPerProtocol + Math.floor(port / bitsPerWord)
  return { index, bit: 1n << BigInt(port % bitsPerWord) }
}
