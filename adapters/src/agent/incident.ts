import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalJson } from '@weir/core/json.js'
import { type Engine, WeirError } from '@weir/core'
import { EventLog, folderStorage, type ExportStart, type LogHead } from '@weir/store'
import { baseRecord } from './base-record.js'
import { eventAt, sourceAt } from './log-events.js'
import { answersTo } from './question.js'
import { restoreEngine } from './restore.js'

/** A flow, and how much of the log around a moment tells its story. */
export interface Incident {
  readonly from: string
  readonly to: string
  /** The event that it is about. */
  readonly around: number
  /** So many milliseconds before and after that event's time are told. */
  readonly spanMs: number
}

/** A part of a log, from a commit to a commit. */
export interface Slice {
  readonly start: ExportStart
  readonly head: LogHead
}

/**
 * The part of the log that an incident needs: the events of its span, in whole commits so that the chain stays, and the
 * state before them.
 *
 * @throws WeirError WEIR_NOT_FOUND, WEIR_LOG_COMPACTED
 */
export async function sliceOf(log: EventLog, { around, spanMs }: Incident): Promise<Slice> {
  const { time } = await eventAt(log, around)
  const first = await reachOf(log, around, -1, at => at >= time - spanMs)
  const last = await reachOf(log, around, 1, at => at <= time + spanMs)
  const begin = (await log.chainAt(first))!
  const end = (await log.chainAt(last))!
  const head = { seq: end.last, hash: end.hash }
  if (begin.first === log.base.seq + 1) return { start: { base: log.base }, head }
  const base = { seq: begin.first - 1, hash: begin.previous, time }
  return { start: { base, state: await baseRecord(log, base.seq) }, head }
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

/**
 * What a flow's answer was after each event of a slice: one text each, equal for equal answers.
 */
async function answersOver(
  log: EventLog,
  { from, to }: Pick<Incident, 'from' | 'to'>,
  first: number,
  last: number,
): Promise<readonly string[]> {
  const { engine } = await restoreEngine(log, () => {}, first)
  const texts = [await answerText(engine, from, to, log)]
  for await (const batch of log.read({ from: first + 1, to: last }))
    for (const event of batch) {
      engine.apply([event])
      texts.push(await answerText(engine, from, to, log))
    }
  return texts
}

async function answerText(engine: Engine, from: string, to: string, log: EventLog): Promise<string> {
  try {
    return canonicalJson(await answersTo(engine, from, to, seq => sourceAt(log, seq)))
  } catch (error) {
    // Before a pod was there, and once it has gone, nobody has its name: so said by both.
    if (error instanceof WeirError && error.code === 'WEIR_NOT_FOUND') return error.message
    throw error
  }
}

/**
 * Reads an exported incident back and holds the flow's answers to those of the log, event by event.
 *
 * @throws WeirError WEIR_INCIDENT_DIFFERS
 */
export async function checkIncident(
  log: EventLog,
  incident: Incident,
  { start, head }: Slice,
  file: string,
  texts: AsyncIterable<string>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-incident-'))
  try {
    const holder = { pid: process.pid, command: 'weir log export', since: 0 }
    const copy = await EventLog.open({ storage: folderStorage({ path: join(folder, 'log'), holder }) })
    try {
      await copy.import(texts)
      const [first, last] = [Math.max(start.base.seq, 1), head.seq]
      const wanted = await answersOver(log, incident, first, last)
      const found = await answersOver(copy, incident, first, last)
      const at = wanted.findIndex((text, index) => text !== found[index])
      if (at >= 0) {
        const seq = first + at
        const message = `${file} doesn't lead to what the log does from event ${seq} on`
        throw new WeirError('WEIR_INCIDENT_DIFFERS', message, { path: file, seq })
      }
    } finally {
      await copy.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
