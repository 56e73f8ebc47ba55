import { isDeepStrictEqual } from 'node:util'
import { Engine, WeirError } from '@weir/core'
import { digestAs, isComparable } from '@weir/core/digest/versions.js'
import { entryOf } from '@weir/core/multimap.js'
import {
  type Checkpoint,
  EventLog,
  type LogBase,
  type FileFault,
  type LogFinding,
  type LogHead,
  readCheckpoints,
  type StoredCheckpoints,
} from '@weir/store'
import { engineAtBase } from './log-base.js'
import { conditionOf, type LogCondition } from './log-condition.js'
import { type EngineRecord, snapshotName, splitAt } from './restore.js'

/** What verifying a log came to. */
export interface LogVerdict {
  readonly condition: LogCondition
  /** First event that isn't as it was written, is gone, or can't be vouched for; absent of a sound log. */
  readonly firstBad?: number
  /** In the order of the log. */
  readonly findings: readonly LogFinding[]
  /** What is wrong with the files of the database. */
  readonly files: readonly FileFault[]
  /** LevelDB couldn't read a copy as it is: what follows was told of what its files still hold. */
  readonly rebuilt: boolean
  /** Events that are there, as written, and decode. */
  readonly events: number
  readonly head: LogHead
  /** Where it begins, once its first events were compacted. */
  readonly base?: LogBase
  /** Events that this build folded to compare snapshots with: those before the first damage. */
  readonly replayed: number
  readonly snapshots: readonly SnapshotVerdict[]
  /** Checkpoints that are as they were signed, by a key that was named where any was. */
  readonly checkpoints: number
  /** The last event that one of them vouches for, when it was signed (milliseconds since the epoch) and by whom. */
  readonly signed?: { readonly seq: number; readonly time: number; readonly key: string }
}

/** One snapshot against a replay of this build. */
export interface SnapshotVerdict {
  readonly seq: number
  /** Build that wrote it. */
  readonly build: string
  /** `other-tables`: its build took digests otherwise; its content is as a replay has it; `not-reached`: behind damage. */
  readonly outcome: 'same' | 'differs' | 'other-tables' | 'not-reached'
}

export interface VerifyLogOptions {
  /** Public keys, `ed25519:…`, whose checkpoints count; without any, those that lie beside the log count by themselves. */
  readonly keys?: readonly string[]
  readonly onProgress?: (progress: VerifyProgress) => void
}

export interface VerifyProgress {
  readonly step: 'checking' | 'replaying'
  readonly seq: number
  readonly head: number
}

/**
 * Verifies the log in a folder: files, marks, records, chain, snapshots, then every snapshot against a replay of its
 * events by this build. Works on a private copy and changes nothing. Never throws for what is wrong with a log.
 *
 * @param path The log's folder. A running agent isn't disturbed: its log is taken as of a moment ago.
 */
export async function verifyLog(path: string, options: VerifyLogOptions = {}): Promise<LogVerdict> {
  const { keys = [], onProgress = () => {} } = options
  // Before the copy is taken: a running agent may sign what the copy doesn't have yet.
  const stored = await readCheckpoints(path)
  const { checkpoints, findings: unsigned } = countedCheckpoints(stored, keys)
  let files: readonly FileFault[] = []
  let rebuilt = false
  let log: EventLog
  try {
    log = await EventLog.openReadOnly({
      path,
      whileHeld: true,
      salvage: true,
      onInventory: (faults, anew) => {
        files = faults
        rebuilt = anew
      },
    })
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_LOG_UNREADABLE') throw error
    return nothingToRead(error as WeirError<'WEIR_LOG_UNREADABLE'>, files, rebuilt)
  }
  try {
    const signedHeads = checkpoints.map(({ seq, head }) => ({ seq, hash: head }))
    const report = await log.verify({ signedHeads, onProgress: at => onProgress({ step: 'checking', ...at }) })
    const damage = report.findings.filter(({ kind }) => kind !== 'snapshot' && kind !== 'checkpoint')
    const firstDamage = Math.min(...damage.map(({ seq }) => seq), log.head.seq + 1)
    const replay = await replayRecords(log, checkpoints, firstDamage - 1, seq =>
      onProgress({ step: 'replaying', seq, head: firstDamage - 1 }),
    )
    const findings = [...stored.findings, ...unsigned, ...report.findings, ...replay.findings].sort(
      (a, b) => a.seq - b.seq,
    )
    const { condition, firstBad } = conditionOf(findings, files, log.head.seq)
    return {
      condition,
      ...(firstBad !== undefined && { firstBad }),
      findings,
      files,
      rebuilt,
      events: report.events,
      head: report.head,
      ...(log.base.seq > 0 && { base: log.base }),
      replayed: replay.replayed,
      snapshots: replay.snapshots,
      checkpoints: checkpoints.length,
      ...signedBy(checkpoints.at(-1)),
    }
  } finally {
    await log.close()
  }
}

function nothingToRead(
  error: WeirError<'WEIR_LOG_UNREADABLE'>,
  files: readonly FileFault[],
  rebuilt: boolean,
): LogVerdict {
  const { kind, reason } = error.payload
  const condition = (
    { 'no-log': 'no-log', foreign: 'foreign', version: 'wrong-version', files: 'unreadable' } as const
  )[kind]
  const finding: LogFinding = { kind: 'unreadable', seq: 1, lastSeq: 1, message: reason }
  return {
    condition,
    firstBad: 1,
    findings: [finding],
    files,
    rebuilt,
    events: 0,
    head: { seq: 0, hash: '0'.repeat(64) },
    replayed: 0,
    snapshots: [],
    checkpoints: 0,
  }
}

