import type { Clock } from '../agent/clock.js'

/** So many a second, and as many at once as a quiet time has saved up. */
export class Allowance {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #perSecond: number
  readonly #most: number
  #saved: number
  #at: number

  /** @param most What a quiet time saves up, and what there is at first. */
  constructor(clock: Pick<Clock, 'nowMs'>, perSecond: number, most: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#most = most
    this.#saved = most
    this.#at = clock.nowMs()
  }

  /** Takes what may be had of `count`; returns how many. A clock that goes back saves nothing. */
  take(count: number): number {
    const now = this.#clock.nowMs()
    this.#saved = Math.min(this.#most, this.#saved + (Math.max(0, now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
    const taken = Math.min(count, Math.floor(this.#saved))
    this.#saved -= taken
    return taken
  }
}
