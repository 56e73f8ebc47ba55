import type { BackendMap, MemoryBackendHandle } from '@weir/datapath'
import type { ServiceMaps } from '@weir/datapath/backend.js'

/** Maps that call back after every entry written. */
export function watched({ maps, slots }: MemoryBackendHandle, onWrite: () => void): ServiceMaps {
  const each = (map: BackendMap): BackendMap => ({
    name: map.name,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    lookup: key => map.lookup(key),
    entries: () => map.entries(),
    parts: count => map.parts(count),
    lengths: count => map.lengths(count),
    delete: key => map.delete(key),
    update: (key, value) => map.update(key, value),
    updateBatch(keys, values, count) {
      for (let at = 0; at < count; at += 1) {
        map.update(
          keys.subarray(at * map.keySize, (at + 1) * map.keySize),
          values.subarray(at * map.valueSize, (at + 1) * map.valueSize),
        )
        onWrite()
      }
    },
    deleteBatch(keys, count) {
      for (let at = 0; at < count; at += 1) {
        map.delete(keys.subarray(at * map.keySize, (at + 1) * map.keySize))
        onWrite()
      }
    },
  })
  return {
    maps: Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, each(map)])) as ServiceMaps['maps'],
    slots: {
      size: slots.size,
      read: (first, count) => slots.read(first, count),
      write(first, numbers) {
        slots.write(first, numbers)
        onWrite()
      },
    },
  }
}
