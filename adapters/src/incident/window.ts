import type { EventLog } from '@weir/store'
import type { FlowWords } from '../agent/asked-flows.js'
import { eventAt } from '../agent/log-events.js'

/** A flow, and how much of the log around a moment tells its story. */
export interface Incident extends FlowWords {
  /** The event that it is about. */
  readonly around: number
  /** So many milliseconds before and after that event's time are told. */
  readonly spanMs: number
}

/** Events of a log, the first and the last one included. */
export interface Window {
  readonly first: number
  readonly last: number
}

/**
 * The events of an incident's span.
 *
 * @throws WeirError WEIR_NOT_FOUND, WEIR_LOG_COMPACTED
 */
export async function windowOf(log: EventLog, { around, spanMs }: Incident): Promise<Window> {
  const { time } = await eventAt(log, around)
  return {
    first: await reachOf(log, around, -1, at => at >= time - spanMs),
    last: await reachOf(log, around, 1, at => at <= time + spanMs),
  }
}

/** The farthest event of which all in between lie in the span; clocks that jump end it early, never late. */
async function reachOf(
  log: EventLog,
  around: number,
  step: 1 | -1,
  isInside: (time: number) => boolean,
): Promise<number> {
  let reached = around
  for (let size = 256; ; ) {
    const from = step > 0 ? reached + 1 : Math.max(log.base.seq + 1, reached - size)
    const to = step > 0 ? Math.min(log.head.seq, reached + size) : reached - 1
    if (from > to) return reached
    const events = []
    for await (const batch of log.read({ from, to })) events.push(...batch)
    if (step < 0) events.reverse()
    for (const event of events) {
      if (!isInside(event.time)) return reached
      reached = event.seq
    }
  }
}
