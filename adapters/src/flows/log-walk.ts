import type { Engine, WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'
import { restoreEngine } from '../agent/restore.js'

/** Goes through the states of a log once, forward. */
export class LogWalk {
  readonly engine: Engine
  readonly #events: AsyncIterator<readonly WeirEvent[]>
  #waiting: readonly WeirEvent[] = []

  private constructor(engine: Engine, events: AsyncIterator<readonly WeirEvent[]>) {
    this.engine = engine
    this.#events = events
  }

  /** Begins after event `seq`, from the nearest snapshot. */
  static async from(log: EventLog, seq: number): Promise<LogWalk> {
    const { engine } = await restoreEngine(log, () => {}, Math.min(seq, log.head.seq))
    return new LogWalk(engine, log.read({ from: engine.seq + 1 })[Symbol.asyncIterator]())
  }

  /**
   * On to the state after event `seq`, or after the last one that the log has.
   * @returns the events on the way
   */
  async to(seq: number): Promise<readonly WeirEvent[]> {
    const taken: WeirEvent[] = []
    while (this.engine.seq < seq) {
      if (this.#waiting.length === 0) {
        const next = await this.#events.next()
        if (next.done === true) break
        this.#waiting = next.value
      }
      const part = this.#waiting.slice(0, seq - this.engine.seq)
      this.#waiting = this.#waiting.slice(part.length)
      this.engine.fold(part)
      taken.push(...part)
    }
    return taken
  }

  async close(): Promise<void> {
    await this.#events.return?.()
  }
}
