import { setImmediate as turnOfEventLoop } from 'node:timers/promises'
import type { EventDraft, WeirEvent } from '@weir/core/event/event.js'
import { upcastEvent } from '@weir/core/event/upcast.js'
import { WeirError } from '@weir/core/errors.js'
import type { Observable } from 'rxjs'
import type { ExportedFlow } from '../flows/exported-flow.js'
import { exportLog, type ExportStart } from '../exchange/export.js'
import { importLog } from '../exchange/import.js'
import { Snapshots } from '../snapshots/snapshots.js'
import { type SnapshotLimits, snapshotLimits } from '../snapshots/thinning.js'
import { privateCopyStorage, type ReadOnlyOptions } from '../storage/private-copy.js'
import type { LogDatabase, LogStorage } from '../storage/storage.js'
import { unreadable } from '../storage/unreadable.js'
import { baseSnapshotName, compacted, dropCompacted, type LogBase, writeBase } from './base.js'
import { writeFailed } from './failure.js'
import { type ChainPlace, decodeGroup, groupIntact, type GroupSize, recordOf } from './group.js'
import { damaged, type ReadOptions, readEvents, storedGroups } from './reader.js'
import { type Followed, follow, tail } from './follow.js'
import type { LogHead } from './head.js'
import { type OpenedDatabase, openDatabase } from './open.js'
import { type LogOrigin, writeOrigin } from './origin.js'
import { lastMarkUntil, markAt, writeMarkAt } from './time-marks.js'
import { findSoundPrefix, type SoundPrefix } from './prefix.js'
import { createRecordCodec, type RecordCodec } from './record.js'
import { type VerifyOptions, type VerifyReport, verifyLog } from './verify.js'
import { type Appended, Writer, type WriterOptions } from './writer.js'
import { Writes } from './writes.js'

export interface OpenOptions extends Partial<Omit<WriterOptions, 'writes'>> {
  /** Where the log lives: `folderStorage(…)` for a folder. */
  readonly storage: LogStorage
  /** How many snapshots are kept of each name; see snapshots/thinning.ts. */
  readonly keepSnapshots?: Partial<SnapshotLimits>
  /** How old schema versions are read; the default knows all that this build's events ever had. */
  readonly upcast?: typeof upcastEvent
}

const defaultMaxEventBytes = 4 << 20
const defaultMaxPendingBytes = 16 << 20
const defaultBatchSize = 1000

/**
 * The memory of an agent: events in the order they were written, numbered densely from 1.
 *
 * One process writes. Appends are durable when they resolve; a log whose disk failed takes no more and says why.
 */
