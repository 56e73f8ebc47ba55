const leastMs = 250
const mostMs = 30_000

/**
 * How long to wait before the next try: twice as long after each failure, up to half a minute, and never the same for
 * all of those that lost the server at one moment.
 */
export class BackOff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  /** @param atLeastMs what the server asked for */
  nextMs(atLeastMs = 0): number {
    const usual = Math.min(mostMs, leastMs * 2 ** Math.min(this.#failures, 20))
    this.#failures++
    return Math.max(atLeastMs, usual / 2) + (usual / 2) * this.#random()
  }

  /** All is well again. */
  reset(): void {
    this.#failures = 0
  }
}
