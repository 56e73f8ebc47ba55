import { compareStates, type Engine, type EventBody, type WeirEvent } from '@weir/core'
import { versionOf } from '@weir/core/state/concerned.js'
import type { EventLog } from '@weir/store'
import { inForceOf } from '../manifests/in-force.js'
import type { FlowWords } from './asked-flows.js'
import { type FlowOutcome, flowOutcome } from './bisect.js'
import { eventAt } from './log-events.js'
import { objectOf } from '@weir/core/event/object-of.js'

/** What would come of an event's object being as it was before the event. */
export interface PutBack {
  /** The event that brought the version before; absent where there was none and the object would go. */
  readonly version?: number
  /** Whether the flow would fare as before the event, judged with the object put back. */
  readonly undoes: boolean
  /** Changes that comparing the states tells, those of the flow included. */
  readonly changes: number
}

/**
 * Tries in a later state what it would do to put back the object that an event changed.
 *
 * @param earlier the state just before the event
 * @param later the state to put it back in; not changed
 * @returns undefined where the event is about no object, or the version before is older than the log
 */
export async function putBack(
  log: EventLog,
  event: WeirEvent,
  earlier: Engine,
  later: Engine,
  flow: { readonly words: FlowWords; readonly meant: FlowOutcome },
): Promise<PutBack | undefined> {
  const key = objectOf(event)
  if (key === undefined || !/\.(?:upserted|deleted)$/.test(event.kind)) return undefined
  const version = versionOf(earlier.state, event)?.seq
  if (version !== undefined && version <= log.base.seq) return undefined
  const bodies: EventBody[] = []
  if (version !== undefined) bodies.push(await eventAt(log, version))
  else for (const { end } of inForceOf(later.state, [key])) bodies.push(end)
  if (bodies.length === 0) return undefined
  const tried = later.fork()
  const { seq } = later
  tried.fold(
    bodies.map((body, at): WeirEvent => ({ ...body, seq: seq + 1 + at, time: event.time, source: 'put back' })),
  )
  return {
    ...(version !== undefined && { version }),
    undoes: flowOutcome(tried, flow.words) === flow.meant,
    changes: compareStates(later, tried).changes.length,
  }
}
