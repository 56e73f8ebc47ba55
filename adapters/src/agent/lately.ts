/** How much of a total that only rises is new: since the turn before the last one, so that no turn hides what is new. */
export class Lately {
  readonly #total: () => number
  #before: number
  #last: number

  constructor(total: () => number) {
    this.#total = total
    this.#before = total()
    this.#last = this.#before
  }

  /** Of one to two turns. */
  get count(): number {
    return this.#total() - this.#before
  }

  turn(): void {
    this.#before = this.#last
    this.#last = this.#total()
  }
}
