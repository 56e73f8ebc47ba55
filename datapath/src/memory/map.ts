import { WeirError } from '@weir/core/errors.js'
import type { BackendMap } from '../backend.js'
import { codecs, type MapName } from '../codec/maps.js'
import { viewAt, type WeirModule } from './module.js'

/** Of `enum bpf_map_type`: arrays, per-CPU ones too. */
const arrayKinds: readonly number[] = [2, 6]
const noEntry = -2
/** E2BIG, or ENOSPC of a map that finds longest prefixes. */
const full: readonly number[] = [-7, -28]

/** A map in the module's memory. */
export class MemoryMap implements BackendMap {
  readonly name: MapName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly #module: WeirModule
  readonly #map: number
  /** Where the module takes keys from, and values. */
  readonly #keyAt: number
  readonly #valueAt: number
  /** All of the module's memory, as far as it had grown. */
  #memory = new Uint8Array(0)

  constructor(module: WeirModule, map: number, name: MapName) {
    this.#module = module
    this.#map = map
    this.name = name
    this.keySize = module.weir_map_key_size(map)
    this.valueSize = module.weir_map_value_size(map)
    this.maxEntries = module.weir_map_max_entries(map)
    this.#keyAt = module.weir_key()
    this.#valueAt = module.weir_value()
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#checkKey(key)
    this.#put(this.#keyAt, key, 0, this.keySize)
    if (this.#module.weir_map_lookup(this.#map) !== 0) return undefined
    return viewAt(this.#module, this.#valueAt, this.valueSize).slice()
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.#checkKey(key)
    if (value.length !== this.valueSize) throw new TypeError(`value of ${value.length} bytes for ${this.name}`)
    this.#updateAt(0, key, value)
  }

  /** With the entry of an index of packed keys and values. */
  #updateAt(index: number, keys: Uint8Array, values: Uint8Array): void {
    this.#put(this.#keyAt, keys, index * this.keySize, this.keySize)
    this.#put(this.#valueAt, values, index * this.valueSize, this.valueSize)
    const result = this.#module.weir_map_update(this.#map, 0)
    if (result === 0) return
    if (full.includes(result)) {
      const payload = { map: this.name, size: this.maxEntries, needed: this.maxEntries + 1 }
      throw new WeirError('WEIR_MAP_FULL', `${this.name} has no room for more than ${this.maxEntries} entries`, payload)
    }
    throw this.#failure('update', result)
  }

  delete(key: Uint8Array): boolean {
    this.#checkKey(key)
    return this.#deleteAt(0, key)
  }

  #deleteAt(index: number, keys: Uint8Array): boolean {
    this.#put(this.#keyAt, keys, index * this.keySize, this.keySize)
    const result = this.#module.weir_map_delete(this.#map)
    if (result !== 0 && result !== noEntry) throw this.#failure('delete', result)
    return result === 0
  }

  entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    if (arrayKinds.includes(this.#module.weir_map_kind(this.#map))) return this.#elements()
    const keys: Uint8Array[] = []
    for (let first = 1; this.#module.weir_map_next_key(this.#map, first) === 0; first = 0) {
      keys.push(viewAt(this.#module, this.#keyAt, this.keySize).slice())
    }
    return keys.flatMap(key => {
      const value = this.lookup(key)
      return value === undefined ? [] : [[key, value] as const]
    })
  }

  *parts(count: number): Iterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    const all = [...this.entries()]
    for (let from = 0; from < all.length; from += count) yield all.slice(from, from + count)
  }

  *lengths(count: number): Iterable<number> {
    for (const part of this.parts(count)) yield part.length
  }

  /** An array's, without a call for each. */
  *#elements(): Iterable<readonly [Uint8Array, Uint8Array]> {
    const at = this.#module.weir_map_values(this.#map)
    const stride = (this.valueSize + 7) & ~7
    for (let index = 0; index < this.maxEntries; index += 1) {
      const key = codecs.index.encode(index)
      if (at === 0) yield [key, new Uint8Array(this.valueSize)]
      else yield [key, viewAt(this.#module, at + index * stride, this.valueSize).slice()]
    }
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number): void {
    this.#checkBatch(keys, this.keySize, count)
    this.#checkBatch(values, this.valueSize, count)
    for (let index = 0; index < count; index += 1) this.#updateAt(index, keys, values)
  }

  deleteBatch(keys: Uint8Array, count: number): void {
    this.#checkBatch(keys, this.keySize, count)
    for (let index = 0; index < count; index += 1) this.#deleteAt(index, keys)
  }

  /** Byte by byte: a view of each entry would cost more than the rest of a write. */
  #put(at: number, bytes: Uint8Array, offset: number, size: number): void {
    // A memory that has grown leaves its old buffer empty.
    if (this.#memory.length === 0) this.#memory = new Uint8Array(this.#module.memory.buffer)
    const memory = this.#memory
    for (let index = 0; index < size; index += 1) memory[at + index] = bytes[offset + index]!
  }

  #checkKey(key: Uint8Array): void {
    if (key.length !== this.keySize) throw new TypeError(`key of ${key.length} bytes for ${this.name}`)
  }

  #checkBatch(bytes: Uint8Array, size: number, count: number): void {
    if (bytes.length < count * size)
      throw new TypeError(`${bytes.length} bytes for ${count} entries of ${size} in ${this.name}`)
  }

  #failure(call: string, result: number): WeirError<'WEIR_DATAPATH_FAILED'> {
    const operation = `${call} ${this.name}`
    const reason = `errno ${-result}`
    return new WeirError('WEIR_DATAPATH_FAILED', `${operation}: ${reason}`, { operation, reason })
  }
}
