import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { WeirError } from '@weir/core/errors.js'
import { writeFailed } from '../log/failure.js'
import { finding, type LogFinding } from '../log/finding.js'
import { decodeGroup } from '../log/group.js'
import type { LogBase } from '../log/base.js'
import type { LogHead } from '../log/head.js'
import { binary, durably, groupKey } from '../log/keys.js'
import type { Writes } from '../log/writes.js'
import type { LogDatabase, LogStorage } from '../storage/storage.js'
import {
  chunkKey,
  chunkRange,
  decodePointer,
  encodePointer,
  idOfChunkKey,
  type Pointer,
  pointerKey,
  pointerRange,
} from './layout.js'
import { type SnapshotLimits, superfluous } from './thinning.js'

/** A state that was folded from events 1 to `seq`. */
export interface Snapshot {
  readonly name: string
  readonly seq: number
  readonly state: unknown
  /** Where the log ended when it was written. */
  readonly head: LogHead
}

export interface LatestOptions {
  /** The newest one at or before this event; default the newest. */
  readonly atOrBefore?: number
  /** Called for each snapshot that is skipped because it is damaged. */
  readonly onDamage?: (finding: LogFinding) => void
}

/** What snapshots ask of the log that they are of. */
export interface SnapshottedLog {
  head(): LogHead
  base(): LogBase
  readonly writes: Writes
}

/** One value never gets larger than this: LevelDB rewrites values whole. */
const chunkBytes = 1 << 20

/**
 * Projection states beside the events, so that a restart needn't fold from the beginning.
 *
 * They are a cache: everything in them follows from the events, and one that can't be trusted is left out.
 */
export class Snapshots {
  readonly #database: LogDatabase
  readonly #storage: LogStorage
  readonly #limits: SnapshotLimits
  readonly #log: SnapshottedLog
  #last: Promise<unknown> = Promise.resolve()

  constructor(database: LogDatabase, storage: LogStorage, limits: SnapshotLimits, log: SnapshottedLog) {
    this.#database = database
    this.#storage = storage
    this.#limits = limits
    this.#log = log
  }

