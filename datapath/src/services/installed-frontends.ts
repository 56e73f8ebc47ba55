import type { ServiceMaps } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { frontendMap, frontendRuns } from './encode.js'
import type { PackedBatch } from './packed.js'
import type { Placed, SlotTables } from './slot-tables.js'

type FrontendMap = ReturnType<typeof frontendMap>

/** A frontend in the map: its value as text of its bytes, and the runs that it points to. */
export interface Installed {
  readonly value: string
  readonly table: Placed | undefined
  readonly members: Placed | undefined
  readonly beneath: Placed | undefined
}

const runNames = ['table', 'members', 'beneath'] as const

export const frontendMaps = ['weir_frontends4', 'weir_frontends6'] as const

/** Bytes as a key of a Map. */
export const byteText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
export const textBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

/** What the maps of frontends hold, by key as text of its bytes, and the writes that they need for it. */
export class InstalledFrontends {
  readonly #backend: ServiceMaps
  readonly #slots: SlotTables
  readonly #entries = new Map<string, Installed>()
  readonly #counts = { weir_frontends4: 0, weir_frontends6: 0 }
  /** Values to be written since the last call of `takeChanges`; undefined: to be deleted. */
  readonly #changes = new Map<string, string | undefined>()
  #hasGivenRoom = false

  constructor(backend: ServiceMaps, slots: SlotTables) {
    this.#backend = backend
    this.#slots = slots
  }

  /** Takes note of a frontend in the map. */
  adopt(key: Uint8Array, bytes: Uint8Array): void {
    const runs = frontendRuns(bytes)
    const family = frontendMap(key.length) === 'weir_frontends4' ? 4 : 6
    const table = this.#slots.adopt(runs.table, family)
    const members = this.#slots.adopt(runs.members, family)
    const beneath = this.#slots.adopt(runs.beneath, family)
    this.#point(undefined, { value: byteText(bytes), table, members, beneath }, byteText(key))
  }

  get(key: string): Installed | undefined {
    return this.#entries.get(key)
  }

  keys(): Iterable<string> {
    return this.#entries.keys()
  }

  count(map: FrontendMap): number {
    return this.#counts[map]
  }

  /** Whether an entry of this key can be written. */
  hasRoomFor(key: string): boolean {
    const map = frontendMap(key.length)
    return this.#entries.has(key) || this.#counts[map] < this.#backend.maps[map].maxEntries
  }

  set(key: string, installed: Installed): void {
    const before = this.#entries.get(key)
    if (before?.value === installed.value && runNames.every(name => before[name] === installed[name])) return
    this.#point(before, installed, key)
    if (before?.value !== installed.value) this.#changes.set(key, installed.value)
  }

  delete(key: string): void {
    const before = this.#entries.get(key)
    if (before === undefined) return
    this.#entries.delete(key)
    this.#counts[frontendMap(key.length)] -= 1
    this.#changes.set(key, undefined)
    this.#hasGivenRoom = true
    this.#unpoint(before)
  }

  /** The writes since the last call: deletions first, so that a full map takes an exchange. */
  takeChanges(): readonly PackedBatch[] {
    if (this.#changes.size === 0) return []
    const batches = (['delete', 'update'] as const).flatMap(kind =>
      frontendMaps.flatMap(map => this.#batchOf(map, kind)),
    )
    this.#changes.clear()
    return batches
  }

  /** The writes are done. True when entries went since the last call. */
  settle(): boolean {
    const hasGivenRoom = this.#hasGivenRoom
    this.#hasGivenRoom = false
    return hasGivenRoom
  }

  #batchOf(map: FrontendMap, kind: PackedBatch['kind']): readonly PackedBatch[] {
    const { keySize } = this.#backend.maps[map]
    const valueSize = kind === 'update' ? codecs.frontend.size : 0
    const found: string[] = []
    for (const [key, value] of this.#changes)
      if (key.length === keySize && (value === undefined) === (kind === 'delete')) found.push(key)
    if (found.length === 0) return []
    const keys = Buffer.alloc(found.length * keySize)
    const values = Buffer.alloc(found.length * valueSize)
    for (const [at, key] of found.entries()) {
      keys.write(key, at * keySize, 'latin1')
      if (kind === 'update') values.write(this.#changes.get(key)!, at * valueSize, 'latin1')
    }
    return [{ map, kind, count: found.length, keys, values }]
  }

  #point(before: Installed | undefined, after: Installed, key: string): void {
    for (const name of runNames) {
      const run = after[name]
      if (run !== undefined) this.#slots.point(run)
    }
    this.#entries.set(key, after)
    if (before === undefined) this.#counts[frontendMap(key.length)] += 1
    else this.#unpoint(before)
  }

  #unpoint(gone: Installed): void {
    for (const name of runNames) {
      const run = gone[name]
      if (run !== undefined) this.#slots.unpoint(run)
    }
  }
}
