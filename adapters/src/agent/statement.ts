import { isDeepStrictEqual } from 'node:util'
import { type Digest, WeirError, type WeirEvent } from '@weir/core'
import { hexesOf } from '@weir/core/digest/versions.js'
import {
  type ChainPlace,
  type Checkpoint,
  type EventLog,
  isSigned,
  parseCheckpoint,
  type StoredCheckpoints,
} from '@weir/store'
import { buildVersion } from '../version.js'
import { eventAt, sourceAt } from './log-events.js'
import { answersTo, type Answer } from './question.js'
import { restoreEngine } from './restore.js'

/** Who could talk to whom at an event, by which rules, and where the log stands for it. */
export interface Statement {
  readonly weir: 'statement'
  readonly format: 1
  /** The last event folded before the answers. */
  readonly at: number
  /** Its time, milliseconds since the epoch. */
  readonly time: number
  readonly from: string
  readonly to: string
  readonly build: string
  readonly answers: readonly Answer[]
  /** The events that the answers name, as the log has them. */
  readonly events: readonly WeirEvent[]
  /** Digest of all tables after event `at`. */
  readonly digest: string
  /** The group that holds event `at`. */
  readonly chain: ChainPlace
  /** The first checkpoint at or after event `at`; absent while nobody signed so far. */
  readonly checkpoint?: Checkpoint
}

/**
 * States what the answer to a question was after event `at`.
 *
 * @throws WeirError WEIR_NOT_FOUND (no such event, nobody of that name then), WEIR_REQUEST_INVALID, WEIR_LOG_DAMAGED
 */
export async function statementAt(
  log: EventLog,
  stored: StoredCheckpoints,
  at: number,
  from: string,
  to: string,
): Promise<Statement> {
  return (await stated(log, stored, at, from, to)).statement
}

async function stated(
  log: EventLog,
  { checkpoints }: StoredCheckpoints,
  at: number,
  from: string,
  to: string,
): Promise<{ readonly statement: Statement; readonly digest: Digest }> {
  const chain = await log.chainAt(at)
  const { time } = await eventAt(log, at)
  if (chain === undefined)
    throw new WeirError('WEIR_LOG_DAMAGED', `event ${at} isn't what was written`, {
      path: log.location,
      seq: at,
      damage: 'altered',
    })
  const { engine } = await restoreEngine(log, () => {}, at)
  const answers = await answersTo(engine, from, to, seq => sourceAt(log, seq))
  const seqs = [...new Set(answers.flatMap(({ sources }) => sources.map(([seq]) => seq)))].sort((a, b) => a - b)
  const events: WeirEvent[] = []
  for (const seq of seqs) if (seq > log.base.seq) events.push(await eventAt(log, seq))
  const checkpoint = checkpoints.find(({ seq }) => seq >= at)
  const digest = engine.digest()
  const statement: Statement = {
    weir: 'statement',
    format: 1,
    at,
    time,
    from,
    to,
    build: buildVersion,
    answers,
    events,
    digest: digest.hex,
    chain,
    ...(checkpoint !== undefined && { checkpoint }),
  }
  return { statement, digest }
}

/** What a statement says and the log doesn't; empty for one that holds. */
export async function contradictions(
  statement: Statement,
  log: EventLog,
  stored: StoredCheckpoints,
  keys: readonly string[],
): Promise<readonly string[]> {
  const { at, from, to, checkpoint } = statement
  if (at > log.head.seq) return [`the log ends at event ${log.head.seq}, before event ${at}`]
  const wrong: string[] = []
  let now: Statement
  let digests: readonly string[]
  try {
    const anew = await stated(log, stored, at, from, to)
    now = anew.statement
    digests = hexesOf(anew.digest)
  } catch (error) {
    return [`the log has no answer: ${error instanceof Error ? error.message : String(error)}`]
  }
  const fields = ['time', 'answers', 'events', 'chain'] as const
  for (const field of fields)
    if (!isDeepStrictEqual(asJson(statement[field]), asJson(now[field]))) wrong.push(`the log has other ${field}`)
  // It doesn't say of which version its digest is.
  if (!digests.includes(statement.digest)) wrong.push('the log has other digest')
  if (checkpoint === undefined) {
    if (keys.length > 0) wrong.push('it bears no checkpoint')
    return wrong
  }
  if (parseCheckpoint(JSON.stringify(checkpoint)) === undefined || !isSigned(checkpoint))
    return [...wrong, "its checkpoint isn't as it was signed"]
  if (keys.length > 0 && !keys.includes(checkpoint.key)) wrong.push(`its checkpoint is signed by ${checkpoint.key}`)
  if (checkpoint.seq < at) wrong.push(`its checkpoint is of event ${checkpoint.seq}, before event ${at}`)
  const place = checkpoint.seq > log.head.seq ? undefined : await log.chainAt(checkpoint.seq)
  if (place?.last !== checkpoint.seq || place.hash !== checkpoint.head)
    wrong.push(`the log up to event ${checkpoint.seq} isn't the one that its checkpoint was signed for`)
  return wrong
}

/** What JSON makes of it: a statement went through that. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** @throws WeirError WEIR_REQUEST_INVALID */
export function parseStatement(text: string, where: string): Statement {
  let parsed: Partial<Statement> | null = null
  try {
    parsed = JSON.parse(text) as Partial<Statement> | null
  } catch {
    // Said below.
  }
  const isOne =
    parsed?.weir === 'statement' &&
    parsed.format === 1 &&
    Number.isSafeInteger(parsed.at) &&
    typeof parsed.from === 'string' &&
    typeof parsed.to === 'string'
  if (isOne) return parsed as Statement
  throw new WeirError('WEIR_REQUEST_INVALID', `${where} isn't a statement`, {
    problems: [{ path: '', message: "it isn't a statement", value: where, expected: 'what weir log prove wrote' }],
  })
}
