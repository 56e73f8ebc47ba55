import type { BackendMap } from '../backend.js'
import type { Codec } from '../codec/codec.js'
import type { TableMapName } from '../codec/maps.js'

/** One write of one map, as bytes; without a value it deletes. */
export interface MapWrite {
  readonly map: TableMapName
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Writes of one map in a row: what one batch call does. */
export interface WriteBatch {
  readonly map: TableMapName
  readonly kind: 'update' | 'delete'
  readonly count: number
  /** Contiguous. */
  readonly keys: Uint8Array
  /** Contiguous; empty for deletions. */
  readonly values: Uint8Array
}

/** Keys and values of a map. */
export interface EntryCodec<Key, Value> {
  readonly key: Encoder<Key>
  readonly value: Encoder<Value>
}

type Encoder<Value> = Pick<Codec<Value>, 'size' | 'write'>

interface Growing {
  readonly map: TableMapName
  readonly kind: 'update' | 'delete'
  readonly keySize: number
  readonly valueSize: number
  count: number
  capacity: number
  keys: Uint8Array
  values: Uint8Array
  /** What the last entry was made of. */
  last: unknown
}

const fewest = 8
const growth = 4

/**
 * Gathers writes in order: those of one map and kind that follow each other become one batch. Entries are encoded where
 * the batch call takes them from; an array each would cost more than the rest of a write.
 */
export class BatchBuilder {
  readonly #batches: Growing[] = []
  #last: Growing | undefined

  /**
   * Writes an entry, or deletes its key when there is no value. A value that is the very object of the entry before is
   * not encoded again: it must not have changed meanwhile.
   */
  put<Key, Value>(map: TableMapName, { key, value }: EntryCodec<Key, Value>, at: Key, entry: Value | undefined): void {
    const batch = this.#room(map, entry === undefined ? 'delete' : 'update', key.size, value.size)
    key.write(batch.keys, batch.count * batch.keySize, at)
    if (entry !== undefined) {
      const offset = batch.count * batch.valueSize
      if (batch.last === entry && typeof entry === 'object') repeat(batch.values, offset, batch.valueSize)
      else value.write(batch.values, offset, entry)
      batch.last = entry
    }
    batch.count += 1
  }

  /** Takes in a write that is bytes already. */
  add({ map, key, value }: MapWrite): void {
    const batch = this.#room(map, value === undefined ? 'delete' : 'update', key.length, value?.length ?? 0)
    batch.keys.set(key, batch.count * batch.keySize)
    if (value !== undefined) batch.values.set(value, batch.count * batch.valueSize)
    batch.last = undefined
    batch.count += 1
  }

  /** What was gathered, in order. */
  batches(): readonly WriteBatch[] {
    const batches: WriteBatch[] = []
    for (const { map, kind, count, capacity, keySize, valueSize, keys, values } of this.#batches) {
      if (count === capacity) batches.push({ map, kind, count, keys, values })
      else {
        const used = [keys.subarray(0, count * keySize), values.subarray(0, count * valueSize)] as const
        batches.push({ map, kind, count, keys: used[0], values: used[1] })
      }
    }
    return batches
  }

  #room(map: TableMapName, kind: 'update' | 'delete', keySize: number, valueSize: number): Growing {
    let batch = this.#last
    if (batch === undefined || batch.map !== map || batch.kind !== kind) {
      const [keys, values] = [new Uint8Array(keySize), new Uint8Array(kind === 'update' ? valueSize : 0)]
      const sizes = { keySize, valueSize: kind === 'update' ? valueSize : 0 }
      batch = { map, kind, ...sizes, count: 0, capacity: 1, keys, values, last: undefined }
      this.#batches.push(batch)
      this.#last = batch
    } else if (batch.count === batch.capacity) {
      batch.capacity = Math.max(fewest, batch.capacity * growth)
      batch.keys = longer(batch.keys, batch.capacity * batch.keySize)
      batch.values = longer(batch.values, batch.capacity * batch.valueSize)
    }
    return batch
  }
}

/** The value before `offset` once more. */
function repeat(bytes: Uint8Array, offset: number, size: number): void {
  for (let at = offset; at < offset + size; at += 1) bytes[at] = bytes[at - size]!
}

function longer(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length)
  copy.set(bytes)
  return copy
}

/** One call per batch, in order. */
export function writeBatch(
  backend: { readonly maps: Readonly<Record<TableMapName, BackendMap>> },
  { map, kind, count, keys, values }: WriteBatch,
): void {
  if (kind === 'update') backend.maps[map].updateBatch(keys, values, count)
  else backend.maps[map].deleteBatch(keys, count)
}
