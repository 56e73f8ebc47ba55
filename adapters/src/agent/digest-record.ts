import { canonicalJson } from '@weir/core/json.js'
import { type Engine, WeirError } from '@weir/core'
import type { EventLog, LogHead } from '@weir/store'
import { buildVersion } from '../version.js'
import { engineAtBase } from './log-base.js'
import { rowLines } from './row-lines.js'

/** What a build came to after an event. */
export interface RecordedDigest {
  readonly seq: number
  readonly build: string
  readonly hex: string
  /** Of how digests are taken: those of two versions can't be compared. */
  readonly version: number
  readonly parts: Readonly<Record<string, string>>
  /** What the event changed in the tables, in words without numbers of its build's own; recorded event by event only. */
  readonly rows?: readonly string[]
}

/** First line of a record. */
export interface RecordHeader {
  readonly weir: 'digests'
  readonly format: 1
  readonly build: string
  /** Where the log ended that it was taken of: the record says nothing of another log. */
  readonly log: LogHead
}

export interface RecordOptions {
  /** First and last event to record at, those between by `every`; the last one is always there. */
  readonly from: number
  readonly to: number
  readonly every: number
  readonly onProgress?: (seq: number) => void
}

/**
 * Folds the log through this build from its first event on, and yields what it comes to at every so many events: a record
 * for another build to compare itself with. With `every: 1`, what each event changed, too.
 */
export async function* recordDigests(log: EventLog, options: RecordOptions): AsyncGenerator<RecordedDigest> {
  const { from, to, every } = options
  const engine = await engineAtBase(log)
  for await (const batch of log.read({ to })) {
    for (const event of batch) {
      const isRecorded = event.seq >= from && ((event.seq - from + 1) % every === 0 || event.seq === to)
      // Where both still agree, that the first event of the range can be told from what came before.
      if (event.seq === from - 1) {
        engine.fold([event])
        yield recordOf(engine)
      } else if (isRecorded && every === 1) {
        // Whatever was folded so far counts as seen.
        void engine.tables
        const delta = engine.apply([event])
        yield recordOf(engine, rowLines(delta, engine.tables))
      } else {
        engine.fold([event])
        if (isRecorded) yield recordOf(engine)
      }
    }
    options.onProgress?.(engine.seq)
  }
}

function recordOf(engine: Engine, rows?: readonly string[]): RecordedDigest {
  return { seq: engine.seq, build: buildVersion, ...engine.digest(), ...(rows !== undefined && { rows }) }
}

/** A record as lines of text, without newlines. */
export async function* recordLines(log: EventLog, options: RecordOptions): AsyncGenerator<string> {
  const header: RecordHeader = { weir: 'digests', format: 1, build: buildVersion, log: log.head }
  yield canonicalJson(header)
  for await (const recorded of recordDigests(log, options)) yield canonicalJson(recorded)
}

/**
 * Reads a record that `recordLines` gave.
 *
 * @throws WeirError WEIR_REQUEST_INVALID for what isn't one, or is cut off within a line.
 */
export function parseRecord(
  text: string,
  where: string,
): { readonly header: RecordHeader; readonly digests: readonly RecordedDigest[] } {
  const lines = text.split('\n').filter(line => line !== '')
  const parsed = lines.map((line, at): unknown => {
    try {
      return JSON.parse(line)
    } catch (error) {
      throw notARecord(where, `line ${at + 1}: ${(error as Error).message}`)
    }
  })
  const [header, ...digests] = parsed as [Partial<RecordHeader> | undefined, ...RecordedDigest[]]
  if (header?.weir !== 'digests' || header.format !== 1 || typeof header.log?.hash !== 'string')
    throw notARecord(where, "it isn't a record of digests")
  const bad = digests.findIndex(each => !Number.isSafeInteger(each?.seq) || typeof each.hex !== 'string')
  if (bad >= 0) throw notARecord(where, `line ${bad + 2} has no digest`)
  return { header: header as RecordHeader, digests }
}

function notARecord(where: string, message: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', `${where}: ${message}`, {
    problems: [{ path: '', message, value: where, expected: 'what weir replay --record wrote, or a log' }],
  })
}
