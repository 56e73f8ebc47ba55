import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { WeirError } from '@weir/core'
import { compacted, type EventLog } from '@weir/store'
import { InvalidArgumentError } from 'commander'
import { systemClock } from '../agent/clock.js'
import { headTime, seqAt } from '../agent/seq-at.js'
import type { CommandContext } from './command.js'
import { logOfAgent } from './live-log.js'
import { moment } from './quantities.js'
import type { Terminal } from './terminal.js'
import { type GivenState, invalid, openState, type WhichEvent } from './states.js'

/** An event's number, or a time that depends on what `now` is; milliseconds since the epoch. */
export type Moment = number | ((nowMs: number) => number)

export const momentHelp =
  "an event's number (1200, @1200), a time (2026-01-31T12:00:00Z, 2026-01-31 12:00: UTC), -10m: before now, or a log's end"

const momentExpected = "an event's number or a time: 1200, @1200, -10m or 2026-01-31T12:00:00Z"

/** `1200`, `@1200`, `-10m`, `2026-01-31T12:00:00Z`, or without a zone, which is UTC then. */
export function pointInLog(text: string): Moment {
  const seq = /^@?(\d{1,15})$/.exec(text)
  if (seq !== null) return Number(seq[1])
  try {
    return moment(text)
  } catch {
    throw new InvalidArgumentError(`Expected is ${momentExpected}.`)
  }
}

/**
 * Opens a state as it was after an event, or at a time.
 *
 * @param word As `openState` takes it. A past state of `live` is read from a copy of the running agent's log.
 * @param at Without one, the state as `word` names it: with @MOMENT as it was then.
 * @throws WeirError As `openState`; WEIR_NOT_FOUND where the log begins later.
 */
export async function openStateAt(
  context: CommandContext,
  word: string,
  at: Moment | undefined,
  socketPath: string,
): Promise<GivenState> {
  const asked = at === undefined ? await pastState(context, word) : undefined
  if (asked !== undefined) return openStateAt(context, asked.word, asked.at, socketPath)
  if (at === undefined) return openState(context, word, socketPath)
  const log = word === 'live' ? await logOfAgent(socketPath) : word
  return openState(context, log, socketPath, eventOf(at, word === 'live'))
}

/** `FOLDER@-10m`, `live@1200`; undefined of a word that is a file's name as it stands, or names no moment. */
async function pastState(context: CommandContext, word: string): Promise<{ word: string; at: Moment } | undefined> {
  const [, state = '', point = ''] = /^(.+)@([^@]+)$/.exec(word) ?? []
  // Numbers are what every state's name may have.
  if (state === '' || (/^\d+$/.test(point) && state !== 'live')) return undefined
  if (await access(resolve(context.workingFolder, word)).then(always(true), always(false))) return undefined
  try {
    return { word: state, at: pointInLog(point) }
  } catch {
    throw invalid(word, 'what stands behind @ is no moment, and there is no such file', momentExpected)
  }
}

const always = (answer: boolean) => (): boolean => answer

/** Relative times count back from now where an agent runs, else from the log's last event. */
const eventOf =
  (at: Moment, isLive: boolean): WhichEvent =>
  log =>
    seqOfMoment(log, at, isLive)

/**
 * The last event at a moment.
 *
 * @param isLive The moment is told from now, not from the log's last event.
 * @throws WeirError WEIR_NOT_FOUND where the log begins later
 */
export async function seqOfMoment(log: EventLog, at: Moment, isLive: boolean): Promise<number> {
  if (typeof at === 'number') return at
  const now = isLive ? undefined : await headTime(log)
  return seqAt(log, at(now ?? systemClock.nowMs()))
}

/**
 * The first and last event of a range of moments: `from` a number is that event, `from` a time what came after it.
 *
 * @throws WeirError WEIR_NOT_FOUND for an event that isn't there, or where the log begins after `to`, WEIR_LOG_COMPACTED,
 *   WEIR_REQUEST_INVALID where it ends before it begins
 */
export async function seqsBetween(
  log: EventLog,
  { from, to }: { readonly from?: Moment; readonly to?: Moment },
  isLive: boolean,
): Promise<{ readonly from?: number; readonly to?: number }> {
  const last = to === undefined ? undefined : await seqOfMoment(log, to, isLive)
  for (const seq of [typeof from === 'number' ? from : undefined, last]) if (seq !== undefined) checkEvent(log, seq)
  const first = typeof from === 'function' ? (await seqBefore(log, from, isLive)) + 1 : from
  const least = typeof from === 'number' ? (last ?? from) : (last ?? log.head.seq) + 1
  if (first !== undefined && first > least)
    throw invalid(`${first} to ${last}`, 'the range ends before it begins', 'its first event, then its last')
  return {
    ...(first !== undefined && { from: Math.max(first, log.base.seq + 1) }),
    ...(last !== undefined && { to: last }),
  }
}

/** @throws WeirError WEIR_NOT_FOUND past the log's end, WEIR_LOG_COMPACTED before it begins */
export function checkEvent(log: EventLog, seq: number): void {
  if (seq > log.head.seq) {
    const near = [`@${log.head.seq}`]
    throw new WeirError('WEIR_NOT_FOUND', `the log has no event ${seq}`, { kind: 'event', name: String(seq), near })
  }
  if (log.base.seq > 0 && seq <= log.base.seq) throw compacted(log.location, seq, log.base)
}

/** Of a log whose first events are gone, what is to be said to whoever asks for all of it. */
export function baseText({ base }: EventLog): string | undefined {
  if (base.seq === 0) return undefined
  return `events before ${base.seq + 1} were compacted on ${new Date(base.time).toISOString()}`
}

/** Says where a history begins that is told from the beginning. */
export function noteBase({ note }: Pick<Terminal, 'note'>, log: EventLog): void {
  const text = baseText(log)
  if (text !== undefined) note(`weir: ${text}`)
}

/** Says which events brought no change: silence could mean anything. */
export function noteNothing(
  { note }: Pick<Terminal, 'note'>,
  log: EventLog,
  { from = log.base.seq + 1, to = log.head.seq }: { readonly from?: number; readonly to?: number },
): void {
  note(from > to ? `weir: no event since ${to}` : `weir: no change by the events ${from} to ${to}`)
}

/** The last event before a time; of a time before the log, none. */
async function seqBefore(log: EventLog, at: Moment, isLive: boolean): Promise<number> {
  try {
    return await seqOfMoment(log, at, isLive)
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_NOT_FOUND') return log.base.seq
    throw error
  }
}
