import { Engine, WeirError } from '@weir/core'
import { baseSnapshotName, compacted, type EventLog } from '@weir/store'
import { type EventSource, type SourceEntry, sourcesBySeq } from './event-source.js'
import type { EngineRecord } from './restore.js'

/**
 * The engine as it was before the first event that the log still has: empty, or of the state at its base.
 *
 * @throws WeirError WEIR_LOG_DAMAGED where that state is gone, WEIR_SNAPSHOT_VERSION where this build can't read it.
 */
export async function engineAtBase(log: EventLog): Promise<Engine> {
  const { seq } = log.base
  if (seq === 0) return new Engine()
  const found = await log.snapshots.latest(baseSnapshotName, { atOrBefore: seq })
  if (found?.seq === seq) return Engine.restore((found.state as EngineRecord).engine)
  throw new WeirError('WEIR_LOG_DAMAGED', `the log at ${log.location} lost the state that it begins with`, {
    path: log.location,
    seq,
    damage: 'missing',
  })
}

/** The state at a base, and what its events would say of the rules in force there. */
export interface BaseRecord extends EngineRecord {
  readonly sources: readonly SourceEntry[]
}

const known = new WeakMap<EventLog, { readonly seq: number; readonly sources: ReadonlyMap<number, EventSource> }>()

/** Where the compacted events came from that brought the rules in force at the base. */
export async function sourcesAtBase(log: EventLog): Promise<ReadonlyMap<number, EventSource>> {
  const { seq } = log.base
  const found = known.get(log)
  if (found?.seq === seq) return found.sources
  const snapshot = await log.snapshots.latest(baseSnapshotName, { atOrBefore: seq })
  const sources = sourcesBySeq(snapshot?.seq === seq ? (snapshot.state as BaseRecord).sources : [])
  known.set(log, { seq, sources })
  return sources
}

/**
 * Says that a state from before the log's base can't be told.
 *
 * @param to The last event that the state is to have; that of the base is the first that can be told.
 * @throws WeirError WEIR_LOG_COMPACTED
 */
export function refuseCompacted(log: EventLog, to: number): void {
  if (to < log.base.seq) throw compacted(log.location, to, log.base)
}
