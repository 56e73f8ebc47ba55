import { WeirError } from '@weir/core/errors.js'
import { socketText } from '@weir/core/service/backend-text.js'
import type { BackendRow, FrontendRow, SelectionRow } from '@weir/core/tables/service-rows.js'
import type { ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'
import type { ServiceMaps } from '../backend.js'
import type { MapWrite } from '../reconcile/batch.js'
import { BackendPlaces } from './backend-places.js'
import {
  anyAddressKey,
  backendErasure,
  backendWrite,
  familyOf,
  frontendKeyBytes,
  frontendMap,
  frontendValue,
  frontendWrite,
} from './encode.js'
import { type Placed, type SlotMember, SlotTables } from './slot-tables.js'

/** The writes of a change, in this order: what is new, then what points to it, then what nothing points to any more. */
export interface ServicePlan {
  readonly backends: readonly MapWrite[]
  readonly frontends: readonly MapWrite[]
  readonly erasures: readonly MapWrite[]
}

/** A selection that is in the maps. */
export interface PlacedSelection {
  readonly table: Placed
  /** Only where a frontend with affinity needs them. */
  readonly members: Placed | undefined
}

const noRun = { first: 0, count: 0 }

/** Bytes as a key of a Map. */
export const byteText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
export const textBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

/**
 * What the maps of services hold. Tables of slots are written where nothing points to as they are planned; everything
 * else is left to the plan. After a plan that failed or wasn't carried out the store is of no more use.
 */
export class ServiceStore {
  readonly slots: SlotTables
  readonly places: { readonly 4: BackendPlaces; readonly 6: BackendPlaces }
  /** Values by key, both as text of their bytes. */
  readonly frontends = new Map<string, string>()
  readonly selections = new Map<number, PlacedSelection>()
  /** Frontends that a key for any address stands for, by that key: their own keys and rows. */
  readonly #anyAddress = new Map<string, Map<string, FrontendRow>>()
  readonly #backend: ServiceMaps
  readonly #counts = { weir_frontends4: 0, weir_frontends6: 0 }

  constructor(backend: ServiceMaps) {
    this.#backend = backend
    this.slots = new SlotTables(backend.slots)
    this.places = {
      4: new BackendPlaces('weir_backends4', backend.maps.weir_backends4.maxEntries),
      6: new BackendPlaces('weir_backends6', backend.maps.weir_backends6.maxEntries),
    }
  }

  /** Takes note of a frontend in the map. */
  adoptFrontend(key: Uint8Array, value: Uint8Array): void {
    this.frontends.set(byteText(key), byteText(value))
    this.#counts[frontendMap(key)] += 1
  }

  /**
   * From the tables before the delta to those after it.
   * @throws WeirError WEIR_MAP_FULL
   */
  plan(delta: ServicesDelta, tables: ServiceTables): ServicePlan {
    const backends: MapWrite[] = []
    for (const { before, after } of delta.backends)
      if (before === undefined && after !== undefined) backends.push(...this.addBackend(after))
    for (const { after } of delta.selections) {
      if (after !== undefined && !this.selections.has(after.selection))
        this.selections.set(after.selection, this.#placed(after, tables))
    }
    const frontends: MapWrite[] = []
    const rows = new Set<string>()
    for (const { before, after } of delta.frontends) {
      const row = after ?? before
      if (row === undefined) continue
      const key = byteText(frontendKeyBytes(row))
      if (before !== undefined) this.#leaveAny(before, key, rows)
      if (after !== undefined) this.#joinAny(after, key, rows)
      frontends.push(...this.setFrontend(key, after && this.valueOf(after, tables)))
    }
    for (const wildcard of rows) frontends.push(...this.setAny(wildcard, tables))
    this.checkRoom()
    return { backends, frontends: inOrder(frontends), erasures: this.#erasures(delta) }
  }

  /** The plan was carried out. */
  settle(): void {
    this.slots.settle()
    this.places[4].settle()
    this.places[6].settle()
  }

  addBackend(row: BackendRow): readonly MapWrite[] {
    const { place, isNew } = this.places[familyOf(row.address)].place(row)
    return isNew ? [backendWrite(place, row)] : []
  }

  /** Takes a node port among those that its key for any address stands for. */
  noteAny(row: FrontendRow, key: string): void {
    this.#joinAny(row, key, new Set())
  }

  anyKeys(): Iterable<string> {
    return this.#anyAddress.keys()
  }

  valueOf(row: FrontendRow, tables: ServiceTables): Uint8Array {
    const { selection } = row
    const placed = this.selections.get(selection)
    if (placed === undefined) throw new RangeError(`no selection ${selection}`)
    if (row.affinitySeconds === 0) return frontendValue(row, placed.table, noRun)
    const members = placed.members ?? this.slots.write(this.memberPlaces(tables.selections.get(selection)!, tables))
    if (placed.members === undefined) this.selections.set(selection, { ...placed, members })
    return frontendValue(row, placed.table, members)
  }

  /** The write that makes a key have the value, if it hasn't. */
  setFrontend(key: string, value: Uint8Array | undefined): readonly MapWrite[] {
    const before = this.frontends.get(key)
    const after = value && byteText(value)
    if (before === after) return []
    const bytes = textBytes(key)
    if (after === undefined) this.frontends.delete(key)
    else this.frontends.set(key, after)
    const map = frontendMap(bytes)
    this.#counts[map] += Number(after !== undefined) - Number(before !== undefined)
    return [frontendWrite(bytes, value)]
  }

  setAny(key: string, tables: ServiceTables): readonly MapWrite[] {
    const all = this.#anyAddress.get(key)
    // All lead to the same backends, unless their addresses are contended for: then the choice must be the same anywhere.
    const [first] = [...(all?.keys() ?? [])].sort()
    const row = first === undefined ? undefined : all!.get(first)
    return this.setFrontend(key, row && this.valueOf(row, tables))
  }

  members(row: SelectionRow, tables: ServiceTables): readonly SlotMember[] {
    return row.backends.map((number, at) => {
      const { address, port, protocol } = tables.backends.get(number)!
      const place = this.places[familyOf(address)].placeOf(number)!
      return { key: socketText(address, port, protocol), weight: row.weights?.[at] ?? 1, place }
    })
  }

  /** Places of the members, rising, each once: programs look for one by halving. */
  memberPlaces(row: SelectionRow, tables: ServiceTables): Uint32Array {
    return Uint32Array.from(this.members(row, tables), member => member.place).sort()
  }

  /**
   * Whether the maps have room for the frontends.
   * @throws WeirError WEIR_MAP_FULL
   */
  checkRoom(): void {
    for (const map of ['weir_frontends4', 'weir_frontends6'] as const) {
      const size = this.#backend.maps[map].maxEntries
      const needed = this.#counts[map]
      if (needed <= size) continue
      const payload = { map, size, needed }
      throw new WeirError('WEIR_MAP_FULL', `${map} has ${size} entries, the change needs ${needed}`, payload)
    }
  }

  #placed(row: SelectionRow, tables: ServiceTables): PlacedSelection {
    const table = this.slots.place(this.members(row, tables), tables.selections.size)
    return { table, members: undefined }
  }

  #erasures(delta: ServicesDelta): readonly MapWrite[] {
    for (const { before, after } of delta.selections) {
      if (before === undefined || after !== undefined) continue
      const placed = this.selections.get(before.selection)
      if (placed === undefined) continue
      this.selections.delete(before.selection)
      this.slots.give(placed.table.region)
      if (placed.members !== undefined) this.slots.give(placed.members.region)
    }
    const erasures: MapWrite[] = []
    for (const { before, after } of delta.backends) {
      if (before === undefined || after !== undefined) continue
      const family = familyOf(before.address)
      const place = this.places[family].remove(before.backend)
      if (place !== undefined) erasures.push(backendErasure(family, place))
    }
    return erasures
  }

  #joinAny(row: FrontendRow, key: string, touched: Set<string>): void {
    const bytes = anyAddressKey(row)
    if (bytes === undefined) return
    const wildcard = byteText(bytes)
    const all = this.#anyAddress.get(wildcard) ?? new Map<string, FrontendRow>()
    all.set(key, row)
    this.#anyAddress.set(wildcard, all)
    touched.add(wildcard)
  }

  #leaveAny(row: FrontendRow, key: string, touched: Set<string>): void {
    const bytes = anyAddressKey(row)
    if (bytes === undefined) return
    const wildcard = byteText(bytes)
    const all = this.#anyAddress.get(wildcard)
    all?.delete(key)
    if (all?.size === 0) this.#anyAddress.delete(wildcard)
    touched.add(wildcard)
  }
}

/** Deletions before updates, so that a full map takes an exchange; by map, so that each is one call. */
export const inOrder = (writes: readonly MapWrite[]): readonly MapWrite[] =>
  [...writes].sort(
    (a, b) =>
      Number(a.value !== undefined) - Number(b.value !== undefined) || (a.map < b.map ? -1 : Number(a.map > b.map)),
  )
