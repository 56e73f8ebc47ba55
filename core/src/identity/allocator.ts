/** Both ends included. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/**
 * Numbers of a range, next-fit and cyclic: the search starts after the last number given, so that a freed number rests
 * until the cursor has come round. Follows from the order of calls alone.
 */
export class CyclicAllocator {
  readonly first: number
  readonly last: number
  readonly #taken = new Set<number>()
  #cursor: number

  constructor(range: NumberRange) {
    this.first = range.first
    this.last = range.last
    this.#cursor = range.first
  }

  /** The number that the next search starts at. */
  get cursor(): number {
    return this.#cursor
  }

  /** @returns undefined when every number is taken */
  take(): number | undefined {
    if (this.#taken.size > this.last - this.first) return undefined
    let number = this.#cursor
    while (this.#taken.has(number)) number = this.#after(number)
    this.#taken.add(number)
    this.#cursor = this.#after(number)
    return number
  }

  free(number: number): void {
    this.#taken.delete(number)
  }

  /** Takes up where a snapshot left off. */
  resume(taken: Iterable<number>, cursor: number): void {
    for (const number of taken) this.#taken.add(number)
    this.#cursor = cursor
  }

  #after(number: number): number {
    return number === this.last ? this.first : number + 1
  }
}
