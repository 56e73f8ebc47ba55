import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { deflateRaw, inflateRawSync } from 'node:zlib'
import { WeirError } from '@weir/core/errors.js'
import { binary } from '../log/keys.js'
import type { LogDatabase, LogStorage } from '../storage/storage.js'
import type { FlowBlock } from './block.js'
import type { FlowColumns } from './columns.js'
import { blockRowsMost, decodeBlock, encodeBlock, openBlock, sealBlock } from './encode.js'
import { allWindows, blockKey, decodeWindow, encodeWindow, format, formatKey, windowKey } from './layout.js'
import { type FlowWindow, partOfKey } from './layout.js'
import { addressTest, type FlowQuery } from './query.js'

/** Until when flows are kept: whichever comes first. */
export interface FlowRetention {
  readonly ageMs: number
  /** Of the blocks as stored. */
  readonly sizeBytes: number
}

/** Windows that can't be read, and why. */
export interface FlowDamage {
  readonly window: number
  readonly reason: string
}

export interface FlowFigures {
  readonly rows: number
  readonly windows: number
  readonly sizeBytes: number
  /** Milliseconds since the epoch; absent while nothing is kept. */
  readonly oldestMs?: number
  readonly newestMs?: number
}

export interface ReadFlows extends FlowQuery {
  /** Newest windows first; the rows of a window stay in order. */
  readonly newestFirst?: boolean
  /** Told of blocks that can't be read, which are passed over. Without it, the read throws WEIR_FLOWS_DAMAGED there. */
  readonly onDamage?: (damage: FlowDamage) => void
}

const deflate = promisify(deflateRaw)
/** Deleted, this much is worth having LevelDB rewrite its files. */
const compactAfterBytes = 8 << 20

/**
 * Flow history: aggregated flows in windows of time. Not part of the log and not needed for any verdict: what is lost of
 * it, in a crash for one, is lost.
 */
export class FlowStore {
  readonly #storage: LogStorage
  readonly #database: LogDatabase
  /** By number, oldest first. */
  #windows: FlowWindow[]
  readonly #damage: readonly FlowDamage[]
  #sizeBytes = 0
  #rows = 0
  #trimmedBytes = 0
  #closed = false
  /** Writes happen one after the other. */
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(
    storage: LogStorage,
    database: LogDatabase,
    windows: FlowWindow[],
    damage: readonly FlowDamage[],
  ) {
    this.#storage = storage
    this.#database = database
    this.#windows = windows
    this.#damage = damage
    for (const window of windows) this.#count(window, 1)
  }

  /**
   * @throws WeirError WEIR_FLOWS_UNREADABLE when something else is there, and what the storage has to say: WEIR_LOG_LOCKED,
   *   WEIR_LOG_UNREADABLE.
   */
  static async open(storage: LogStorage): Promise<FlowStore> {
    const database = await storage.open()
    try {
      await checkFormat(database, storage)
      const windows: FlowWindow[] = []
      const damage: FlowDamage[] = []
      for await (const [key, value] of database.iterator<Buffer, Buffer>({ ...allWindows, ...binary })) {
        const window = decodeWindow(key, value)
        if (window !== undefined) windows.push(window)
        else damage.push({ window: key.length === 7 ? key.readUIntBE(1, 6) : 0, reason: 'its record is damaged' })
      }
      return new FlowStore(storage, database, windows, damage)
    } catch (error) {
      await storage.close(database)
      throw error
    }
  }

  get location(): string {
    return this.#storage.location
  }

