import type { ServiceMaps } from '../backend.js'
import type { TableMapName } from '../codec/maps.js'
import type { WriteCounts } from '../reconcile/report.js'

/** Writes of one map, keys and values each in a row: what one batch call does. */
export interface PackedBatch {
  readonly map: TableMapName
  readonly kind: 'update' | 'delete'
  readonly count: number
  readonly keys: Uint8Array
  /** Empty for deletions. */
  readonly values: Uint8Array
}

/** @throws WeirError WEIR_MAP_FULL, EbpfError */
export function writePacked({ maps }: ServiceMaps, { map, kind, count, keys, values }: PackedBatch): void {
  if (kind === 'update') maps[map].updateBatch(keys, values, count)
  else maps[map].deleteBatch(keys, count)
}

export function countPacked(batches: readonly PackedBatch[], counts: WriteCounts = {}): WriteCounts {
  for (const { map, kind, count } of batches) {
    const sum = counts[map] ?? { updated: 0, deleted: 0 }
    counts[map] = sum
    if (kind === 'update') sum.updated += count
    else sum.deleted += count
  }
  return counts
}
