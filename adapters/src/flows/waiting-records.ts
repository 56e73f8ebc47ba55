/** Where records lie that were taken in. */
export interface Placed {
  readonly at: number
  /** How many of them, in one piece. */
  readonly count: number
}

/**
 * Records that wait to be summed up, oldest first, in memory that is used again and again: buffers that come and go at the
 * rate of a flood have the collector stop everything for their sake.
 */
export class WaitingRecords {
  /** Memory is taken when it is first written to. */
  readonly bytes: Uint8Array
  readonly #recordBytes: number
  readonly #capacity: number
  #first = 0
  #count = 0

  /** @param capacity Most records. */
  constructor(capacity: number, recordBytes: number) {
    this.bytes = new Uint8Array(capacity * recordBytes)
    this.#recordBytes = recordBytes
    this.#capacity = capacity
  }

  /** Takes up to `count` records of `data`, from record `from` on, as many as find room in one piece; none when it is full. */
  put(data: Uint8Array, from: number, count: number): Placed {
    if (this.#count === 0) this.#first = 0
    const at = (this.#first + this.#count) % this.#capacity
    const room = at < this.#first ? this.#first - at : this.#count === this.#capacity ? 0 : this.#capacity - at
    const taken = Math.min(count, room)
    const size = this.#recordBytes
    this.bytes.set(data.subarray(from * size, (from + taken) * size), at * size)
    this.#count += taken
    return { at, count: taken }
  }

  /** The oldest are done with. */
  release(count: number): void {
    this.#first = (this.#first + count) % this.#capacity
    this.#count -= count
  }
}
