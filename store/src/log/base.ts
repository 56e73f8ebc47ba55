import { WeirError } from '@weir/core/errors.js'
import { pack, unpack } from 'msgpackr'
import type { LogDatabase } from '../storage/storage.js'
import { hashBytes, sha256 } from './hash.js'
import { emptyHead } from './head.js'
import { baseKey, binary, durably, groupKey, timeKey } from './keys.js'

/** Where a log begins: events up to `seq` were compacted into a snapshot, and the chain goes on from `hash`. */
export interface LogBase {
  /** The last event that is no longer there; 0 for a log with all its events. */
  readonly seq: number
  /** Chain hash up to there, hex. */
  readonly hash: string
  /** When it was compacted, milliseconds since the epoch. */
  readonly time: number
}

export const noBase: LogBase = { ...emptyHead, time: 0 }

/** Under this name the state at the base is kept: without the events it follows from nothing else. */
export const baseSnapshotName = 'base'

/** Groups per batch of deletions. */
const batchGroups = 256

/** The base as it was recorded; `unreadable` where the record isn't what was written. */
export async function readBase(database: LogDatabase): Promise<LogBase | 'unreadable'> {
  const value = await database.get<Buffer, Buffer>(baseKey, binary)
  if (value === undefined) return noBase
  const body = value.subarray(hashBytes)
  if (sha256(body) !== value.toString('latin1', 0, hashBytes)) return 'unreadable'
  return unpack(body) as LogBase
}

/** From here on the events up to the base count as gone, whether they are deleted yet or not. */
export async function writeBase(database: LogDatabase, base: LogBase): Promise<void> {
  const body = pack(base)
  const value = Buffer.concat([Buffer.from(sha256(body), 'binary'), body])
  await database.batch().put(baseKey, value, binary).write(durably)
}

/** Deletes the groups up to the base, and the marks of time before it; does nothing where that was done. */
export async function dropCompacted(database: LogDatabase, base: LogBase): Promise<void> {
  if (base.seq === 0) return
  const range = { gte: groupKey(0), lte: groupKey(base.seq), ...binary }
  for (;;) {
    const keys = await database.keys<Buffer>({ ...range, limit: batchGroups }).all()
    if (keys.length === 0) break
    const batch = database.batch()
    for (const key of keys) batch.del(key, binary)
    await batch.write()
  }
  await database.clear({ gte: timeKey(0), lt: timeKey(base.seq), ...binary })
  // LevelDB gives the space back when it next merges these tables, which may be never.
  await (database as Partial<Merging>).compactRange?.(range.gte, range.lte, { keyEncoding: 'buffer' })
}

interface Merging {
  compactRange(from: Buffer, to: Buffer, options: { readonly keyEncoding: 'buffer' }): Promise<void>
}

/** The error for what events before the base would be needed for. */
export function compacted(path: string, seq: number, base: LogBase): WeirError<'WEIR_LOG_COMPACTED'> {
  const first = base.seq + 1
  return new WeirError(
    'WEIR_LOG_COMPACTED',
    `the log at ${path} can't tell of event ${seq}: events before ${first} were compacted on ${new Date(base.time).toISOString()}`,
    { path, seq, first, compactedAt: base.time },
  )
}
