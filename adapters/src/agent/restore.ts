import { type Digest, Engine, type EngineSnapshot, type RestoreOptions, type WeirEvent } from '@weir/core'
import { digestAs, isComparable } from '@weir/core/digest/versions.js'
import { entryOf } from '@weir/core/multimap.js'
import { type EventLog, readCheckpoints } from '@weir/store'
import { engineAtBase, refuseCompacted } from './log-base.js'
import type { RecordedDigest } from './digest-record.js'

/** Under this name the agent keeps the engine beside the log. */
export const snapshotName = 'engine'

/** What a snapshot of the engine holds. */
export interface EngineRecord {
  /** Digest when it was written: what a replay must come to at the same event. */
  readonly digest: Digest
  /** Build that wrote it. */
  readonly build: string
  readonly engine: EngineSnapshot
}

/**
 * The engine as of the end of the log, from the newest sound snapshot on. A snapshot that can't be used is passed over:
 * everything in it follows from the events.
 *
 * @param onSkipped Told why a snapshot wasn't used.
 * @param to Last event to fold; default the log's end.
 * @param numbers `fresh` for a state that is only asked.
 * @returns the engine and the event of the snapshot it started from, 0 for none.
 * @throws WeirError WEIR_LOG_COMPACTED for a state from before the log begins.
 */
export async function restoreEngine(
  log: EventLog,
  onSkipped: (reason: string) => void = () => {},
  to: number = log.head.seq,
  numbers: RestoreOptions['numbers'] = 'kept',
): Promise<{ readonly engine: Engine; readonly snapshot: number }> {
  refuseCompacted(log, to)
  const onDamage = (damage: { readonly message: string }): void => onSkipped(damage.message)
  const found = await log.snapshots.latest(snapshotName, { atOrBefore: to, onDamage })
  let engine: Engine | undefined
  let snapshot = 0
  if (found !== undefined) {
    try {
      engine = Engine.restore((found.state as EngineRecord).engine, { numbers })
      snapshot = found.seq
    } catch (error) {
      onSkipped(
        `the snapshot at event ${found.seq} is of another build: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  engine ??= await engineAtBase(log)
  for await (const events of log.read({ from: engine.seq + 1, to })) engine.fold(events)
  return { engine, snapshot }
}

/** Writes the engine's snapshot for its present event. */
export async function recordEngine(log: EventLog, engine: Engine, build: string): Promise<void> {
  const record: EngineRecord = { digest: engine.digest(), build, engine: engine.snapshot() }
  await log.snapshots.write(snapshotName, engine.seq, record)
}

/** The digests that lie with a log: its snapshots' and its checkpoints'. */
export async function digestsOf(log: EventLog): Promise<readonly RecordedDigest[]> {
  // An agent that stops writes both: each is told once.
  const found = new Map<string, RecordedDigest>()
  const note = (each: RecordedDigest): void => {
    const name = `${each.seq} ${each.hex} ${each.build}`
    if (!found.has(name)) found.set(name, each)
  }
  for (const seq of await log.snapshots.list(snapshotName)) {
    const snapshot = await log.snapshots.latest(snapshotName, { atOrBefore: seq })
    if (snapshot?.seq !== seq) continue
    const { digest, build } = snapshot.state as EngineRecord
    note({ seq, build, ...digest })
  }
  for (const { seq, build, digest } of (await readCheckpoints(log.location)).checkpoints)
    note({ seq, build, ...digest })
  return [...found.values()].sort((a, b) => a.seq - b.seq)
}

/** What a replay came to. */
export interface Replay {
  readonly events: number
  readonly digest: Digest
  readonly durationMs: number
  /** Digests recorded by snapshots along the way, and what the replay had there. */
  readonly checkpoints: readonly {
    readonly seq: number
    readonly recorded: string
    readonly replayed: string
    readonly build: string
  }[]
}

/**
 * Folds the log from its first event through this build, and compares with every digest recorded on the way.
 *
 * @param to Last event to fold; default the log's end.
 * @param onProgress Told now and then how far it is.
 */
export async function replayLog(
  log: EventLog,
  nowMs: () => number,
  to: number = log.head.seq,
  onProgress: (seq: number) => void = () => {},
): Promise<Replay> {
  // A build that hashed tables otherwise: there is nothing to compare.
  const recorded = new Map<number, RecordedDigest[]>()
  for (const each of await digestsOf(log))
    if (each.seq <= to && isComparable(each.version)) entryOf(recorded, each.seq, () => []).push(each)
  const stops = [...recorded.keys()]
  const engine = await engineAtBase(log)
  const checkpoints: { seq: number; recorded: string; replayed: string; build: string }[] = []
  const start = nowMs()
  for await (const batch of log.read({ to })) {
    for (const part of splitAt(batch, stops)) {
      engine.fold(part)
      for (const { seq, hex, build, version } of recorded.get(engine.seq) ?? [])
        checkpoints.push({ seq, recorded: hex, replayed: digestAs(engine.digest(), version)!.hex, build })
    }
    onProgress(engine.seq)
  }
  const digest = engine.digest()
  return { events: engine.seq - log.base.seq, digest, durationMs: nowMs() - start, checkpoints }
}

/** The batch in parts that each end with one of the sequence numbers, which are in order, and the rest. */
export function splitAt(batch: readonly WeirEvent[], stops: readonly number[]): readonly (readonly WeirEvent[])[] {
  const parts: (readonly WeirEvent[])[] = []
  let from = 0
  let next = firstFrom(stops, batch[0]?.seq ?? 0)
  for (const [at, { seq }] of batch.entries()) {
    while (next < stops.length && stops[next]! < seq) next++
    if (stops[next] !== seq) continue
    parts.push(batch.slice(from, at + 1))
    from = at + 1
  }
  if (from < batch.length) parts.push(batch.slice(from))
  return parts
}

/** The place of the first number that is no smaller: all of them are asked for again with each batch. */
function firstFrom(numbers: readonly number[], least: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (numbers[middle]! < least) low = middle + 1
    else high = middle
  }
  return low
}
