import { WeirError } from '@weir/core'
import type { EventLog } from '@weir/store'

/**
 * The last event before which no clock of the log was past a time; see `EventLog.seqAt`.
 *
 * @param timeMs Milliseconds since the epoch.
 * @throws WeirError WEIR_NOT_FOUND when the log's first event is later, WEIR_LOG_COMPACTED where that is before it begins.
 */
export async function seqAt(log: Pick<EventLog, 'read' | 'seqAt'>, timeMs: number): Promise<number> {
  const seq = await log.seqAt(timeMs)
  if (seq > 0) return seq
  const name = new Date(timeMs).toISOString()
  const first = await timeOf(log, 1)
  const near = first === undefined ? [] : [new Date(first).toISOString()]
  throw new WeirError('WEIR_NOT_FOUND', `the log has no event until ${name}`, { kind: 'event', name, near })
}

/** Time of the last event in milliseconds since the epoch; undefined of an empty log. */
export async function headTime(log: Pick<EventLog, 'read' | 'head'>): Promise<number | undefined> {
  return log.head.seq === 0 ? undefined : timeOf(log, log.head.seq)
}

async function timeOf(log: Pick<EventLog, 'read'>, seq: number): Promise<number | undefined> {
  for await (const [event] of log.read({ from: seq, to: seq })) return event?.time
  return undefined
}
