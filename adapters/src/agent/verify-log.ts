import { isDeepStrictEqual } from 'node:util'
import { Engine, WeirError } from '@weir/core'
import { EventLog, type FileFault, type LogFinding, type LogHead } from '@weir/store'
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
  /** Events that this build folded to compare snapshots with: those before the first damage. */
  readonly replayed: number
  readonly snapshots: readonly SnapshotVerdict[]
}

/** One snapshot against a replay of this build. */
export interface SnapshotVerdict {
  readonly seq: number
  /** Build that wrote it. */
  readonly build: string
  /** `other-tables`: its build knew other tables, so that the digests can't be compared; `not-reached`: behind damage. */
  readonly outcome: 'same' | 'differs' | 'other-tables' | 'not-reached'
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
export async function verifyLog(
  path: string,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<LogVerdict> {
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
    const report = await log.verify({ onProgress: at => onProgress({ step: 'checking', ...at }) })
    const damage = report.findings.filter(({ kind }) => kind !== 'snapshot')
    const firstDamage = Math.min(...damage.map(({ seq }) => seq), log.head.seq + 1)
    const replay = await replaySnapshots(log, firstDamage - 1, seq =>
      onProgress({ step: 'replaying', seq, head: firstDamage - 1 }),
    )
    const findings = [...report.findings, ...replay.findings].sort((a, b) => a.seq - b.seq)
    const { condition, firstBad } = conditionOf(findings, files, log.head.seq)
    return {
      condition,
      ...(firstBad !== undefined && { firstBad }),
      findings,
      files,
      rebuilt,
      events: report.events,
      head: report.head,
      replayed: replay.replayed,
      snapshots: replay.snapshots,
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
  }
}

/** Folds events up to `to` and compares at every snapshot on the way, a batch at a time. */
async function replaySnapshots(
  log: EventLog,
  to: number,
  onProgress: (seq: number) => void,
): Promise<{
  readonly replayed: number
  readonly snapshots: readonly SnapshotVerdict[]
  readonly findings: readonly LogFinding[]
}> {
  const snapshots: SnapshotVerdict[] = []
  const findings: LogFinding[] = []
  const stops = [...(await log.snapshots.list(snapshotName))].sort((a, b) => a - b)
  const engine = new Engine()
  const compare = async (seq: number, reached: boolean): Promise<void> => {
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
    if (to > 0)
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
  const parts = Object.keys(digest.parts).filter(part => part in record.digest.parts) as (keyof typeof digest.parts)[]
  const differing = parts.filter(part => record.digest.parts[part] !== digest.parts[part])
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
  return parts.length < Object.keys(digest.parts).length || parts.length < Object.keys(record.digest.parts).length
    ? ''
    : undefined
}
