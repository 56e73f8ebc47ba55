import type { LogDatabase } from '../storage/storage.js'
import { finding, type LogFinding } from './finding.js'
import { decodeGroup, type Group } from './group.js'
import { binary, durably, lastOfKey, maxSeq, timeKey } from './keys.js'
import { storedGroups } from './reader.js'
import type { RecordCodec } from './record.js'

/**
 * Of an event that ends a group: the latest time that any event up to it has. Clocks jump back, so the times of events
 * are in no order; these are.
 */
export interface TimeMark {
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly latest: number
}

/** Events between two marks, at least: what a search by time decodes. */
const marksEvery = 4096

/** Decides which groups get a mark as the log grows. */
export class TimeMarks {
  readonly #database: LogDatabase
  readonly #codec: RecordCodec
  #latest: number | undefined
  #marked = 0

  constructor(database: LogDatabase, codec: RecordCodec) {
    this.#database = database
    this.#codec = codec
  }

  /**
   * The marks that belong into the batch of a commit: one where it is due, and those that a log written by an import or
   * an older build lacks.
   *
   * @param latest The latest time in the commit.
   */
  async due(before: number, after: number, latest: number): Promise<readonly TimeMark[]> {
    const due: TimeMark[] = []
    if (this.#latest === undefined) {
      const walk = new Walk(this.#codec, await markAtOrBefore(this.#database, before))
      due.push(...(await walk.to(this.#database, before)))
      this.#latest = walk.latest
      this.#marked = walk.marked
    }
    this.#latest = Math.max(this.#latest, latest)
    if (after - this.#marked < marksEvery) return due
    this.#marked = after
    due.push({ seq: after, latest: this.#latest })
    return due
  }
}

/** Follows the times of groups. */
class Walk {
  latest: number
  marked: number
  readonly #codec: RecordCodec

  constructor(codec: RecordCodec, start: TimeMark) {
    this.#codec = codec
    this.latest = start.latest
    this.marked = start.seq
  }

  /** Goes on to an event that ends a group; returns the marks that are due on the way. */
  async to(database: LogDatabase, seq: number): Promise<readonly TimeMark[]> {
    const due: TimeMark[] = []
    if (seq <= this.marked) return due
    for await (const stored of storedGroups(database, this.marked + 1, seq))
      for (const { value } of stored) {
        const group = decodeGroup(value)
        if (group === undefined) continue
        if (group.last > seq) return due
        this.latest = Math.max(this.latest, latestOf(group, this.#codec))
        if (group.last - this.marked < marksEvery) continue
        this.marked = group.last
        due.push({ seq: group.last, latest: this.latest })
      }
    return due
  }
}

function latestOf(group: Group, codec: RecordCodec): number {
  let latest = Number.NEGATIVE_INFINITY
  for (let index = 0; index <= group.last - group.first; index++) {
    const seq = group.first + index
    try {
      const { time } = codec.decode(group.value, seq, group.offsets[index], group.offsets[index + 1])
      if (time > latest) latest = time
    } catch {
      // Whoever reads the event is told.
    }
  }
  return latest
}

const start: TimeMark = { seq: 0, latest: Number.NEGATIVE_INFINITY }

async function markAtOrBefore(database: LogDatabase, seq: number): Promise<TimeMark> {
  for await (const mark of marks(database, { lte: timeKey(seq), reverse: true })) return mark
  return start
}

/** The last mark up to which no event is later than a time; of a log without one, its start. */
export async function lastMarkUntil(database: LogDatabase, timeMs: number): Promise<TimeMark> {
  let found = start
  for await (const mark of marks(database)) {
    if (mark.latest > timeMs) break
    found = mark
  }
  return found
}

/** The mark at an event; undefined where there is none. */
export async function markAt(database: LogDatabase, seq: number): Promise<TimeMark | undefined> {
  for await (const mark of marks(database, { gte: timeKey(seq), lte: timeKey(seq) })) return mark
  return undefined
}

/** Writes a mark at an event that ends a group: at a base it says how late the events before it were. */
export async function writeMarkAt(database: LogDatabase, codec: RecordCodec, seq: number): Promise<void> {
  const walk = new Walk(codec, await markAtOrBefore(database, seq))
  await walk.to(database, seq)
  await database.batch().put(timeKey(seq), encode(walk.latest), binary).write(durably)
}

/** What a group's batch gets of a mark. */
export const markEntry = ({ seq, latest }: TimeMark): readonly [key: Buffer, value: Buffer] => [
  timeKey(seq),
  encode(latest),
]

/** Holds the marks of a log against the times of its events, as a walk over its groups meets them. */
export class MarkCheck {
  readonly findings: LogFinding[] = []
  readonly #marks: Map<number, number>
  #latest: number | undefined

  private constructor(stored: Map<number, number>, latest: number | undefined) {
    this.#marks = stored
    this.#latest = latest
  }

  /** @param after The event before the first one that is walked over: the log's base, or it can't be told. */
  static async open(database: LogDatabase, after: number, base: number): Promise<MarkCheck> {
    const stored = new Map<number, number>()
    // One before the base is left over from a compaction that was cut off.
    for await (const { seq, latest } of marks(database, { gte: timeKey(base) })) stored.set(seq, latest)
    const latest = base === 0 ? start.latest : stored.get(base)
    stored.delete(base)
    return new MarkCheck(stored, after === base ? latest : undefined)
  }

  /** Told of each event that is as it was written. */
  event(time: number): void {
    if (this.#latest !== undefined && time > this.#latest) this.#latest = time
  }

  /** Told when a group ends. */
  group(last: number): void {
    const stored = this.#marks.get(last)
    this.#marks.delete(last)
    if (stored !== undefined && this.#latest !== undefined && stored !== this.#latest)
      this.findings.push(finding('mark', last, last, `the mark of the time until event ${last} isn't what was written`))
  }

  /** After all of the log: marks where no group ends. */
  end(head: number): void {
    if (this.#latest === undefined) return
    for (const seq of this.#marks.keys())
      this.findings.push(
        finding('mark', Math.min(seq, head), Math.min(seq, head), `no event has the mark of time ${seq}`),
      )
  }
}

interface Range {
  readonly gte?: Buffer
  readonly lte?: Buffer
  readonly reverse?: boolean
}

async function* marks(database: LogDatabase, range: Range = {}): AsyncGenerator<TimeMark> {
  const options = { gte: timeKey(0), lte: timeKey(maxSeq), ...range, ...binary }
  for await (const [key, value] of database.iterator<Buffer, Buffer>(options))
    if (value.length === 8) yield { seq: lastOfKey(key), latest: value.readDoubleBE(0) }
}

function encode(latest: number): Buffer {
  const value = Buffer.allocUnsafe(8)
  value.writeDoubleBE(latest)
  return value
}
