import type { Random } from './random.js'

interface Due {
  readonly atMs: number
  /** Decides among those that are due at the same moment. */
  readonly tie: number
  readonly run: () => void
}

/**
 * Virtual time: what is to happen, and in which order. Nothing happens between two steps but what follows from the first
 * by itself, so that a seed decides everything.
 */
export class Scheduler {
  readonly #random: Random
  readonly #due = new Set<Due>()
  #nowMs: number
  #steps = 0

  /** @param nowMs When it begins; milliseconds since the epoch. */
  constructor(random: Random, nowMs: number) {
    this.#random = random
    this.#nowMs = nowMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Taken so far. */
  get steps(): number {
    return this.#steps
  }

  /** The function returned prevents it. */
  after(delayMs: number, run: () => void): () => void {
    // Timers count whole milliseconds.
    const due: Due = { atMs: this.#nowMs + Math.trunc(delayMs), tie: this.#random.next(), run }
    this.#due.add(due)
    return () => this.#due.delete(due)
  }

  /** Does what is due next and all that follows from it; false when nothing will ever happen again. */
  async step(): Promise<boolean> {
    let next: Due | undefined
    for (const due of this.#due)
      if (next === undefined || due.atMs < next.atMs || (due.atMs === next.atMs && due.tie < next.tie)) next = due
    if (next === undefined) return false
    this.#due.delete(next)
    this.#nowMs = next.atMs
    this.#steps += 1
    next.run()
    await quiet()
    return true
  }
}

/** Resolves when no promise has anything left to do: microtasks are all done before an immediate is. */
export const quiet = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })
