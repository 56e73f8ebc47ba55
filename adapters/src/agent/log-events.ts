import { WeirError, type WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'

/** @throws WeirError WEIR_NOT_FOUND when the log has no such event. */
export async function eventAt(log: EventLog, seq: number): Promise<WeirEvent> {
  for await (const [event] of log.read({ from: seq, to: seq, batchSize: 1 })) if (event !== undefined) return event
  throw new WeirError('WEIR_NOT_FOUND', `the log has no event ${seq}`, { kind: 'event', name: String(seq), near: [] })
}
