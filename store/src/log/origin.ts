import type { LogDatabase } from '../storage/storage.js'
import type { Checkpoint } from '../checkpoints/checkpoint.js'
import { hashBytes, sha256 } from './hash.js'
import type { LogHead } from './head.js'
import { binary, durably, originKey } from './keys.js'

/** What a log was cut from: its chain is its own, and its events stand there under other numbers. */
export interface LogOrigin {
  /** Where that log ended when it was cut. */
  readonly head: LogHead
  /** The checkpoint of that log next after the incident, or the last one there was; absent: it wasn't signed. */
  readonly checkpoint?: Checkpoint
  /** Item `i` is the number there of event `i + 1`; 0: it says what several had said. */
  readonly seqs: readonly number[]
  /** So many events at the beginning say again what was so before the first one of the incident. */
  readonly stateEvents: number
  /** The first and last event there that it is about: those in between that aren't here have no bearing on the flow. */
  readonly first: number
  readonly last: number
  readonly flow: { readonly from: string; readonly to: string }
  /** The event there that it is about. */
  readonly around: number
  /** How much was kept. */
  readonly extent: string
  /** So many recorded flows follow the events in the file; absent: none. */
  readonly flows?: number
  /** Names and addresses are others. */
  readonly isPseudonymous?: true
  /** Times are others. */
  readonly isShifted?: true
}

/** The origin as it was recorded; undefined of a log that is no other's part. */
export async function readOrigin(database: LogDatabase): Promise<LogOrigin | 'unreadable' | undefined> {
  const value = await database.get<Buffer, Buffer>(originKey, binary)
  if (value === undefined) return undefined
  const body = value.subarray(hashBytes)
  if (sha256(body) !== value.toString('latin1', 0, hashBytes)) return 'unreadable'
  return JSON.parse(body.toString('utf8')) as LogOrigin
}

export async function writeOrigin(database: LogDatabase, origin: LogOrigin): Promise<void> {
  const body = Buffer.from(JSON.stringify(origin))
  const value = Buffer.concat([Buffer.from(sha256(body), 'binary'), body])
  await database.batch().put(originKey, value, binary).write(durably)
}

/**
 * The event of the log that this one was cut from which holds a number here: the last one up to it.
 *
 * @param seq there
 * @returns here; the end of the state before the incident where that is later
 */
export function seqWithin({ seqs, stateEvents }: LogOrigin, seq: number): number {
  let found = stateEvents
  for (let at = stateEvents; at < seqs.length && seqs[at]! <= seq; at++) found = at + 1
  return found
}
