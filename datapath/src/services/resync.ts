import type { FrontendRow, SelectionRow } from '@weir/core/tables/service-rows.js'
import type { ServiceTables } from '@weir/core/tables/tables.js'
import type { ServiceMaps } from '../backend.js'
import { codecs } from '../codec/maps.js'
import type { MapWrite } from '../reconcile/batch.js'
import { contentOf } from './backend-places.js'
import { backendErasure, decodeBackend, frontendKeyBytes, frontendRuns, type Run } from './encode.js'
import type { Region } from './regions.js'
import type { Placed } from './slot-tables.js'
import { byteText, inOrder, type PlacedSelection, type ServicePlan, ServiceStore } from './store.js'

/**
 * A store of what the maps hold, and the plan that brings them to the tables. What is there already and right stays in
 * its place, so that a restart on maps that are as they should be changes nothing.
 * @param known selections as they were placed: their tables are compared by sum, not built anew
 * @throws WeirError WEIR_MAP_FULL
 */
export function resync(
  backend: ServiceMaps,
  tables: ServiceTables,
  known?: ServiceStore,
): { readonly store: ServiceStore; readonly plan: ServicePlan } {
  const store = new ServiceStore(backend)
  const runs = readFrontends(backend, store)
  readBackends(backend, store)
  const backends: MapWrite[] = []
  for (const [, row] of tables.backends) backends.push(...store.addBackend(row))
  const isSame = known !== undefined && samePlaces(known, store, tables)
  const found = new Places(store, runs, tables, isSame ? known : undefined)
  for (const [number, row] of tables.selections) store.selections.set(number, found.placeOf(row))
  const frontends: MapWrite[] = []
  const wanted = new Set<string>()
  for (const [, row] of tables.frontends) {
    const key = byteText(frontendKeyBytes(row))
    wanted.add(key)
    store.noteAny(row, key)
    found.affinity(row)
    frontends.push(...store.setFrontend(key, store.valueOf(row, tables)))
  }
  for (const wildcard of store.anyKeys()) {
    wanted.add(wildcard)
    frontends.push(...store.setAny(wildcard, tables))
  }
  for (const key of [...store.frontends.keys()])
    if (!wanted.has(key)) frontends.push(...store.setFrontend(key, undefined))
  found.giveOthers()
  store.checkRoom()
  const erasures = ([4, 6] as const).flatMap(family =>
    store.places[family].removeOthers().map(place => backendErasure(family, place)),
  )
  return { store, plan: { backends, frontends: inOrder(frontends), erasures } }
}

/** Runs that frontends point to, by the frontend's key. */
function readFrontends(backend: ServiceMaps, store: ServiceStore): Map<string, { table: Run; members: Run }> {
  const runs = new Map<string, { table: Run; members: Run }>()
  for (const map of [backend.maps.weir_frontends4, backend.maps.weir_frontends6]) {
    for (const [key, value] of map.entries()) {
      store.adoptFrontend(key, value)
      runs.set(byteText(key), frontendRuns(value))
    }
  }
  return runs
}

/** Tells the store which places have which backends. */
function readBackends(backend: ServiceMaps, store: ServiceStore): void {
  for (const family of [4, 6] as const) {
    const seen = new Set<string>()
    for (const [key, value] of backend.maps[`weir_backends${family}`].entries()) {
      if (value.every(byte => byte === 0)) continue
      const place = codecs.index.read(key)
      const row = decodeBackend(family, value)
      const content = row === undefined ? `unknown ${place}` : contentOf(row)
      // Where one is twice, the first counts; the other is kept from being used until it is erased.
      store.places[family].adopt(place, seen.has(content) ? `again ${place}` : content)
      seen.add(content)
    }
  }
}

function samePlaces(known: ServiceStore, store: ServiceStore, tables: ServiceTables): boolean {
  for (const [number, { address }] of tables.backends) {
    const family = address.includes(':') ? 6 : 4
    if (known.places[family].placeOf(number) !== store.places[family].placeOf(number)) return false
  }
  return true
}

