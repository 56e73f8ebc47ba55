import type { TableMapName } from '../codec/maps.js'
import type { AttachReport } from './attachments.js'
import type { WriteBatch } from './batch.js'

/** Entries written and deleted, by map; maps without any aren't there. */
export type WriteCounts = Partial<Record<TableMapName, { updated: number; deleted: number }>>

/** What one turn of the reconciler did. */
export interface ReconcileReport extends AttachReport {
  readonly writes: WriteCounts
  /** Calls to the kernel: one per phase and map. */
  readonly batches: number
}

/** What the maps had in them that the tables don't say. */
export interface RepairReport extends ReconcileReport {
  /** Entries that differed, by kind. All zero: nothing was changed. */
  readonly differences: {
    readonly addresses: number
    readonly prefixes: number
    readonly cells: number
    readonly endpoints: number
    readonly devices: number
    readonly attachments: number
  }
  /** A few of them in words. */
  readonly examples: readonly string[]
}

/** Since the reconciler was made. */
export interface ReconcilerCounters {
  readonly transitions: number
  readonly entriesWritten: number
  readonly entriesDeleted: number
  readonly failures: number
  readonly retries: number
  readonly repairs: number
  readonly repairedEntries: number
}

export function countWrites(planned: readonly WriteBatch[]): WriteCounts {
  const counts: WriteCounts = {}
  for (const { map, kind, count: entries } of planned) {
    const count = counts[map] ?? { updated: 0, deleted: 0 }
    counts[map] = count
    if (kind === 'update') count.updated += entries
    else count.deleted += entries
  }
  return counts
}
