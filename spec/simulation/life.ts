import type { Clock } from '@weir/adapters'
import type { Random } from './random.js'
import type { Scheduler } from './scheduler.js'

/** Thrown by whatever a process that has been killed goes on to do. */
export class Killed extends Error {
  constructor() {
    super('this process was killed')
  }
}

/**
 * A process from its start to its end. All that it has of the outside goes through here; when it is killed nothing that it
 * waits for ever comes, and nothing that it goes on to do has an effect.
 */
export class Life {
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #onKilled: () => void
  #operationsLeft = Number.POSITIVE_INFINITY
  #isOver = false

  /** @param onKilled Told at once. */
  constructor(scheduler: Scheduler, random: Random, onKilled: () => void) {
    this.#scheduler = scheduler
    this.#random = random
    this.#onKilled = onKilled
    this.clock = {
      nowMs: () => scheduler.nowMs,
      every: (periodMs, work) => this.#every(periodMs, work),
      nextTurn: () => this.wait(0),
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Kills it in the midst of the operation that many from now. */
  killAfter(operations: number): void {
    this.#operationsLeft = operations
  }

  kill(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onKilled()
  }

  /** The process is gone in an orderly way: its timers don't fire any more. */
  end(): void {
    this.#isOver = true
  }

  /**
   * Something is about to be done to the outside.
   * @throws Killed when that doesn't happen any more
   */
  operation(): void {
    if (!this.#isOver) {
      this.#operationsLeft -= 1
      if (this.#operationsLeft < 0) this.kill()
    }
    if (this.#isOver) throw new Killed()
  }

  /** Input and output take their time, and don't come back in the order of the calls. */
  io(): Promise<void> {
    return this.wait(this.#random.chance(0.7) ? this.#random.below(3) : this.#random.below(40))
  }

  wait(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      this.after(delayMs, resolve)
    })
  }

  /** The function returned prevents it. */
  after(delayMs: number, run: () => void): () => void {
    if (this.#isOver) return () => {}
    return this.#scheduler.after(delayMs, () => {
      if (!this.#isOver) run()
    })
  }

  #every(periodMs: number, work: () => void | Promise<void>): { stop(): void } {
    let cancel = (): void => {}
    let isStopped = false
    const arm = (): void => {
      if (isStopped) return
      cancel = this.after(periodMs, () => void Promise.resolve(work()).finally(arm))
    }
    arm()
    return {
      stop: () => {
        isStopped = true
        cancel()
      },
    }
  }
}
