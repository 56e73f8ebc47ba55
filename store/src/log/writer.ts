import type { EventDraft } from '@weir/core/event/event.js'
import { WeirError } from '@weir/core/errors.js'
import { writeFailed } from './failure.js'
import { encodeGroup, recordOverheadBytes } from './group.js'
import { encodeHead, type LogHead } from './head.js'
import { binary, durably, groupKey, headKey } from './keys.js'
import type { RecordCodec } from './record.js'
import { type Staged, Staging } from './staging.js'
import { markEntry, TimeMarks } from './time-marks.js'
import type { LogDatabase } from '../storage/storage.js'
import type { Writes } from './writes.js'

/** The sequence numbers that an append got; `last` is `first - 1` when there was nothing to append. */
export interface Appended {
  readonly first: number
  readonly last: number
}

export interface WriterOptions {
  /** A larger draft is refused. */
  readonly maxEventBytes: number
  /** Encoded bytes that may wait for the disk; past it, appends wait to be taken in. */
  readonly maxPendingBytes: number
  /** Lets what else is due be done first: a turn of the event loop, or what a simulation takes for one. */
  readonly nextTurn: () => Promise<unknown>
  readonly writes: Writes
}

/** A commit is cut into groups of about this size, so that reading one event never decodes much more. */
const groupTargetBytes = 64 << 10
/** One commit takes at most this much beyond its first append; LevelDB slows down on batches much larger. */
const commitTargetBytes = 4 << 20

interface Append {
  readonly records: Staged
  /** The latest time of its events. */
  readonly latest: number
  /** What they will take in their groups. */
  readonly bytes: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: WeirError) => void
}

interface Waiting {
  readonly drafts: readonly EventDraft[]
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: WeirError) => void
}

/**
 * Group commit: whatever was appended while the disk was busy goes into the next synced batch, one at a time and in the
 * order of the calls. The first write that fails ends the intake for good.
 */
export class Writer {
  readonly #database: LogDatabase
  readonly #codec: RecordCodec
  readonly #options: WriterOptions
  readonly #location: string
  readonly #onCommit: (head: LogHead) => void
  readonly #staging = new Staging()
  readonly #marks: TimeMarks
  #head: LogHead
  #pending: Append[] = []
  #pendingBytes = 0
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #stopped: WeirError | undefined

  constructor(
    database: LogDatabase,
    codec: RecordCodec,
    head: LogHead,
    options: WriterOptions,
    location: string,
    onCommit: (head: LogHead) => void,
  ) {
    this.#database = database
    this.#codec = codec
    this.#head = head
    this.#options = options
    this.#location = location
    this.#onCommit = onCommit
    this.#marks = new TimeMarks(database, codec)
  }

  /** Bytes that wait for the disk. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  append(drafts: readonly EventDraft[]): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) reject(this.#stopped)
      else if (this.#waiting.length > 0 || this.#pendingBytes >= this.#options.maxPendingBytes) {
        this.#waiting.push({ drafts, resolve, reject })
      } else this.#admit({ drafts, resolve, reject })
    })
  }

  /** Holds appends back while something else fills the empty log, then goes on behind the head that it returns. */
  async replaceHead(fill: () => Promise<LogHead>): Promise<LogHead> {
    const filling = fill()
    this.#running = filling.then(
      () => undefined,
      () => undefined,
    )
    try {
      this.#head = await filling
      this.#onCommit(this.#head)
      return this.#head
    } finally {
      this.#running = this.#pending.length > 0 ? this.#run() : undefined
    }
  }

  /** Ends the intake with `reason` and waits until what was taken in is durable. */
  async stop(reason: WeirError): Promise<void> {
    this.#stopped ??= reason
    for (const { reject } of this.#waiting.splice(0)) reject(this.#stopped)
    await this.#running
  }

  #admit({ drafts, resolve, reject }: Waiting): void {
    const { maxEventBytes } = this.#options
    let latest = Number.NEGATIVE_INFINITY
    try {
      for (const draft of drafts) {
        const record = this.#codec.encode(draft)
        const sizeBytes = record.end - record.start
        if (sizeBytes > maxEventBytes) throw tooLarge(draft, sizeBytes, maxEventBytes)
        this.#staging.add(record)
        if (draft.time > latest) latest = draft.time
      }
    } catch (error) {
      this.#staging.drop()
      reject(error as WeirError)
      return
    }
    const records = this.#staging.take()
    const bytes = records.bytes.length + records.lengths.length * recordOverheadBytes
    this.#pending.push({ records, latest, bytes, resolve, reject })
    this.#pendingBytes += bytes
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // Let everyone who was woken by the last commit append before the next one closes.
    await this.#options.nextTurn()
    while (this.#pending.length > 0) {
      const commit = this.#take()
      try {
        await this.#commit(commit)
      } catch (error) {
        this.#fail(commit, error)
        break
      }
      while (this.#waiting.length > 0 && this.#pendingBytes < this.#options.maxPendingBytes) {
        this.#admit(this.#waiting.shift() as Waiting)
      }
      await this.#options.nextTurn()
    }
    this.#running = undefined
  }

  #take(): Append[] {
    let count = 0
    let bytes = 0
    while (count < this.#pending.length && (count === 0 || bytes < commitTargetBytes)) {
      bytes += (this.#pending[count++] as Append).bytes
    }
    return this.#pending.splice(0, count)
  }

  async #commit(commit: readonly Append[]): Promise<void> {
    let head = this.#head
    const batch = this.#database.batch()
    let lengths: number[] = []
    let parts: Buffer[] = []
    let bytes = 0
    const close = (): void => {
      const { value, hash } = encodeGroup(head.seq + 1, head.hash, lengths, parts)
      head = { seq: head.seq + lengths.length, hash }
      batch.put(groupKey(head.seq), value, binary)
      lengths = []
      parts = []
      bytes = 0
    }
    for (const { records } of commit) {
      let start = 0
      let end = 0
      for (const length of records.lengths) {
        lengths.push(length)
        end += length
        bytes += length
        if (bytes < groupTargetBytes) continue
        parts.push(records.bytes.subarray(start, end))
        start = end
        close()
      }
      if (end > start) parts.push(records.bytes.subarray(start, end))
    }
    if (lengths.length > 0) close()
    if (head !== this.#head) {
      const latest = commit.reduce((found, append) => Math.max(found, append.latest), Number.NEGATIVE_INFINITY)
      for (const mark of await this.#marks.due(this.#head.seq, head.seq, latest)) batch.put(...markEntry(mark), binary)
      batch.put(headKey, encodeHead(head), binary)
      await this.#options.writes.make(() => batch.write(durably))
    } else await batch.close()
    let last = this.#head.seq
    this.#head = head
    this.#onCommit(head)
    for (const append of commit) {
      const first = last + 1
      last += append.records.lengths.length
      this.#pendingBytes -= append.bytes
      append.resolve({ first, last })
    }
  }

  #fail(commit: readonly Append[], cause: unknown): void {
    this.#stopped = writeFailed(this.#location, this.#head.seq, 'events appended since', cause)
    const rejected = [...commit, ...this.#pending.splice(0), ...this.#waiting.splice(0)]
    this.#pendingBytes = 0
    for (const { reject } of rejected) reject(this.#stopped)
  }
}

function tooLarge(draft: EventDraft, sizeBytes: number, limitBytes: number): WeirError {
  return new WeirError(
    'WEIR_EVENT_TOO_LARGE',
    `a ${draft.kind} event takes ${sizeBytes} bytes; the log takes up to ${limitBytes}`,
    { kind: draft.kind, sizeBytes, limitBytes },
  )
}
