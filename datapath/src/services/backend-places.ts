import type { BackendRow } from '@weir/core/tables/service-rows.js'
import { codecs } from '../codec/maps.js'
import { encodeBackend } from './encode.js'

/**
 * Where the backends of one family are in their map. A place is a backend's from when a selection first has it until its
 * row goes, or longer, while a run of slots that is in force names it; the numbers that rows have are not used, as those
 * of another log may mean something else than the map says.
 */
export class BackendPlaces {
  readonly family: 4 | 6
  readonly capacity: number
  readonly valueSize: number
  /** What the map holds, place by place, as far as it was ever used. */
  #image = new Uint8Array(0)
  /** By the row's number: its place + 1, or 0. */
  readonly #places: number[] = []
  /** Free for use, the one that was given back first at `#oldest`. */
  #free: number[] = []
  #oldest = 0
  #given: number[] = []
  /** Places from here on were never used. */
  #next = 0
  #taken = 0
  #written: number[] = []
  #erased: number[] = []

  constructor(family: 4 | 6, capacity: number) {
    this.family = family
    this.capacity = capacity
    this.valueSize = codecs[`backend${family}`].size
  }

  get map(): 'weir_backends4' | 'weir_backends6' {
    return `weir_backends${this.family}`
  }

  /** Places in use. */
  get taken(): number {
    return this.#taken
  }

  /** How many more can be placed. */
  get room(): number {
    return this.capacity - this.#next + this.#free.length - this.#oldest
  }

  /** What the map is to hold from place 0 on; zero after its end. */
  get image(): Uint8Array {
    return this.#image
  }

  /** Takes note of what is in the map; rising, and before anything else. */
  adopt(place: number, value: Uint8Array): void {
    while (this.#next < place) this.#free.push(this.#next++)
    this.#next = place + 1
    this.#taken += 1
    this.#write(place, value)
  }

  /** The place is the row's. */
  assign(number: number, place: number): void {
    while (this.#places.length < number) this.#places.push(0)
    this.#places[number] = place + 1
  }

  placeOf(number: number): number | undefined {
    const place = this.#places[number]
    return place === undefined || place === 0 ? undefined : place - 1
  }

  /** Gives a row a place; there must be room. */
  place(row: BackendRow): number {
    const place = this.#next < this.capacity ? this.#next++ : this.#free[this.#oldest++]!
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#free.length) {
      this.#free = this.#free.slice(this.#oldest)
      this.#oldest = 0
    }
    this.#taken += 1
    this.assign(row.backend, place)
    this.#grow(place)
    encodeBackend(this.#image, place * this.valueSize, row)
    this.#written.push(place)
    return place
  }

  /** The row is gone: its place, which is to be erased as soon as nothing names it. */
  release(number: number): number | undefined {
    const place = this.placeOf(number)
    if (place !== undefined) this.#places[number] = 0
    return place
  }

  erase(place: number): void {
    this.#image.fill(0, place * this.valueSize, (place + 1) * this.valueSize)
    this.#erased.push(place)
    this.#given.push(place)
    this.#taken -= 1
  }

  /** Places that have been written and erased since the last call. */
  takeChanges(): { readonly written: readonly number[]; readonly erased: readonly number[] } {
    const changes = { written: this.#written, erased: this.#erased }
    this.#written = []
    this.#erased = []
    return changes
  }

  valueAt(place: number): Uint8Array {
    return this.#image.subarray(place * this.valueSize, (place + 1) * this.valueSize)
  }

  /** What was erased may be used again. */
  settle(): boolean {
    if (this.#given.length === 0) return false
    // One by one: there may be more than arguments are allowed.
    for (const place of this.#given) this.#free.push(place)
    this.#given = []
    return true
  }

  #write(place: number, value: Uint8Array): void {
    this.#grow(place)
    this.#image.set(value, place * this.valueSize)
  }

  #grow(place: number): void {
    const size = (place + 1) * this.valueSize
    if (size <= this.#image.length) return
    const larger = new Uint8Array(Math.min(this.capacity * this.valueSize, Math.max(size * 2, this.valueSize * 256)))
    larger.set(this.#image)
    this.#image = larger
  }
}
