import type { EventBatch } from '@weir/datapath/backend.js'
import { codecs } from '@weir/datapath/codec/maps.js'
import { type FlowColumns, type FlowFigures, type FlowRetention, FlowStore, type LogStorage } from '@weir/store'
import type { Clock, Timer } from '../agent/clock.js'
import { PacedQueue } from '../agent/paced-queue.js'
import { FlowAggregator } from './aggregator.js'
import { WaitingRecords } from './waiting-records.js'

export interface FlowRecorderOptions {
  readonly storage: LogStorage
  readonly clock: Clock
  /** The last event of the log that is folded. */
  readonly seq: () => number
  readonly retention: FlowRetention
  /** What is summed up into one row. */
  readonly windowMs?: number
  /** Most rows of a window, a power of two; a window that has them ends early. */
  readonly capacity?: number
  readonly report: (message: string) => void
}

/** How flow history fares. */
export interface FlowRecorderFigures extends FlowFigures {
  readonly folder: string
  /** Packets taken, and those of them that are in no window: nobody had time for them, or they couldn't be written. */
  readonly packets: number
  readonly lostPackets: number
  /** Why nothing is written now; the next window is tried again. */
  readonly failing?: string
}

/** Records that are summed up at a stretch, at a tenth of a microsecond or two each. */
const sliceRecords = 2048
/** Records that may wait, some 20 MiB. */
const waitingMost = 1 << 18

interface Slice {
  /** Of the records that wait. */
  readonly from: number
  readonly to: number
  readonly seq: number
}

/**
 * Sums packets up into windows and keeps those. Never throws: history is worth nothing against what it is the history of.
 */
export class FlowRecorder {
  readonly #options: FlowRecorderOptions
  readonly #queue: PacedQueue<Slice>
  readonly #waiting = new WaitingRecords(waitingMost, codecs.event.size)
  #current: FlowAggregator
  /** Absent while its rows are being written. */
  #spare: FlowAggregator | undefined
  #store: FlowStore | undefined
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #packets = 0
  #lost = 0
  #failing: string | undefined

  constructor(options: FlowRecorderOptions) {
    const { clock, capacity = 1 << 16 } = options
    this.#options = options
    this.#current = new FlowAggregator(capacity)
    this.#spare = new FlowAggregator(capacity)
    this.#queue = new PacedQueue<Slice>(
      clock,
      slice => this.#take(slice),
      // There are no more slices than records.
      () => {},
      waitingMost,
    )
  }

  get figures(): FlowRecorderFigures {
    return {
      ...(this.#store?.figures ?? { rows: 0, windows: 0, sizeBytes: 0 }),
      folder: this.#options.storage.location,
      packets: this.#packets,
      lostPackets: this.#lost,
      ...(this.#failing !== undefined && { failing: this.#failing }),
    }
  }

  /** From now on windows end by time. */
  async start(): Promise<void> {
    await this.#open()
    this.#timer = this.#options.clock.every(this.#options.windowMs ?? 10_000, () => this.flush())
  }

  /** Takes a batch, whose memory is the next one's afterwards; it is summed up soon, but not before other work when there is much of it. */
  push(batch: EventBatch): void {
    const seq = this.#options.seq()
    this.#packets += batch.count
    const slices: Slice[] = []
    for (let from = 0; from < batch.count; ) {
      const { at, count } = this.#waiting.put(batch.data, from, Math.min(sliceRecords, batch.count - from))
      if (count === 0) {
        this.addLost(batch.count - from)
        break
      }
      slices.push({ from: at, to: at + count, seq })
      from += count
    }
    this.#queue.push(slices)
  }

  /** Packets that were told of but never came. */
  addLost(count: number): void {
    this.#lost += count
  }

  /** Ends the window. Resolves when it is written, or counted as lost. */
  flush(): Promise<void> {
    this.#endWindow()
    return this.#writing
  }

  async close(): Promise<void> {
    this.#timer?.stop()
    this.#queue.finish()
    await this.flush()
    await this.flush()
    await this.#leave()
  }

  #take({ from, to, seq }: Slice): void {
    const nowMs = Math.floor(this.#options.clock.nowMs())
    const { bytes } = this.#waiting
    const next = this.#current.add(bytes, from, to, seq, nowMs)
    if (next < to) {
      const rest = this.#endWindow() ? this.#current.add(bytes, next, to, seq, nowMs) : next
      this.addLost(to - rest)
    }
    this.#waiting.release(to - from)
  }

  /** False when the window before is still being written. */
  #endWindow(): boolean {
    const [ended, next] = [this.#current, this.#spare]
    if (next === undefined) return false
    if (ended.columns.count === 0) return true
    this.#current = next
    this.#spare = undefined
    this.#writing = this.#write(ended.columns).finally(() => {
      ended.clear()
      this.#spare = ended
    })
    return true
  }

  async #write(columns: FlowColumns): Promise<void> {
    try {
      const store = await this.#open()
      if (store === undefined) return this.#lose(columns)
      await store.append(columns)
    } catch (error) {
      this.#fail(error)
      await this.#leave()
      return this.#lose(columns)
    }
    this.#failing = undefined
    await this.#trim()
  }

  async #trim(): Promise<void> {
    try {
      await this.#store?.trim(this.#options.clock.nowMs(), this.#options.retention)
    } catch (error) {
      this.#fail(error)
      await this.#leave()
    }
  }

  /** What LevelDB takes behind a write that failed it may not find again: the next window opens it anew. */
  async #leave(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    await store?.close().catch(() => {})
  }

  /** The store; undefined when it can't be had now. */
  async #open(): Promise<FlowStore | undefined> {
    try {
      this.#store ??= await FlowStore.open(this.#options.storage)
      return this.#store
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (reason !== this.#failing) this.#options.report(`flow history isn't kept: ${reason}`)
    this.#failing = reason
  }

  #lose({ packets, count }: FlowColumns): void {
    for (let row = 0; row < count; row++) this.#lost += packets[row]!
  }
}
