import type { EventLog, LogBase } from '@weir/store'
import { baseRecord } from './base-record.js'

/** How much of a log to keep: what any of them lets go, goes. */
export interface Retention {
  /** Events older than this. */
  readonly ageMs?: number
  /** Bytes of stored events. */
  readonly sizeBytes?: number
  /** Newest events. */
  readonly events?: number
}

/** What a compaction did. */
export interface Compaction {
  readonly base: LogBase
  /** Events that are gone now, and before were not. */
  readonly events: number
}

/**
 * Has the log begin as late as the retention asks, with the state there as its base: folds up to there, then compacts. The
 * base of a log with checkpoints is at one of them, so that its state stays vouched for.
 *
 * Undefined where there is nothing to let go.
 *
 * @param checkpoints all that there are of the log
 * @throws WeirError WEIR_LOG_WRITE_FAILED, WEIR_LOG_DAMAGED
 */
export async function compactLog(
  log: EventLog,
  retention: Retention,
  nowMs: number,
  checkpoints: readonly { readonly seq: number }[],
): Promise<Compaction | undefined> {
  const to = await newBase(log, retention, nowMs, checkpoints)
  if (to === undefined) return undefined
  const before = log.base.seq
  const record = await baseRecord(log, to)
  return { base: await log.compact(to, record, nowMs), events: to - before }
}

/** The last event that may go: the end of a group, never of the newest one. */
async function newBase(
  log: EventLog,
  retention: Retention,
  nowMs: number,
  checkpoints: readonly { readonly seq: number }[],
): Promise<number | undefined> {
  const { ageMs = Number.POSITIVE_INFINITY, sizeBytes = Number.POSITIVE_INFINITY } = retention
  const lastByCount = log.head.seq - (retention.events ?? Number.POSITIVE_INFINITY)
  const groups: { readonly last: number; readonly sizeBytes: number }[] = []
  let all = 0
  let goes = lastByCount
  let isOld = true
  for await (const group of log.groups()) {
    all += group.sizeBytes
    groups.push(group)
    // A clock that jumped makes later events older: what is between stays with the first that is young enough.
    isOld &&= group.time < nowMs - ageMs
    if (isOld) goes = Math.max(goes, group.last)
  }
  for (const group of groups) {
    if (all <= sizeBytes) break
    all -= group.sizeBytes
    goes = Math.max(goes, group.last)
  }
  const ends = groups.slice(0, -1).flatMap(({ last }) => (last <= goes ? [last] : []))
  const signed = new Set(checkpoints.map(({ seq }) => seq))
  return signed.size > 0 ? ends.findLast(end => signed.has(end)) : ends.at(-1)
}
