import { WeirError } from '@weir/core'
import type { EventLog } from '@weir/store'

/**
 * The last event before which no clock of the log was past a time.
 *
 * Order in the log is the truth and clocks may jump back, so a time means the events before the first one that is later:
 * an event of an earlier time that was written after a later one came after it. Reads the log up to there.
 *
 * @param timeMs Milliseconds since the epoch.
 * @throws WeirError WEIR_NOT_FOUND when the log's first event is later.
 */
export async function seqAt(log: Pick<EventLog, 'read'>, timeMs: number): Promise<number> {
  let seq = 0
  for await (const batch of log.read())
    for (const event of batch) {
      if (event.time > timeMs) return reached(seq, timeMs, event.time)
      seq = event.seq
    }
  return reached(seq, timeMs, undefined)
}

/** Time of the last event in milliseconds since the epoch; undefined of an empty log. */
export async function headTime(log: Pick<EventLog, 'read' | 'head'>): Promise<number | undefined> {
  if (log.head.seq === 0) return undefined
  for await (const batch of log.read({ from: log.head.seq })) return batch.at(-1)!.time
  return undefined
}

function reached(seq: number, timeMs: number, firstMs: number | undefined): number {
  if (seq > 0) return seq
  const name = new Date(timeMs).toISOString()
  const near = firstMs === undefined ? [] : [new Date(firstMs).toISOString()]
  throw new WeirError('WEIR_NOT_FOUND', `the log has no event until ${name}`, { kind: 'event', name, near })
}
