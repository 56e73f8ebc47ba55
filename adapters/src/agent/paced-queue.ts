import type { Clock, Timer } from './clock.js'

/** What is done at a stretch, and the pause after it while more waits. */
const stretchMs = 2
const pauseMs = 8
const defaultWaitingMost = 4096

/**
 * Does small pieces of work in order, at once when there are few. When there are many, they get a fifth of the time of
 * the event loop and no more, so that nothing else is kept waiting by a flood of them.
 */
export class PacedQueue<Item> {
  readonly #clock: Clock
  readonly #work: (item: Item) => void
  readonly #onLost: (count: number, lost: readonly Item[]) => void
  readonly #waitingMost: number
  #waiting: Item[] = []
  #next = 0
  #timer: Timer | undefined

  /** @param waitingMost Items that may wait; beyond, the new ones are lost. */
  constructor(
    clock: Clock,
    work: (item: Item) => void,
    onLost: (count: number, lost: readonly Item[]) => void,
    waitingMost: number = defaultWaitingMost,
  ) {
    this.#clock = clock
    this.#work = work
    this.#onLost = onLost
    this.#waitingMost = waitingMost
  }

  /** Items that find room now. */
  get room(): number {
    return this.#waitingMost - (this.#waiting.length - this.#next)
  }

  push(items: readonly Item[]): void {
    const { room } = this
    for (const item of items.slice(0, room)) this.#waiting.push(item)
    if (items.length > room) this.#onLost(items.length - room, items.slice(room))
    if (this.#timer !== undefined) return
    this.#stretch()
    if (this.#waiting.length > 0) this.#timer = this.#clock.every(pauseMs, () => this.#stretch())
  }

  /** Does all that waits, now. */
  finish(): void {
    while (this.#next < this.#waiting.length) this.#work(this.#waiting[this.#next++]!)
    this.close()
  }

  /** What waits is dropped. */
  close(): void {
    this.#timer?.stop()
    this.#timer = undefined
    this.#waiting = []
    this.#next = 0
  }

  #stretch(): void {
    const end = this.#clock.nowMs() + stretchMs
    while (this.#next < this.#waiting.length && this.#clock.nowMs() < end) {
      const item = this.#waiting[this.#next++]!
      this.#work(item)
    }
    if (this.#next < this.#waiting.length) return
    this.close()
  }
}
