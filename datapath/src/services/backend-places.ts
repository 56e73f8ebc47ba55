import { WeirError } from '@weir/core/errors.js'
import type { BackendRow } from '@weir/core/tables/service-rows.js'
import type { TableMapName } from '../codec/maps.js'

/**
 * Where the backends of one family are in their map. A place has one backend as long as any table may name it; the
 * numbers that the rows have are not used, as those of another log may mean something else than the map says.
 */
export class BackendPlaces {
  readonly #map: TableMapName
  readonly #capacity: number
  /** What is at each place in use, as `contentOf` writes it. */
  readonly #content = new Map<number, string>()
  readonly #byContent = new Map<string, number>()
  /** By the row's number. */
  readonly #places: (number | undefined)[] = []
  readonly #free: number[] = []
  #given: number[] = []
  /** Places from here on were never used. */
  #next = 0

  constructor(map: TableMapName, capacity: number) {
    this.#map = map
    this.#capacity = capacity
  }

  /** Takes note of what is in the map; all are to be told before the first `place`. */
  adopt(place: number, content: string): void {
    while (this.#next < place) this.#free.push(this.#next++)
    this.#next = Math.max(this.#next, place + 1)
    this.#content.set(place, content)
    this.#byContent.set(content, place)
  }

  placeOf(number: number): number | undefined {
    return this.#places[number]
  }

  /**
   * A place for a row; `isNew` when the map has to be told.
   * @throws WeirError WEIR_MAP_FULL
   */
  place(row: BackendRow): { readonly place: number; readonly isNew: boolean } {
    const content = contentOf(row)
    const known = this.#byContent.get(content)
    const place = known ?? this.#take()
    while (this.#places.length < row.backend) this.#places.push(undefined)
    this.#places[row.backend] = place
    if (known !== undefined) return { place, isNew: false }
    this.#content.set(place, content)
    this.#byContent.set(content, place)
    return { place, isNew: true }
  }

  /** Ends the use of a row's place; undefined when it has none. */
  remove(number: number): number | undefined {
    const place = this.#places[number]
    if (place === undefined) return undefined
    this.#places[number] = undefined
    this.#forget(place)
    return place
  }

  /** Ends the use of all places that no row has, and tells them. */
  removeOthers(): readonly number[] {
    const used = new Set(this.#places)
    const others = [...this.#content.keys()].filter(place => !used.has(place))
    for (const place of others) this.#forget(place)
    return others
  }

  /** What was removed may be used again. */
  settle(): void {
    // One by one: there may be more than arguments are allowed.
    for (const place of this.#given) this.#free.push(place)
    this.#given = []
  }

  #forget(place: number): void {
    const content = this.#content.get(place)!
    this.#content.delete(place)
    if (this.#byContent.get(content) === place) this.#byContent.delete(content)
    this.#given.push(place)
  }

  #take(): number {
    if (this.#next < this.#capacity) return this.#next++
    const place = this.#free.shift()
    if (place !== undefined) return place
    const payload = { map: this.#map, size: this.#capacity, needed: this.#content.size + 1 }
    throw new WeirError('WEIR_MAP_FULL', `${this.#map} has no room for more than ${this.#capacity} backends`, payload)
  }
}

/** What makes a backend another one: `10.0.0.1 8080 TCP`. */
export const contentOf = ({ address, port, protocol }: Pick<BackendRow, 'address' | 'port' | 'protocol'>): string =>
  `${address} ${port} ${protocol}`
