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
 * Which ports the frontends for those outside have, or had: packets to others pass the node's devices without a look into
 * the tables. A port is there before the first frontend that has it, and stays when the last one is gone, as flows that
 * were opened by that go on to their backends, or are to be told that these are gone.
 */
export class ExternalPorts {
  /** By index into weir_ports: what is in the map, and what is to be there besides. */
  readonly #written = new Map<number, bigint>()
  readonly #added = new Map<number, bigint>()

  /** Takes note of what is in the map. */
  adopt(index: number, bits: bigint): void {
    this.#written.set(index, bits)
  }

  add(rows: readonly FrontendRow[]): void {
    for (const row of rows) {
      const place = placeOf(row)
      if (place === undefined) continue
      for (const bit of [place, anyWord * bitsPerWord]) {
        const index = Math.floor(bit / bitsPerWord)
        const before = this.#added.get(index) ?? this.#written.get(index) ?? 0n
        const after = before | (1n << BigInt(bit % bitsPerWord))
        if (after !== before) this.#added.set(index, after)
      }
    }
  }

  /** The writes, which come before those of frontends. */
  takeAdded(): readonly PackedBatch[] {
    const changed = [...this.#added].sort(([a], [b]) => a - b)
    if (changed.length === 0) return []
    this.#added.clear()
    const keys = new Uint8Array(changed.length * codecs.index.size)
    const values = new Uint8Array(changed.length * codecs.ports.size)
    for (const [at, [index, bits]] of changed.entries()) {
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