  get figures(): FlowFigures {
    const [oldest, newest] = [this.#windows[0], this.#windows.at(-1)]
    return {
      rows: this.#rows,
      windows: this.#windows.length,
      sizeBytes: this.#sizeBytes,
      ...(oldest !== undefined && { oldestMs: oldest.firstMs }),
      ...(newest !== undefined && { newestMs: newest.lastMs }),
    }
  }

  /**
   * Adds the flows of one window. They may not change until this resolves; encoding lets the event loop go on after every
   * millisecond or so.
   *
   * @throws WeirError WEIR_FLOWS_WRITE_FAILED; nothing of the window is kept then.
   */
  append(columns: FlowColumns): Promise<void> {
    return this.#inTurn(() => this.#append(columns))
  }

  /** Deletes what is older than the retention says, or beyond its size, oldest first. Returns how many rows went. */
  trim(nowMs: number, { ageMs, sizeBytes }: FlowRetention): Promise<number> {
    return this.#inTurn(async () => {
      let excess = this.#sizeBytes - sizeBytes
      const gone = this.#windows.filter(window => {
        const goes = window.lastMs < nowMs - ageMs || excess > 0
        if (goes) excess -= window.sizeBytes
        return goes
      })
      if (gone.length > 0) await this.#remove(gone)
      return gone.reduce((sum, { rows }) => sum + rows, 0)
    })
  }

  /** Blocks that may have what is asked for, oldest first: `selectRows` tells which rows of them do. */
  async *read({ newestFirst = false, onDamage, ...query }: ReadFlows = {}): AsyncGenerator<FlowBlock> {
    const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = query
    const wanted = this.#windows.filter(({ firstMs, lastMs }) => lastMs >= sinceMs && firstMs <= untilMs)
    const isWanted = addressTest(query)
    const damaged = (damage: FlowDamage): void => {
      if (onDamage === undefined) throw this.#damaged(damage)
      onDamage(damage)
    }
    for (const damage of this.#damage) damaged(damage)
    for (const window of newestFirst ? wanted.reverse() : wanted) {
      const range = { gte: blockKey(window.number, 0), lt: blockKey(window.number + 1, 0) }
      const entries = await this.#database.iterator<Buffer, Buffer>({ ...range, ...binary }).all()
      // A window that went while others were read is no damage.
      if (entries.length !== window.parts && this.#windows.includes(window))
        damaged({ window: window.number, reason: `it has ${entries.length} of ${window.parts} blocks` })
      for (const [key, value] of entries) {
        const parts = openBlock(value)
        if (parts === undefined) {
          damaged({ window: window.number, reason: `block ${partOfKey(key)} isn't what was written` })
          continue
        }
        if (isWanted(parts.filter)) yield decodeBlock(inflateRawSync(parts.deflated))
      }
    }
  }

  /** Waits for writes under way. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#storage.close(this.#database)
  }

  async #append(columns: FlowColumns): Promise<void> {
    if (columns.count === 0) return
    const number = (this.#windows.at(-1)?.number ?? 0) + 1
    const batch = this.#database.batch()
    const window = { ...boundsOf(columns), number, rows: columns.count, parts: 0, sizeBytes: 0 }
    try {
      for (let from = 0; from < columns.count; from += blockRowsMost) {
        const { body, filter } = await inSteps(
          encodeBlock(columns, from, Math.min(columns.count, from + blockRowsMost)),
        )
        const sealed = sealBlock(filter, await deflate(body))
        batch.put(blockKey(number, window.parts), sealed, binary)
        window.parts++
        window.sizeBytes += sealed.length
      }
      batch.put(windowKey(number), encodeWindow(window), binary)
      await batch.write()
    } catch (error) {
      await batch.close()
      throw this.#writeFailed(error)
    }
    this.#windows.push(window)
    this.#count(window, 1)
  }

  async #remove(gone: readonly FlowWindow[]): Promise<void> {
    const batch = this.#database.batch()
    try {
      for (const { number, parts } of gone) {
        for (let part = 0; part < parts; part++) batch.del(blockKey(number, part), binary)
        batch.del(windowKey(number), binary)
      }
      await batch.write()
    } catch (error) {
      await batch.close()
      throw this.#writeFailed(error)
    }
    const numbers = new Set(gone.map(({ number }) => number))
    this.#windows = this.#windows.filter(({ number }) => !numbers.has(number))
    for (const window of gone) {
      this.#count(window, -1)
      this.#trimmedBytes += window.sizeBytes
    }
    if (this.#trimmedBytes < compactAfterBytes) return
    this.#trimmedBytes = 0
    await compact(this.#database, blockKey(0, 0), blockKey((this.#windows[0]?.number ?? numbers.size) + 1, 0))
  }

  #count({ rows, sizeBytes }: FlowWindow, sign: 1 | -1): void {
    this.#rows += sign * rows
    this.#sizeBytes += sign * sizeBytes
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) return Promise.reject(this.#writeFailed(new Error('it is closed')))
    const turn = this.#writing.then(work)
    this.#writing = turn.catch(() => undefined)
    return turn
  }

  #writeFailed(cause: unknown): WeirError<'WEIR_FLOWS_WRITE_FAILED'> {
    const inner = (cause as { cause?: unknown }).cause ?? cause
    const reason = inner instanceof Error ? inner.message : String(inner)
    const message = `the flows at ${this.location} can't be written: ${reason}`
    return new WeirError('WEIR_FLOWS_WRITE_FAILED', message, { path: this.location, reason }, { cause })
  }

  #damaged({ window, reason }: FlowDamage): WeirError<'WEIR_FLOWS_DAMAGED'> {
    const message = `the flows at ${this.location} are damaged: window ${window}: ${reason}`
    return new WeirError('WEIR_FLOWS_DAMAGED', message, { path: this.location, window, reason })
  }
}

/** Marks a new database; refuses what something else wrote. */
async function checkFormat(database: LogDatabase, { location: path, readOnly }: LogStorage): Promise<void> {
  const stored = await database.get<Buffer, Buffer>(formatKey, binary)
  if (stored !== undefined && format.equals(stored)) return
  const isNew = stored === undefined && !readOnly && (await database.keys({ limit: 1 }).all()).length === 0
  if (isNew) return await database.batch().put(formatKey, format, binary).write()
  const reason = stored === undefined ? 'it lacks the mark of flows' : `its layout isn't '${format}'`
  throw new WeirError('WEIR_FLOWS_UNREADABLE', `${path} has no flows that this build can read: ${reason}`, {
    path,
    reason,
  })
}

/** Runs to the end, and lets whoever else has something to do go first between the steps. */
async function inSteps<Result>(steps: Generator<undefined, Result>): Promise<Result> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
}

function boundsOf({
  count,
  firstMs,
  lastMs,
  seq,
}: FlowColumns): Pick<FlowWindow, 'firstMs' | 'lastMs' | 'firstSeq' | 'lastSeq'> {
  const bounds = { firstMs: Number.POSITIVE_INFINITY, lastMs: 0, firstSeq: seq[0] ?? 0, lastSeq: seq[count - 1] ?? 0 }
  for (let at = 0; at < count; at++) {
    bounds.firstMs = Math.min(bounds.firstMs, firstMs[at]!)
    bounds.lastMs = Math.max(bounds.lastMs, lastMs[at]!)
  }
  return bounds
}

/** LevelDB keeps what was deleted until it rewrites its files by itself, which at the old end of a queue it seldom does. */
async function compact(database: LogDatabase, from: Buffer, to: Buffer): Promise<void> {
  const level = database as LogDatabase & {
    compactRange?: (start: Buffer, end: Buffer, options: { keyEncoding: 'buffer' }) => Promise<void>
  }
  await level.compactRange?.(from, to, { keyEncoding: 'buffer' })
}