export class EventLog {
  /** Snapshots of what was folded from this log. */
  readonly snapshots: Snapshots
  readonly #database: LogDatabase
  readonly #storage: LogStorage
  readonly #codec: RecordCodec
  readonly #writer: Writer
  readonly #writes = new Writes()
  readonly #wakers = new Set<() => void>()
  #head: LogHead
  #base: LogBase
  #origin: LogOrigin | undefined
  #closing: Promise<void> | undefined
  readonly #followed: Followed = {
    headSeq: () => this.#head.seq,
    read: range => this.read(range),
    grown: (seq, signal) => this.#grown(seq, signal),
  }

  private constructor(database: LogDatabase, { head, base, origin }: OpenedDatabase, options: OpenOptions) {
    const { storage } = options
    this.#database = database
    this.#storage = storage
    this.#head = head
    this.#base = base
    this.#origin = origin
    this.#codec = createRecordCodec(options.upcast ?? upcastEvent)
    const writerOptions = {
      maxEventBytes: options.maxEventBytes ?? defaultMaxEventBytes,
      maxPendingBytes: options.maxPendingBytes ?? defaultMaxPendingBytes,
      nextTurn: options.nextTurn ?? turnOfEventLoop,
      writes: this.#writes,
    }
    this.#writer = new Writer(database, this.#codec, head, writerOptions, storage.location, grown => {
      this.#head = grown
      this.#wake()
    })
    const limits = { ...snapshotLimits, ...options.keepSnapshots }
    this.snapshots = new Snapshots(database, storage, limits, {
      head: () => this.#head,
      base: () => this.#base,
      writes: this.#writes,
    })
  }

  /**
   * Opens a log, making it when it isn't there.
   *
   * Throws `WEIR_LOG_LOCKED` (another writer), `WEIR_LOG_UNREADABLE` (not a log, or LevelDB can't open it) and
   * `WEIR_LOG_DAMAGED` when the end of the log isn't what was recorded: appending there would reuse numbers. A damaged
   * log can still be read by `openReadOnly`.
   */
  static async open(options: OpenOptions): Promise<EventLog> {
    const { storage } = options
    const database = await storage.open()
    try {
      const opened = await openDatabase(database, storage)
      const found = opened.findings[0]
      if (found !== undefined && !storage.readOnly) throw damaged(storage.location, found)
      return new EventLog(database, opened, options)
    } catch (error) {
      await storage.close(database)
      throw error instanceof WeirError ? error : unreadable(storage.location, 'files', (error as Error).message, error)
    }
  }

  /** Reads a log without a trace in it, damaged or not; see `ReadOnlyOptions`. Appends throw `WEIR_LOG_READ_ONLY`. */
  static openReadOnly(options: ReadOnlyOptions): Promise<EventLog> {
    return EventLog.open({ storage: privateCopyStorage(options) })
  }

  /** Where the log ends: the newest durable event and the chain hash up to it. */
  get head(): LogHead {
    return this.#head
  }

  /** Where the log begins: its events are those after `base.seq`. */
  get base(): LogBase {
    return this.#base
  }

  /** What the log was cut from; undefined of a log that is a whole. */
  get origin(): LogOrigin | undefined {
    return this.#origin
  }

  /**
   * Says what the log was cut from; an export tells it.
   *
   * @throws WeirError WEIR_LOG_WRITE_FAILED, WEIR_LOG_READ_ONLY
   */
  async cutFrom(origin: LogOrigin): Promise<void> {
    this.#assertWritable()
    try {
      await this.#writes.make(() => writeOrigin(this.#database, origin))
    } catch (cause) {
      throw writeFailed(this.location, this.#head.seq, 'what the log was cut from', cause)
    }
    this.#origin = origin
  }

  /** Path of the log, or a word for a place that has none. */
  get location(): string {
    return this.#storage.location
  }

  /** Encoded bytes that wait for the disk. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  /**
   * Numbers the drafts and resolves when they are durable: all of them or none, in a row, in the order of the calls.
   *
   * Concurrent appends share one fsync. Waits while more than `maxPendingBytes` wait for the disk. Rejects with
   * `WEIR_EVENT_TOO_LARGE` or `WEIR_EVENT_UNENCODABLE` (the log goes on), with `WEIR_LOG_WRITE_FAILED` from the first
   * write that the disk refused on, `WEIR_LOG_READ_ONLY` and `WEIR_LOG_CLOSED`.
   */
  async append(drafts: readonly EventDraft[]): Promise<Appended> {
    this.#assertWritable()
    return this.#writer.append(drafts)
  }

  /**
   * Events in batches of up to `batchSize`, upcast to the current schema version, from the first one that is there on.
   * Throws `WEIR_LOG_DAMAGED`, and `WEIR_LOG_COMPACTED` where `from` says an earlier one.
   */
  async *read(options: ReadOptions = {}): AsyncGenerator<readonly WeirEvent[]> {
    this.#assertOpen()
    const from = Math.max(1, options.from ?? this.#base.seq + 1)
    if (from <= this.#base.seq) throw compacted(this.location, from, this.#base)
    const range = {
      ...options,
      from,
      to: Math.min(options.to ?? this.#head.seq, this.#head.seq),
      batchSize: options.batchSize ?? defaultBatchSize,
    }
    try {
      yield* readEvents(this.#database, this.#codec, this.location, range, this.#storage.signal)
    } catch (error) {
      throw this.#closing === undefined ? error : this.#closed()
    }
  }

  /** Every event from `from` on, those to come included; ends when the log closes or `signal` aborts. */
  follow(
    from: number,
    options: { readonly signal?: AbortSignal; readonly batchSize?: number } = {},
  ): AsyncGenerator<readonly WeirEvent[]> {
    return follow(this.#followed, from, options)
  }

  /** `follow` as an Observable, read from disk at the pace of the subscriber; see `tail` in log/follow.ts. */
  tail(
    from: number,
    options: { readonly batchSize?: number; readonly ready?: () => PromiseLike<unknown> } = {},
  ): Observable<readonly WeirEvent[]> {
    return tail(this.#followed, from, options)
  }

  /** Walks all of the log and says what is wrong with it. Never throws for damage. */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.#assertOpen()
    return verifyLog(this.#database, this.#codec, this.snapshots, this.#head, this.#base, options)
  }

  /** The group that holds an event, and its place in the chain; undefined where there is none. */
  async chainAt(seq: number): Promise<ChainPlace | undefined> {
    this.#assertOpen()
    if (seq <= this.#base.seq) return undefined
    for await (const [stored] of storedGroups(this.#database, seq, seq)) {
      const group = stored === undefined ? undefined : decodeGroup(stored.value)
      if (group === undefined || group.first > seq || !groupIntact(group.value)) return undefined
      const { first, last, hash, previous } = group
      return { first, last, hash, previous }
    }
    return undefined
  }

  /** How far the log is as it was written, from its first event on, and what ends that. Never throws for damage. */
  soundPrefix(): Promise<SoundPrefix> {
    this.#assertOpen()
    return findSoundPrefix(this.#database, this.#base, this.#head)
  }

  /**
   * The log as NDJSON text, see exchange/format.ts: whole lines, some at a time. Throws `WEIR_LOG_DAMAGED`.
   *
   * @param head Where the export ends: a group's end, with its hash, as `soundPrefix` gives it; default the log's end.
   * @param start Where it begins, with the state there; default where the log does.
   */
  export(head: LogHead = this.#head, start: ExportStart = { base: this.#base }): AsyncGenerator<string> {
    this.#assertOpen()
    return exportLog(
      this.#database,
      this.#codec,
      this.location,
      this.snapshots,
      { ...start, origin: this.#origin },
      head,
    )
  }

  /**
   * Fills this log, which must be empty, from an export cut anywhere into pieces; then its head is that of the exported
   * log. All or nothing; recorded flows that come with it are told of. Throws `WEIR_LOG_NOT_EMPTY` and `WEIR_IMPORT_INVALID` (with the line).
   */
  async import(
    chunks: AsyncIterable<string> | Iterable<string>,
    onFlow: (flow: ExportedFlow) => void = () => {},
  ): Promise<LogHead> {
    this.#assertWritable()
    this.#assertOpen()
    const { seq } = this.#head
    if (seq > 0 || this.#writer.pendingBytes > 0) {
      throw new WeirError('WEIR_LOG_NOT_EMPTY', `the log at ${this.location} has events already`, {
        path: this.location,
        head: seq,
      })
    }
    return this.#writer.replaceHead(async () => {
      try {
        const imported = await importLog(this.#database, this.#codec, this.location, this.snapshots, chunks, onFlow)
        const { head, base, origin } = imported
        this.#base = base
        this.#origin = origin
        return head
      } catch (error) {
        if (error instanceof WeirError && error.code === 'WEIR_LOG_WRITE_FAILED') this.#writes.fail(error)
        throw error
      }
    })
  }

  /**
   * Has the log begin after event `to`, with `state` (anything that structured clone takes) as the snapshot of what went
   * before. The chain goes on from there. The end of the log, and the group that holds it, always stay.
   *
   * Durable step by step: the snapshot, the record of the base, then the deletion, which the next opening finishes where
   * it was cut off. Throws RangeError unless a group ends with `to`, `WEIR_LOG_WRITE_FAILED`, `WEIR_LOG_READ_ONLY`.
   *
   * @param timeMs When, milliseconds since the epoch.
   */
  async compact(to: number, state: unknown, timeMs: number): Promise<LogBase> {
    this.#assertWritable()
    const place = to > this.#base.seq && to < this.#head.seq ? await this.chainAt(to) : undefined
    if (place?.last !== to || !(await this.#isFollowed(to)))
      throw new RangeError(`the log at ${this.location} can't begin after event ${to}: no sound group ends there`)
    await this.snapshots.write(baseSnapshotName, to, state)
    const base = { seq: to, hash: place.hash, time: timeMs }
    try {
      await this.#writes.make(() => writeMarkAt(this.#database, this.#codec, to))
      await this.#writes.make(() => writeBase(this.#database, base))
      this.#base = base
      await this.#writes.make(() => dropCompacted(this.#database, base))
    } catch (cause) {
      throw writeFailed(this.location, this.#head.seq, `base after event ${to}`, cause)
    }
    await this.snapshots.dropStale()
    return base
  }

  /**
   * The last event before which no clock of the log was past a time; 0 where its first event is later.
   *
   * Order in the log is the truth and clocks may jump back, so a time means the events before the first one that is later:
   * an event of an earlier time that was written after a later one came after it.
   *
   * @param timeMs Milliseconds since the epoch.
   * @throws WeirError WEIR_LOG_COMPACTED where that is before the log begins.
   */
  async seqAt(timeMs: number): Promise<number> {
    this.#assertOpen()
    const { seq: base } = this.#base
    if (((await markAt(this.#database, base))?.latest ?? timeMs) > timeMs)
      throw compacted(this.location, base, this.#base)
    let { seq } = await lastMarkUntil(this.#database, timeMs)
    if (seq > this.#head.seq) seq = 0
    seq = Math.max(seq, base)
    for await (const batch of this.read({ from: seq + 1 }))
      for (const event of batch) {
        if (event.time > timeMs) return seq
        seq = event.seq
      }
    return seq
  }

  /** The group after `to` follows from it: a break in the chain must not be compacted away. */
  async #isFollowed(to: number): Promise<boolean> {
    const [here, next] = [await this.chainAt(to), await this.chainAt(to + 1)]
    return here !== undefined && next?.previous === here.hash
  }

  /** The groups in their order, with what telling how much to keep takes: last event, its time, bytes. */
  async *groups(): AsyncGenerator<GroupSize> {
    this.#assertOpen()
    for await (const stored of storedGroups(this.#database, this.#base.seq + 1, this.#head.seq))
      for (const { last, value } of stored) {
        const group = decodeGroup(value)
        const record = group === undefined ? undefined : recordOf(group, group.last - group.first)
        if (record === undefined) continue
        yield { last, time: this.#codec.decode(record, last).time, sizeBytes: value.length }
      }
  }

  /** Ends the intake, waits for what was taken in, ends tails and lets the next writer in. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#writer.stop(this.#closed())
    this.#wake()
    await this.snapshots.idle()
    await this.#storage.close(this.#database)
  }

  #grown(seq: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise(resolve => {
      const look = (): void => {
        const ended = this.#closing !== undefined || signal?.aborted === true
        if (!ended && this.#head.seq <= seq) return
        this.#wakers.delete(look)
        signal?.removeEventListener('abort', look)
        resolve(!ended)
      }
      this.#wakers.add(look)
      signal?.addEventListener('abort', look)
      look()
    })
  }

  #wake(): void {
    for (const look of [...this.#wakers]) look()
  }

  #assertWritable(): void {
    if (!this.#storage.readOnly) return
    throw new WeirError('WEIR_LOG_READ_ONLY', `the log at ${this.location} was opened for reading`, {
      path: this.location,
    })
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw this.#closed()
  }

  #closed(): WeirError {
    return new WeirError('WEIR_LOG_CLOSED', `the log at ${this.location} is closed`, { path: this.location })
  }
}