function signedBy(checkpoint: Checkpoint | undefined): Pick<LogVerdict, 'signed'> {
  if (checkpoint === undefined) return {}
  const { seq, time, key } = checkpoint
  return { signed: { seq, time, key } }
}

/** Those that the named keys signed, and what speaks against the others. */
function countedCheckpoints(
  { checkpoints }: StoredCheckpoints,
  keys: readonly string[],
): { readonly checkpoints: readonly Checkpoint[]; readonly findings: readonly LogFinding[] } {
  if (keys.length === 0) return { checkpoints, findings: [] }
  const counted = checkpoints.filter(({ key }) => keys.includes(key))
  const findings = checkpoints
    .filter(({ key }) => !keys.includes(key))
    .map(({ seq, key }): LogFinding => {
      const message = `the checkpoint at event ${seq} is signed by ${key}, which isn't a key that was named`
      return { kind: 'checkpoint', seq, lastSeq: seq, message }
    })
  if (counted.length === 0)
    findings.push({ kind: 'unsigned', seq: 1, lastSeq: 1, message: 'there is no checkpoint of a key that was named' })
  return { checkpoints: counted, findings }
}

/** Folds events up to `to` and compares at every snapshot and checkpoint on the way, a batch at a time. */
async function replayRecords(
  log: EventLog,
  checkpoints: readonly Checkpoint[],
  to: number,
  onProgress: (seq: number) => void,
): Promise<{
  readonly replayed: number
  readonly snapshots: readonly SnapshotVerdict[]
  readonly findings: readonly LogFinding[]
}> {
  const snapshots: SnapshotVerdict[] = []
  const findings: LogFinding[] = []
  let engine: Engine
  try {
    engine = await engineAtBase(log)
  } catch (error) {
    const { seq } = log.base
    const message = `this build can't begin with the state there: ${error instanceof Error ? error.message : String(error)}`
    return { replayed: seq, snapshots, findings: [{ kind: 'undecodable', seq, lastSeq: seq, message }] }
  }
  const signedAt = new Map<number, Checkpoint[]>()
  for (const each of checkpoints) entryOf(signedAt, each.seq, () => []).push(each)
  const recorded = [...(await log.snapshots.list(snapshotName)), ...signedAt.keys()]
  // What was recorded before the log begins can't be compared any more.
  const stops = [...new Set(recorded)].filter(seq => seq >= engine.seq && seq > 0).sort((a, b) => a - b)
  const compare = async (seq: number, reached: boolean): Promise<void> => {
    if (reached)
      for (const checkpoint of signedAt.get(seq) ?? []) {
        const differing = differingParts(checkpoint.digest, engine)
        if (differing.length === 0) continue
        const message = `${checkpoint.build} signed other ${differing.join(', ')} at event ${seq} than this build comes to`
        findings.push({ kind: 'replay', seq, lastSeq: seq, message })
      }
    const found = await log.snapshots.latest(snapshotName, { atOrBefore: seq })
    if (found?.seq !== seq) return // Its damage is among the findings already.
    const record = found.state as EngineRecord
    const why = reached ? differenceOf(record, engine) : undefined
    const outcome = !reached ? 'not-reached' : why === undefined ? 'same' : why === '' ? 'other-tables' : 'differs'
    snapshots.push({ seq, build: record.build, outcome })
    if (outcome === 'differs')
      findings.push({ kind: 'replay', seq, lastSeq: seq, message: `the snapshot at event ${seq} ${why}` })
  }
  let next = 0
  try {
    if (stops[0] === engine.seq) await compare(stops[next++]!, true)
    if (to > engine.seq)
      for await (const batch of log.read({ to })) {
        for (const part of splitAt(batch, stops)) {
          engine.fold(part)
          for (; stops[next] !== undefined && stops[next]! <= engine.seq; next++) await compare(stops[next]!, true)
        }
        onProgress(engine.seq)
      }
  } catch (error) {
    const seq = engine.seq + 1
    const message = `this build can't fold it: ${error instanceof Error ? error.message : String(error)}`
    findings.push({ kind: 'undecodable', seq, lastSeq: seq, message: `event ${seq}: ${message}` })
  }
  for (; next < stops.length; next++) await compare(stops[next]!, false)
  return { replayed: engine.seq, snapshots, findings }
}

/** Undefined when nothing differs, '' when nothing can be compared. */
function differenceOf(record: EngineRecord, engine: Engine): string | undefined {
  const digest = engine.digest()
  const differing = differingParts(record.digest, engine)
  if (differing.length > 0)
    return `was written by ${record.build} with other ${differing.join(', ')} than a replay of this build comes to`
  try {
    const restored = Engine.restore(record.engine)
    if (!isDeepStrictEqual(restored.digest(), digest))
      return "leads to other tables than the events before it: its content isn't what they say"
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_SNAPSHOT_VERSION') return ''
    return `can't be restored: ${error instanceof Error ? error.message : String(error)}`
  }
  return isComparable(record.digest.version) ? undefined : ''
}

/** The tables whose digests differ, of those that the recorded version has; none where it can't be compared. */
function differingParts(recorded: Checkpoint['digest'], engine: Engine): readonly string[] {
  return Object.entries(digestAs(engine.digest(), recorded.version)?.parts ?? {})
    .filter(([part, digest]) => recorded.parts[part] !== digest)
    .map(([part]) => part)
}
