import { WeirError, type WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'
import { type EventSource, nowhere, sourceOfEvent } from './event-source.js'
import { sourcesAtBase } from './log-base.js'

/** @throws WeirError WEIR_NOT_FOUND when the log has no such event. */
export async function eventAt(log: EventLog, seq: number): Promise<WeirEvent> {
  for await (const [event] of log.read({ from: seq, to: seq, batchSize: 1 })) if (event !== undefined) return event
  throw new WeirError('WEIR_NOT_FOUND', `the log has no event ${seq}`, { kind: 'event', name: String(seq), near: [] })
}

/** Where an event came from, of a compacted one too where a rule in force at the base says so: that of a built-in rule is nowhere. */
export async function sourceAt(log: EventLog, seq: number): Promise<EventSource> {
  if (seq === 0) return nowhere
  if (seq > log.base.seq) return sourceOfEvent(await eventAt(log, seq))
  return (await sourcesAtBase(log)).get(seq) ?? { source: 'compacted' }
}
