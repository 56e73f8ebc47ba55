import { type Engine, type EventBody, type EventDraft, objectKey, type WeirEvent, WeirError } from '@weir/core'
import { Concern, type IncidentEnds, type IncidentExtent } from '@weir/core/incident/concern.js'
import { type StateBody, stateBodies } from '@weir/core/incident/state-bodies.js'
import { canonicalJson } from '@weir/core/json.js'
import type { EventLog } from '@weir/store'
import type { FlowWords } from '../agent/asked-flows.js'
import { sourceOfEvent } from '../agent/event-source.js'
import { eventAt, sourceAt } from '../agent/log-events.js'
import { restoreEngine } from '../agent/restore.js'
import { EndsWatcher } from './ends.js'
import type { Window } from './window.js'

/** What there is to know of a log before it can be cut. */
export interface Surveyed {
  readonly window: Window
  readonly ends: IncidentEnds
  readonly isService: boolean
  /** What the state before the window says, and what the log says in it. */
  readonly before: readonly StateBody[]
  /** After the window's last event. */
  readonly engine: Engine
}

/** An event of a cut log, and its number in the log that it was cut from; 0: several said it there. */
export interface CutEvent {
  readonly draft: EventDraft
  readonly seq: number
}

export interface CutLog {
  /** Those that say again what was so before the window come first. */
  readonly events: readonly CutEvent[]
  readonly stateEvents: number
}

/**
 * Follows a flow's ends through a window of the log.
 *
 * @throws WeirError WEIR_NOT_FOUND where the words mean nobody in it, WEIR_REQUEST_INVALID, WEIR_LOG_COMPACTED
 */
export async function survey(log: EventLog, words: FlowWords, window: Window): Promise<Surveyed> {
  const { engine } = await restoreEngine(log, () => {}, window.first - 1, 'fresh')
  const before = [...stateBodies(engine.state)]
  const watcher = new EndsWatcher(engine, words)
  for await (const batch of log.read({ from: window.first, to: window.last }))
    for (const event of batch) {
      engine.fold([event])
      watcher.observe(event)
    }
  if (!watcher.hasMeantSome) {
    const { from, to } = words
    const message = `nobody goes by these words from event ${window.first} to ${window.last}: ${from} ${to}`
    throw new WeirError('WEIR_NOT_FOUND', message, { kind: 'flow', name: `${from} ${to}`, near: [] })
  }
  return { window, ends: watcher.ends, isService: watcher.isService, before, engine }
}

/** Leaves out of a log what has no bearing on the flow. */
export async function cutLog(log: EventLog, surveyed: Surveyed, extent: IncidentExtent): Promise<CutLog> {
  const { window, before, ends, engine } = surveyed
  const inWindow: EventBody[] = []
  for await (const batch of log.read({ from: window.first, to: window.last })) inWindow.push(...batch)
  const bodies = before.map(({ body }) => body)
  const concern = new Concern(ends, [...bodies, ...inWindow], engine.state, extent)
  const events: CutEvent[] = []
  const slices = new SlicesSeen()
  for (const known of before) {
    const body = concern.cut(known.body)
    if (body === undefined || slices.isKnown(body)) continue
    events.push({ draft: await draftOf(log, known, body), seq: known.seq })
  }
  const stateEvents = events.length
  for (const event of inWindow as WeirEvent[]) {
    const body = concern.cut(event)
    if (body === undefined || slices.isKnown(body)) continue
    const { seq, ...draft } = { ...event, ...body } as WeirEvent
    events.push({ draft, seq })
  }
  return { events, stateEvents }
}

/** Slices of which only some endpoints are kept often say the same again. */
class SlicesSeen {
  readonly #said = new Map<string, string>()

  isKnown(body: EventBody): boolean {
    if (body.kind === 'endpointslice.deleted') this.#said.delete(objectKey(body.namespace, body.name))
    if (body.kind !== 'endpointslice.upserted') return false
    const key = objectKey(body.slice.namespace, body.slice.name)
    const said = canonicalJson(body.slice)
    if (this.#said.get(key) === said) return true
    this.#said.set(key, said)
    return false
  }
}

/** With the time and the source of the event that said it; of one that was compacted, when and that it was. */
async function draftOf(log: EventLog, { seq, untilMs }: StateBody, body: EventBody): Promise<EventDraft> {
  if (seq > log.base.seq) {
    const said = await eventAt(log, seq)
    const from = { time: said.time, ...sourceOfEvent(said) }
    if (body.kind !== 'dns.answered' || said.kind !== 'dns.answered') return { ...body, ...from }
    return { ...body, answer: { ...body.answer, ttlSeconds: said.answer.ttlSeconds }, ...from }
  }
  const from = seq === 0 ? { source: 'weir log export' } : await sourceAt(log, seq)
  return { ...body, time: untilMs === undefined ? log.base.time : untilMs - 1000, ...from }
}
