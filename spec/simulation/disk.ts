import type { WeirEvent } from '@weir/core'
import type { LogDatabase } from '@weir/store'
import { decodeGroup } from '@weir/store/log/group.js'
import { createRecordCodec } from '@weir/store/log/record.js'
import { MemoryLevel } from 'memory-level'
import { type DiskCode, failure, Faults } from './faults.js'
import type { Life } from './life.js'
import type { Random } from './random.js'

/** One entry written, or deleted where there is no value. */
interface Change {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Changes that come together or not at all, as LevelDB's journal has them. */
interface Write {
  readonly changes: readonly Change[]
  readonly isSynced: boolean
  /** It comes behind a record that was written in part: whoever reads the journal may pass it over. */
  readonly isDoubtful: boolean
}

const codec = createRecordCodec()

/** Of a key that holds events. */
const eventsPrefix = 0x65

/**
 * A disk with one LevelDB on it. What was synced stays. Of what was not, a loss of power leaves any part; a killed process
 * leaves all of it. What was under way at that moment may be there or not, but never in parts.
 */
export class Disk {
  readonly faults = new Faults<DiskCode>()
  readonly #random: Random
  readonly #onDurable: (events: readonly WeirEvent[]) => void
  readonly #durable = new Map<string, Change>()
  #unsynced: Write[] = []
  readonly #underWay = new Set<Write>()

  /** @param onDurable Told of events the moment that nothing can undo them any more. */
  constructor(random: Random, onDurable: (events: readonly WeirEvent[]) => void) {
    this.#random = random
    this.#onDurable = onDurable
  }

  /** The database as a process finds it: LevelDB writes what it finds in the journal anew, and syncs it, when it opens. */
  async open(life: Life): Promise<LogDatabase> {
    this.#unsynced = this.#unsynced.filter(({ isDoubtful }) => !isDoubtful || this.#random.chance(0.5))
    this.#sync()
    const database = new SimulatedLevel(this, life, this.#random.fork())
    await database.open()
    await database.load([...this.#durable.values()])
    return database as unknown as LogDatabase
  }

  begin(write: Write): void {
    this.#underWay.add(write)
  }

  /** It came to nothing. */
  drop(write: Write): void {
    this.#underWay.delete(write)
  }

  /** It is in the journal, and with all before it on the disk where it was synced. */
  finish(write: Write): void {
    this.#underWay.delete(write)
    this.#unsynced.push(write)
    if (write.isSynced && !write.isDoubtful) this.#sync()
  }

  /** It was told to have failed, but the journal has it. */
  finishUntold(write: Write): void {
    this.#underWay.delete(write)
    this.#unsynced.push({ ...write, isSynced: false })
  }

  crash(isPowerLost: boolean): void {
    const lost = isPowerLost ? this.#unsynced.filter(() => this.#random.chance(0.5)) : []
    const late = [...this.#underWay].filter(() => this.#random.chance(0.4))
    this.#underWay.clear()
    this.#unsynced = [...this.#unsynced.filter(write => !lost.includes(write)), ...late]
  }

  #sync(): void {
    const events: WeirEvent[] = []
    for (const { key, value } of this.#unsynced.splice(0).flatMap(({ changes }) => changes)) {
      const name = Buffer.from(key).toString('latin1')
      const isNew = !this.#durable.has(name)
      if (value === undefined) this.#durable.delete(name)
      else this.#durable.set(name, { key, value })
      if (value !== undefined && isNew && key[0] === eventsPrefix) events.push(...this.#eventsOf(Buffer.from(value)))
    }
    if (events.length > 0) this.#onDurable(events)
  }

  #eventsOf(value: Buffer): readonly WeirEvent[] {
    const group = decodeGroup(value)
    if (group === undefined) throw new RangeError('a group of events is no group')
    const { first, last, offsets } = group
    return Array.from({ length: last - first + 1 }, (_, at) =>
      codec.decode(value, first + at, offsets[at], offsets[at + 1]),
    )
  }
}

interface Operation {
  readonly type: 'put' | 'del'
  readonly key: Uint8Array
  readonly value?: Uint8Array
}

// The hooks of abstract-level behind its calls; its types leave them out.
interface Hooks {
  _batch(operations: readonly Operation[], options: object): Promise<void>
  _get(key: Uint8Array, options: object): Promise<Uint8Array | undefined>
}

const hooks = MemoryLevel.prototype as unknown as Hooks

/**
 * A database whose calls take time, fail, or never come back. As LevelDB does, it refuses every write after one that
 * couldn't be synced, and goes on after one that found no room, behind whatever the journal got of that.
 */
class SimulatedLevel extends MemoryLevel<string, string> {
  readonly #disk: Disk
  readonly #life: Life
  readonly #random: Random
  #journal: 'sound' | 'torn' | 'closed' = 'sound'

  constructor(disk: Disk, life: Life, random: Random) {
    super()
    this.#disk = disk
    this.#life = life
    this.#random = random
  }

  async load(changes: readonly Change[]): Promise<void> {
    await hooks._batch.call(this, changes.map(operationOf), {})
  }

  async _batch(operations: readonly Operation[], options: object): Promise<void> {
    await this.#write(operations, (options as { readonly sync?: boolean }).sync === true)
  }

  async _put(key: Uint8Array, value: Uint8Array, options: object): Promise<void> {
    await this._batch([{ type: 'put', key, value }], options)
  }

  async _del(key: Uint8Array, options: object): Promise<void> {
    await this._batch([{ type: 'del', key }], options)
  }

  async _get(key: Uint8Array, options: object): Promise<Uint8Array | undefined> {
    this.#life.operation()
    await this.#life.io()
    return hooks._get.call(this, key, options)
  }

  /** Key by key: a crash in between leaves some. */
  async _clear(options: object): Promise<void> {
    const range = Object.entries(options).filter(([name]) => ['gt', 'gte', 'lt', 'lte'].includes(name))
    const within: object = Object.fromEntries(range)
    for (const key of await this.keys<Uint8Array>({ ...within, keyEncoding: 'buffer' }).all()) await this._del(key, {})
  }

  async #write(operations: readonly Operation[], isSynced: boolean): Promise<void> {
    this.#life.operation()
    // The caller may use its buffers again.
    const changes = operations.map(({ type, key, value }) => ({
      key: Uint8Array.from(key),
      value: type === 'put' && value !== undefined ? Uint8Array.from(value) : undefined,
    }))
    const write = { changes, isSynced, isDoubtful: this.#journal === 'torn' }
    this.#disk.begin(write)
    await this.#life.io()
    const code = this.#journal === 'closed' ? 'EIO' : this.#disk.faults.next()
    if (code !== undefined) {
      if (code === 'EIO' && isSynced && this.#journal !== 'closed' && this.#random.chance(0.5))
        this.#disk.finishUntold(write)
      else this.#disk.drop(write)
      if (this.#journal === 'closed') throw failure(code, 'write')
      if (code === 'ENOSPC' || !isSynced) this.#journal = 'torn'
      else this.#journal = 'closed'
      throw failure(code, isSynced ? 'fdatasync' : 'write')
    }
    await hooks._batch.call(this, changes.map(operationOf), {})
    this.#disk.finish(write)
    // Between the disk's answer and whoever waits for it a process may end.
    if (this.#random.chance(0.3)) await this.#life.io()
    this.#life.operation()
  }
}

const operationOf = ({ key, value }: Change): Operation =>
  value === undefined
    ? { type: 'del', key: Buffer.from(key) }
    : { type: 'put', key: Buffer.from(key), value: Buffer.from(value) }
