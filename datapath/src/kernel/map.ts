import { WeirError } from '@weir/core/errors.js'
import { type BpfMap, EbpfError, type MapEntries } from 'ebpf-napi'
import type { BackendMap } from '../backend.js'
import type { MapName } from '../codec/maps.js'

/** A kernel map behind the port. */
export class KernelMap implements BackendMap {
  readonly name: MapName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly #map: BpfMap

  constructor(name: MapName, map: BpfMap) {
    this.name = name
    this.#map = map
    this.keySize = map.info.keySize
    this.valueSize = map.info.valueSize
    this.maxEntries = map.info.maxEntries
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.#map.lookup(key)
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.#orFull(() => this.#map.update(key, value))
  }

  delete(key: Uint8Array): boolean {
    return this.#map.delete(key)
  }

  *entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    yield* this.#pairs(this.#map.lookupBatch())
  }

  *parts(count: number): Iterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    for (const part of this.#map.lookupParts(count)) yield [...this.#pairs(part)]
  }

  *lengths(count: number): Iterable<number> {
    for (const part of this.#map.lookupParts(count)) yield part.count
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number): void {
    this.#orFull(() => {
      // A batch call costs more than an update until it has a few entries.
      if (count === 1) this.#map.update(keys, values)
      else this.#map.updateBatch(keys, values, count)
    })
  }

  deleteBatch(keys: Uint8Array, count: number): void {
    if (count === 1) this.#map.delete(keys)
    else this.#map.deleteBatch(keys, count)
  }

  *#pairs({ keys, values, count }: MapEntries): Iterable<readonly [Uint8Array, Uint8Array]> {
    const { keySize, valueBytes } = this.#map.info
    for (let index = 0; index < count; index += 1) {
      yield [
        keys.subarray(index * keySize, (index + 1) * keySize),
        values.subarray(index * valueBytes, (index + 1) * valueBytes),
      ]
    }
  }

  #orFull(write: () => void): void {
    try {
      write()
    } catch (cause) {
      if (!(cause instanceof EbpfError && (cause.code === 'E2BIG' || cause.code === 'ENOSPC'))) throw cause
      const payload = { map: this.name, size: this.maxEntries, needed: this.maxEntries + 1 }
      const message = `${this.name} has no room for more than ${this.maxEntries} entries`
      throw new WeirError('WEIR_MAP_FULL', message, payload, { cause })
    }
  }
}
