import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import type { ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'
import type { ServiceMaps } from '../backend.js'
import { codecs, type TableMapName } from '../codec/maps.js'
import { AnyAddress } from './any-address.js'
import { BackendPlaces } from './backend-places.js'
import { ExternalPorts } from './external-ports.js'
import { frontendKeyBytes, frontendMap, frontendValue, familyOf } from './encode.js'
import { byteText, InstalledFrontends } from './installed-frontends.js'
import type { PackedBatch } from './packed.js'
import { SelectionRuns } from './selection-runs.js'
import { isShortage, type Level, type MapShortage, type Obstacle, shortage, shortagesOf } from './shortage.js'
import { type Placed, SlotTables } from './slot-tables.js'
import { SourceRanges } from './source-ranges.js'
import { TableBuilds, type TableOptions } from './table-builds.js'

/** A frontend that isn't in the maps as the tables have it. What was in force of it is. */
interface Behind {
  readonly row: FrontendRow
  readonly obstacle: Obstacle
}

/** Frontends tried again in one turn that find no room again: then others wait for the next. */
const mostInVain = 32
const noRun = { first: 0, count: 0 }

/**
 * What the maps of services hold. Runs of slots are written where nothing points to as they are planned; everything else
 * is left to the batches. After a plan that failed or wasn't carried out the store is of no more use.
 */
export class ServiceStore {
  readonly slots: SlotTables
  readonly ports = new ExternalPorts()
  readonly places: { readonly 4: BackendPlaces; readonly 6: BackendPlaces }
  readonly frontends: InstalledFrontends
  readonly ranges: SourceRanges
  readonly #runs: SelectionRuns
  readonly #builds: TableBuilds
  readonly #anyAddress = new AnyAddress()
  readonly #behind = new Map<string, Behind>()
  #building = 0
  /** Places of backends that are gone from the tables, while a frontend that stayed as it was may lead there. */
  readonly #lingering = { 4: new Set<number>(), 6: new Set<number>() }
  readonly #backend: ServiceMaps

  constructor(backend: ServiceMaps, options: TableOptions) {
    this.#backend = backend
    this.slots = new SlotTables(backend.slots)
    this.places = {
      4: new BackendPlaces(4, backend.maps.weir_backends4.maxEntries),
      6: new BackendPlaces(6, backend.maps.weir_backends6.maxEntries),
    }
    this.frontends = new InstalledFrontends(backend, this.slots)
    this.ranges = new SourceRanges({
      weir_ranges4: backend.maps.weir_ranges4.maxEntries,
      weir_ranges6: backend.maps.weir_ranges6.maxEntries,
    })
    this.#builds = new TableBuilds(options)
    this.#runs = new SelectionRuns(this.slots, this.places, this.#builds)
  }

  /** Frontends that wait for tables which are being made. */
  get building(): number {
    return this.#building
  }

  /** Frontends that no room was found for. */
  get short(): number {
    return this.#behind.size - this.#building
  }

  shortages(): readonly MapShortage[] {
    return shortagesOf(this.#behind.values(), map => this.#levelOf(map))
  }

  /** Plans the way from the tables before the delta to those after it. */
  plan(delta: ServicesDelta, tables: ServiceTables): void {
    this.#builds.rest()
    this.ports.add(delta.frontends.flatMap(({ after }) => after ?? []))
    const touched = new Set<string>()
    const rows = delta.frontends.map(({ before, after }) => {
      const key = byteText(frontendKeyBytes((after ?? before)!))
      if (before !== undefined) this.#anyAddress.leave(before, key, touched)
      if (after !== undefined) this.#anyAddress.join(after, key, touched)
      return { key, row: after }
    })
    for (const wildcard of touched) rows.push({ key: wildcard, row: this.#anyAddress.rowOf(wildcard) })
    for (const { key, row } of rows) if (row === undefined) this.#want(key, undefined, tables)
    for (const { key, row } of rows) if (row !== undefined) this.#want(key, row, tables)
    for (const { before, after } of delta.selections)
      if (before !== undefined && after === undefined) this.#runs.forget(before.selection)
    for (const { before, after } of delta.backends) {
      if (before === undefined || after !== undefined) continue
      const family = familyOf(before.address)
      const place = this.places[family].release(before.backend)
      if (place !== undefined) this.#lingering[family].add(place)
    }
    this.#eraseIdle()
  }

  /**
   * Plans the way from what was adopted to the tables.
   * @param leftOver places that were adopted and are no row's
   */
  planAll(tables: ServiceTables, leftOver: Readonly<Record<4 | 6, Iterable<number>>>): void {
    this.#builds.rest()
    this.ports.add(Array.from(tables.frontends, ([, row]) => row))
    const wanted = new Map<string, FrontendRow>()
    for (const [, row] of tables.frontends) {
      const key = byteText(frontendKeyBytes(row))
      this.#anyAddress.join(row, key)
      wanted.set(key, row)
    }
    for (const wildcard of this.#anyAddress.keys()) wanted.set(wildcard, this.#anyAddress.rowOf(wildcard)!)
    for (const key of [...this.frontends.keys()]) if (!wanted.has(key)) this.#remove(key)
    for (const [key, row] of wanted) this.#want(key, row, tables)
    for (const family of [4, 6] as const) for (const place of leftOver[family]) this.#lingering[family].add(place)
    this.#eraseIdle()
  }

  /** Plans what was put off: frontends whose tables are finished, and some of those that found no room. */
  planBehind(tables: ServiceTables): void {
    this.#builds.rest()
    let inVain = 0
    for (const [key, { row, obstacle }] of [...this.#behind]) {
      if (obstacle === 'building' ? !this.#builds.isRested : inVain >= mostInVain) continue
      // Where it isn't done it goes to the end of the queue.
      this.#want(key, row, tables)
      if (this.#behind.has(key) && obstacle !== 'building') inVain += 1
    }
    this.#eraseIdle()
  }

  /** The writes of what was planned, in order: what is new, then what points to it, then what nothing points to. */
  takeBatches(): readonly PackedBatch[] {
    const changes = [this.places[4], this.places[6]].map(places => ({ places, ...places.takeChanges() }))
    return [
      ...this.ports.takeAdded(),
      ...this.ranges.takeAdded(),
      ...changes.flatMap(({ places, written }) => backendBatch(places, written)),
      ...this.frontends.takeChanges(),
      ...changes.flatMap(({ places, erased }) => backendBatch(places, erased)),
      ...this.ranges.takeRemoved(),
    ]
  }

  /** The batches are written. True when that gave room. */
  settle(): boolean {
    const { slots, places, ranges, frontends } = this
    const freed = [slots.settle(), places[4].settle(), places[6].settle(), ranges.settle(), frontends.settle()]
    return freed.includes(true)
  }

  #want(key: string, row: FrontendRow | undefined, tables: ServiceTables): void {
    this.#forgetBehind(key)
    if (row === undefined) {
      this.#remove(key)
      return
    }
    const obstacle = this.#install(key, row, tables)
    if (obstacle === undefined) return
    this.#behind.set(key, { row, obstacle })
    if (obstacle === 'building') this.#building += 1
  }

  #remove(key: string): void {
    this.frontends.delete(key)
    this.ranges.leave(key)
  }

  #forgetBehind(key: string): void {
    const behind = this.#behind.get(key)
    if (behind === undefined) return
    this.#behind.delete(key)
    if (behind.obstacle === 'building') this.#building -= 1
  }

  #install(key: string, row: FrontendRow, tables: ServiceTables): Obstacle | undefined {
    if (!this.frontends.hasRoomFor(key)) return shortage(frontendMap(key.length), key, 1)
    const present = this.frontends.get(key)
    const selection = tables.selections.get(row.selection)!
    const many = selection.backends.length
    let table: Placed | undefined
    let members: Placed | undefined
    if (many > 0) {
      const single = selection.weights === undefined ? 'members' : 'spread'
      const kind = many === 1 ? 'members' : row.scope === 'external' ? 'table' : single
      const found = this.#runs.runFor(kind, selection, tables, present?.table)
      if (found === 'building' || isShortage(found)) return found
      table = found
      if (row.affinitySeconds > 0) {
        const all = this.#runs.runFor('members', selection, tables, present?.members)
        if (all === 'building' || isShortage(all)) return all
        members = all
      }
    }
    const beneath = this.#beneath(row, tables, present?.beneath)
    if (beneath === 'building' || (beneath !== undefined && isShortage(beneath))) return beneath
    const ranges = this.ranges.use(key, { address: row.address, sourceRanges: blocksOf(row, tables) })
    if (typeof ranges === 'object') return ranges
    const runs = { table: table ?? noRun, members: members ?? noRun, beneath: beneath ?? noRun }
    this.frontends.set(key, { value: byteText(frontendValue(row, runs, ranges)), table, members, beneath })
    return undefined
  }

  /** Where the backends of a redirect go that spares them; undefined where that is nowhere. */
  #beneath(
    { fromBackends }: FrontendRow,
    tables: ServiceTables,
    present: Placed | undefined,
  ): Placed | Obstacle | undefined {
    const selection = fromBackends === undefined || fromBackends === 0 ? undefined : tables.selections.get(fromBackends)
    if (selection === undefined || selection.backends.length === 0) return undefined
    const isEven = selection.backends.length === 1 || selection.weights === undefined
    return this.#runs.runFor(isEven ? 'members' : 'spread', selection, tables, present)
  }

  #eraseIdle(): void {
    for (const family of [4, 6] as const) {
      const lingering = this.#lingering[family]
      if (lingering.size === 0) continue
      const named = new Set<number>()
      for (const run of this.slots.orphans)
        if (run.family === family) for (const place of this.slots.numbersOf(run)) named.add(place)
      for (const place of lingering) {
        if (named.has(place)) continue
        lingering.delete(place)
        this.places[family].erase(place)
      }
    }
  }

  #levelOf(map: TableMapName): Level {
    switch (map) {
      case 'weir_slots':
        return { size: this.slots.lines, used: this.slots.usedLines }
      case 'weir_backends4':
      case 'weir_backends6': {
        const places = this.places[map === 'weir_backends4' ? 4 : 6]
        const has = (backend: number): boolean => places.placeOf(backend) !== undefined
        return { size: places.capacity, used: places.taken, has }
      }
      case 'weir_ranges4':
      case 'weir_ranges6':
        return { size: this.#backend.maps[map].maxEntries, used: this.ranges.count(map) }
      case 'weir_frontends4':
      case 'weir_frontends6':
        return { size: this.#backend.maps[map].maxEntries, used: this.frontends.count(map) }
      default:
        throw new RangeError(`${map} is none of services`)
    }
  }
}

/** The blocks that a frontend is for, or the addresses that it spares; undefined where it minds no client's address. */
function blocksOf(row: FrontendRow, { selections, backends }: ServiceTables): readonly string[] | undefined {
  if (row.fromBackends === undefined) return row.sourceRanges
  return selections.get(row.selection)!.backends.map(number => backends.get(number)!.address)
}

function backendBatch(places: BackendPlaces, changed: readonly number[]): readonly PackedBatch[] {
  if (changed.length === 0) return []
  const { valueSize, map } = places
  const keys = new Uint8Array(changed.length * codecs.index.size)
  const values = new Uint8Array(changed.length * valueSize)
  for (const [at, place] of changed.entries()) {
    codecs.index.write(keys, at * codecs.index.size, place)
    values.set(places.valueAt(place), at * valueSize)
  }
  return [{ map, kind: 'update', count: changed.length, keys, values }]
}