/** Finds for selections where their tables are in the map already. */
class Places {
  readonly #store: ServiceStore
  readonly #tables: ServiceTables
  readonly #known: ServiceStore | undefined
  /** Runs that the map's frontends point to: each is kept from being written to. */
  readonly #regions = new Map<string, Region>()
  readonly #used = new Set<string>()
  readonly #candidates = new Map<number, { table: Run; members: Run }>()

  constructor(
    store: ServiceStore,
    runs: ReadonlyMap<string, { table: Run; members: Run }>,
    tables: ServiceTables,
    known: ServiceStore | undefined,
  ) {
    this.#store = store
    this.#tables = tables
    this.#known = known
    for (const { table, members } of runs.values()) for (const run of [table, members]) this.#reserve(run)
    for (const [, row] of tables.frontends) {
      const there = runs.get(byteText(frontendKeyBytes(row)))
      if (there === undefined) continue
      const before = this.#candidates.get(row.selection)
      if (before === undefined || (before.members.count === 0 && there.members.count > 0))
        this.#candidates.set(row.selection, there)
    }
  }

  placeOf(row: SelectionRow): PlacedSelection {
    const candidate = this.#candidates.get(row.selection)?.table
    const known = this.#known?.selections.get(row.selection)?.table
    if (row.backends.length > 0 && candidate !== undefined) {
      const kept = known === undefined ? this.#ifSame(candidate, row) : this.#ifKnown(candidate, known)
      if (kept !== undefined) return { table: kept, members: undefined }
    }
    const members = this.#store.members(row, this.#tables)
    return { table: this.#store.slots.place(members, this.#tables.selections.size), members: undefined }
  }

  /** Finds the members' run for a frontend with affinity, if it is there. */
  affinity({ selection, affinitySeconds }: FrontendRow): void {
    const placed = this.#store.selections.get(selection)!
    const run = this.#candidates.get(selection)?.members
    if (affinitySeconds === 0 || placed.members !== undefined || run === undefined || run.count === 0) return
    const numbers = this.#store.memberPlaces(this.#tables.selections.get(selection)!, this.#tables)
    const members = this.#take(run, numbers)
    if (members !== undefined) this.#store.selections.set(selection, { ...placed, members })
  }

  /** What frontends pointed to and no selection took is free once they point elsewhere. */
  giveOthers(): void {
    for (const [name, region] of this.#regions) if (!this.#used.has(name)) this.#store.slots.give(region)
  }

  #reserve(run: Run): void {
    const name = nameOf(run)
    if (this.#regions.has(name)) return
    const region = this.#store.slots.adopt(run)
    if (region !== undefined) this.#regions.set(name, region)
  }

  #ifSame(run: Run, row: SelectionRow): Placed | undefined {
    const members = this.#store.members(row, this.#tables)
    if (members.length > 1 && run.count < members.length) return undefined
    if (members.length > 1 && !this.#store.slots.isSize(run.count)) return undefined
    const table = this.#store.slots.build(members, this.#tables.selections.size, run.count)
    return this.#take(run, table)
  }

  #ifKnown(run: Run, known: Placed): Placed | undefined {
    const name = nameOf(run)
    if (nameOf(known) !== name || this.#used.has(name) || !this.#regions.has(name)) return undefined
    if (this.#store.slots.sumAt(run) !== known.sum) return undefined
    this.#used.add(name)
    return known
  }

  #take(run: Run, numbers: Uint32Array): Placed | undefined {
    const name = nameOf(run)
    const region = this.#regions.get(name)
    if (region === undefined || this.#used.has(name) || !this.#store.slots.same(run, numbers)) return undefined
    this.#used.add(name)
    return { ...run, region, sum: this.#store.slots.sumAt(run) }
  }
}

const nameOf = ({ first, count }: Run): string => `${first}+${count}`
