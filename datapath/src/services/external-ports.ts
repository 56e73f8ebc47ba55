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
 * tables. A port is there before the first frontend that has it, and until the last one is gone.
 */
export class ExternalPorts {
  /** By index into weir_ports: what is in the map, and what is to be. */
  readonly #written = new Map<number, bigint>()
  readonly #wanted = new Map<number, bigint>()
  /** Frontends by the number of their bit. */
  readonly #uses = new Map<number, number>()
  readonly #touched = new Set<number>()

  /** Takes note of what is in the map. */
  adopt(index: number, bits: bigint): void {
    this.#written.set(index, bits)
    this.#touched.add(index)
  }

  add(rows: readonly FrontendRow[]): void {
    this.#count(rows, 1)
  }

  remove(rows: readonly FrontendRow[]): void {
    this.#count(rows, -1)
  }

  /** The writes that come before frontends: what is new, beside what there is. */
  takeAdded(): readonly PackedBatch[] {
    return this.#take(index => this.#at(this.#written, index) | this.#at(this.#wanted, index))
  }

  /** The writes that come after them: without what no frontend has any more. */
  takeRemoved(): readonly PackedBatch[] {
    const batches = this.#take(index => this.#at(this.#wanted, index))
    this.#touched.clear()
    return batches
  }

  #count(rows: readonly FrontendRow[], by: 1 | -1): void {
    for (const row of rows) {
      const place = placeOf(row)
      if (place === undefined) continue
      for (const bit of [place, anyWord * bitsPerWord]) {
        const uses = (this.#uses.get(bit) ?? 0) + by
        if (uses === 0) this.#uses.delete(bit)
        else this.#uses.set(bit, uses)
        if (uses === 0 || (uses === 1 && by === 1)) this.#set(bit, uses === 1)
      }
    }
  }

  #set(bit: number, isWanted: boolean): void {
    const index = Math.floor(bit / bitsPerWord)
    const mask = 1n << BigInt(bit % bitsPerWord)
    const before = this.#at(this.#wanted, index)
    this.#wanted.set(index, isWanted ? before | mask : before & ~mask)
    this.#touched.add(index)
  }

  #at(words: ReadonlyMap<number, bigint>, index: number): bigint {
    return words.get(index) ?? 0n
  }

  #take(target: (index: number) => bigint): readonly PackedBatch[] {
    const changed = [...this.#touched]
      .filter(index => target(index) !== this.#at(this.#written, index))
      .sort((a, b) => a - b)
    if (changed.length === 0) return []
    const keys = new Uint8Array(changed.length * codecs.index.size)
    const values = new Uint8Array(changed.length * codecs.ports.size)
    for (const [at, index] of changed.entries()) {
      const bits = target(index)
      this.#written.set(index, bits)
      codecs.index.write(keys, at * codecs.index.size, index)
      values.set(codecs.ports.encode({ bits }), at * codecs.ports.size)
    }
    return [{ map: 'weir_ports', kind: 'update', count: changed.length, keys, values }]
  }
}

/** The number of a row's bit: 64 to an entry. */
function placeOf({ scope, protocol, port }: FrontendRow): number | undefined {
  const number = protocols.indexOf(protocol)
  if (scope !== 'external' || number < 0) return undefined
  return number * wordsPerProtocol * bitsPerWord + port
}
