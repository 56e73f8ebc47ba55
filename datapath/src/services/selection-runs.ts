import type { SelectionRow } from '@weir/core/tables/service-rows.js'
import type { ServiceTables } from '@weir/core/tables/tables.js'
import type { BackendPlaces } from './backend-places.js'
import { familyOf } from './encode.js'
import { maglevMembers } from './external-table.js'
import { isShortage, type Obstacle, shortage, type Shortage } from './shortage.js'
import type { Placed, SlotTables } from './slot-tables.js'
import { spread } from './spread.js'
import { type TableBuilds, tableSizeFor } from './table-builds.js'

/**
 * What a run has: each backend once, or as often as its weight says, rising; or a Maglev table. Processes draw a slot by
 * chance and need no more than the first two; only clients whose packets may come to any node need the third.
 */
export type RunKind = 'members' | 'spread' | 'table'

type Runs = Partial<Record<RunKind, Placed>>

/** The runs of the selections, each made when the first frontend needs it. */
export class SelectionRuns {
  readonly #slots: SlotTables
  readonly #places: { readonly 4: BackendPlaces; readonly 6: BackendPlaces }
  readonly #builds: TableBuilds
  readonly #runs = new Map<number, Runs>()

  constructor(
    slots: SlotTables,
    places: { readonly 4: BackendPlaces; readonly 6: BackendPlaces },
    builds: TableBuilds,
  ) {
    this.#slots = slots
    this.#places = places
    this.#builds = builds
  }

  /**
   * The run of a selection that has members. Its backends are placed before.
   * @param present what a frontend points to now, which may be the very run
   */
  runFor(
    kind: RunKind,
    row: SelectionRow,
    { backends }: ServiceTables,
    present: Placed | undefined,
  ): Placed | Obstacle {
    const known = this.#runs.get(row.selection)?.[kind]
    if (known !== undefined) return known
    const family = familyOf(backends.get(row.backends[0]!)!.address)
    const lacking = this.#place(kind, row, backends, this.#places[family])
    if (lacking !== undefined) return lacking
    const numbers = this.#numbersOf(kind, row, backends, this.#places[family])
    if (numbers === 'building' || isShortage(numbers)) return numbers
    const isThere = present !== undefined && !present.isOwned && this.#slots.isSame(present, numbers, family)
    const run = isThere ? present : this.#slots.take(numbers, family)
    if (run === undefined) return this.#noLines(kind, row, numbers.length)
    this.#slots.own(run)
    this.#runs.set(row.selection, { ...this.#runs.get(row.selection), [kind]: run })
    if (kind === 'table') this.#builds.forget(row.selection)
    return run
  }

  /** The selection is gone; its runs stay as long as frontends point to them. */
  forget(selection: number): void {
    this.#builds.forget(selection)
    const runs = this.#runs.get(selection)
    if (runs === undefined) return
    this.#runs.delete(selection)
    for (const run of Object.values(runs)) this.#slots.disown(run)
  }

  /** Places for all members, or for none where they don't fit. */
  #place(
    kind: RunKind,
    row: SelectionRow,
    backends: ServiceTables['backends'],
    places: BackendPlaces,
  ): Shortage | undefined {
    const { backends: numbers } = row
    let missing = 0
    for (const number of numbers) if (places.placeOf(number) === undefined) missing += 1
    if (missing === 0) return undefined
    if (missing > places.room) return shortage(places.map, `${row.selection}`, missing, numbers)
    if (!this.#slots.hasRoom(numbers.length)) return this.#noLines(kind, row, numbers.length)
    for (const number of numbers) if (places.placeOf(number) === undefined) places.place(backends.get(number)!)
    return undefined
  }

  #numbersOf(
    kind: RunKind,
    row: SelectionRow,
    backends: ServiceTables['backends'],
    places: BackendPlaces,
  ): Uint32Array | Obstacle {
    const members = Uint32Array.from(row.backends, number => places.placeOf(number)!)
    if (kind === 'members') return members.sort()
    if (kind === 'spread') return spread(members, row.weights ?? row.backends.map(() => 1)).sort()
    const size = tableSizeFor(members.length, this.#builds.configuredSize)
    if (size === undefined || !this.#slots.hasRoom(size)) return this.#noLines(kind, row, size ?? members.length)
    const table = this.#builds.tableOf(row.selection, size, () => maglevMembers(row, backends))
    return table === undefined ? 'building' : table.map(index => members[index]!)
  }

  #noLines(kind: RunKind, { selection }: SelectionRow, slots: number): Shortage {
    return shortage('weir_slots', `${selection} ${kind}`, this.#slots.linesFor(slots))
  }
}