  /**
   * Stores `state`, anything that structured clone takes, as of event `seq`; then thins out those of `name`.
   *
   * Atomic: until it resolves (durable), `latest` gives the ones before. Throws `WEIR_LOG_WRITE_FAILED`,
   * `WEIR_LOG_READ_ONLY`, and RangeError for a `seq` that the log doesn't have yet.
   */
  write(name: string, seq: number, state: unknown): Promise<void> {
    return this.put(name, seq, state, this.#log.head)
  }

  /** As `write`, for a log that is being filled and has its head elsewhere. */
  put(name: string, seq: number, state: unknown, headOf: () => LogHead): Promise<void> {
    let bytes: Buffer
    try {
      // Now, not when it is its turn: the state may change meanwhile.
      bytes = serialize(state)
    } catch (error) {
      return Promise.reject(error)
    }
    const done = this.#last.then(() => this.#write(name, seq, bytes, headOf()))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** The newest snapshot of `name` that is whole and belongs to this log, or undefined. */
  async latest(name: string, options: LatestOptions = {}): Promise<Snapshot | undefined> {
    for (const pointer of await this.#newestFirst(name, options)) {
      if (pointer.seq > (options.atOrBefore ?? Number.POSITIVE_INFINITY)) continue
      const read = await this.#load(pointer)
      if ('state' in read) return { name: pointer.name, seq: pointer.seq, state: read.state, head: pointer.head }
      options.onDamage?.(read.finding)
    }
    return undefined
  }

  async #newestFirst(name: string, { onDamage }: LatestOptions): Promise<Pointer[]> {
    try {
      return (await this.#pointers(name)).reverse()
    } catch (error) {
      onDamage?.(unlisted(error))
      return []
    }
  }

  /** The sequence numbers at which there are snapshots of `name`, oldest first. */
  async list(name: string): Promise<readonly number[]> {
    return (await this.#pointers(name)).map(({ seq }) => seq)
  }

  /** Checks every snapshot; calls `onChecked` for each and returns what is wrong. */
  async verify(onChecked: () => void = () => undefined): Promise<readonly LogFinding[]> {
    const findings: LogFinding[] = []
    try {
      for await (const [key, value] of this.#database.iterator<Buffer, Buffer>({ ...pointerRange(), ...binary })) {
        const pointer = decodePointer(key, value)
        if (pointer === undefined) findings.push(finding('snapshot', 0, 0, 'the record of a snapshot is altered'))
        else if (pointer.seq >= this.#log.base().seq) {
          const read = await this.#load(pointer)
          if ('finding' in read) findings.push(read.finding)
        }
        onChecked()
      }
    } catch (error) {
      findings.push(unlisted(error))
    }
    return findings
  }

  /** Removes those that were taken before the log begins. */
  dropStale(): Promise<void> {
    const done = this.#last.then(async () => {
      const stale: Buffer[] = []
      for await (const [key, value] of this.#database.iterator<Buffer, Buffer>({ ...pointerRange(), ...binary }))
        if ((decodePointer(key, value)?.seq ?? 0) < this.#log.base().seq) stale.push(key)
      for (const key of stale) await this.#log.writes.make(() => this.#database.del(key, binary))
      await this.#dropOrphans()
    })
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Resolves when no write is under way. */
  async idle(): Promise<void> {
    await this.#last
  }

  async #write(name: string, seq: number, bytes: Buffer, head: LogHead): Promise<void> {
    const { location, readOnly } = this.#storage
    if (readOnly) {
      throw new WeirError('WEIR_LOG_READ_ONLY', `the log at ${location} was opened for reading`, { path: location })
    }
    if (seq > head.seq) throw new RangeError(`a snapshot at event ${seq} of a log that ends at ${head.seq}`)
    try {
      const id = await this.#dropOrphans()
      let index = 0
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = bytes.subarray(at, at + chunkBytes)
        const batch = this.#database.batch().put(chunkKey(id, index++), chunk, binary)
        await this.#log.writes.make(() => batch.write(durably))
      }
      const digest = createHash('sha256').update(bytes).digest('hex')
      const pointer: Pointer = { name, seq, id, chunks: index, bytes: bytes.length, digest, head }
      // The chunks are on the disk: when the pointer is there, so are they.
      const batch = this.#database.batch().put(pointerKey(name, seq), encodePointer(pointer), binary)
      await this.#log.writes.make(() => batch.write(durably))
      await this.#prune(name)
    } catch (cause) {
      throw writeFailed(location, this.#log.head().seq, `snapshot ${name} at event ${seq}`, cause)
    }
  }

  /** Removes chunks that no pointer names (of writes that were cut off or replaced) and returns a fresh id. */
  async #dropOrphans(): Promise<number> {
    const named = new Set<number>()
    for await (const [key, value] of this.#database.iterator<Buffer, Buffer>({ ...pointerRange(), ...binary })) {
      named.add(decodePointer(key, value)?.id ?? 0)
    }
    let newest = Math.max(0, ...named)
    for await (const key of this.#database.keys<Buffer>({ ...chunkRange(), ...binary })) {
      const id = idOfChunkKey(key)
      newest = Math.max(newest, id)
      if (!named.has(id)) await this.#log.writes.make(() => this.#database.del(key, binary))
    }
    return newest + 1
  }

  async #prune(name: string): Promise<void> {
    const pointers = await this.#pointers(name)
    for (const pointer of superfluous(pointers, this.#log.base().seq, this.#limits)) {
      const batch = this.#database.batch().del(pointerKey(name, pointer.seq), binary)
      for (let index = 0; index < pointer.chunks; index++) batch.del(chunkKey(pointer.id, index), binary)
      await this.#log.writes.make(() => batch.write())
    }
  }

  async #pointers(name: string): Promise<Pointer[]> {
    const pointers: Pointer[] = []
    try {
      for await (const [key, value] of this.#database.iterator<Buffer, Buffer>({ ...pointerRange(name), ...binary })) {
        const pointer = decodePointer(key, value)
        // What was taken before the log begins is of no use, and a base will be dropped with it.
        if (pointer !== undefined && pointer.seq >= this.#log.base().seq) pointers.push(pointer)
      }
    } catch {
      // What can't be read is no snapshot; `verify` says so.
    }
    return pointers
  }

  async #load(pointer: Pointer): Promise<{ readonly state: unknown } | { readonly finding: LogFinding }> {
    const { name, seq, head } = pointer
    const bad = (why: string) => ({ finding: finding('snapshot', seq, seq, `snapshot ${name} at event ${seq} ${why}`) })
    const chunks: Buffer[] = []
    const digest = createHash('sha256')
    try {
      for (let index = 0; index < pointer.chunks; index++) {
        const chunk = await this.#database.get<Buffer, Buffer>(chunkKey(pointer.id, index), binary)
        if (chunk === undefined) return bad('lacks a part')
        digest.update(chunk)
        chunks.push(chunk)
      }
      if (digest.digest('hex') !== pointer.digest) return bad("isn't what was written")
      if (!(await this.#belongs(head)))
        return bad(`was taken of another log, or the log lost its end (event ${head.seq})`)
      return { state: deserialize(Buffer.concat(chunks, pointer.bytes)) }
    } catch (error) {
      return bad(`can't be read: ${(error as Error).message}`)
    }
  }

  /** The log still has the head that the snapshot saw. */
  async #belongs(head: LogHead): Promise<boolean> {
    const base = this.#log.base()
    if (head.seq === base.seq) return base.hash === '' || head.hash === base.hash
    const value = await this.#database.get<Buffer, Buffer>(groupKey(head.seq), binary)
    return value !== undefined && decodeGroup(value)?.hash === head.hash
  }
}

const unlisted = (error: unknown): LogFinding =>
  finding('snapshot', 0, 0, `the records of snapshots can't be read: ${(error as Error).message}`)
