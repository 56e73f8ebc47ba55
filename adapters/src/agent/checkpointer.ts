import type { Engine } from '@weir/core'
import { type Checkpoint, type EventLog, linkTo, signCheckpoint, type SigningKey } from '@weir/store'
import { buildVersion } from '../version.js'
import type { Clock, Timer } from './clock.js'

/** Where checkpoints are kept, and the key that signs them. */
export interface Checkpoints {
  readonly key: SigningKey
  readonly last: Checkpoint | undefined
  /** Of the log, in their order. */
  all(): Promise<readonly Checkpoint[]>
  /** Durable when it resolves; one at a time. */
  add(checkpoint: Checkpoint): Promise<void>
}

export interface CheckpointerOptions {
  readonly kept: Checkpoints
  readonly log: EventLog
  readonly engine: Engine
  readonly clock: Clock
  /** Events between checkpoints. */
  readonly every: number
  /** Longest that an event waits for one. */
  readonly periodMs: number
  readonly report: (message: string) => void
}

/** Signs what the log says: each so many events, each so many minutes, and at the end. */
export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #timer: Timer
  #signed: number
  #writing: Promise<void> = Promise.resolve()

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#signed = options.kept.last?.seq ?? 0
    this.#timer = options.clock.every(options.periodMs, () => this.#sign())
  }

  /** Told when the engine has folded what the log holds. */
  applied(): void {
    if (this.#options.engine.seq - this.#signed >= this.#options.every) void this.#sign()
  }

  /** Signs what isn't signed yet. */
  async stop(): Promise<void> {
    this.#timer.stop()
    await this.#sign()
  }

  /** What can't be signed now is with the next checkpoint: failing is told, not fatal. */
  #sign(): Promise<void> {
    const { log, engine, clock, kept, report } = this.#options
    const { head } = log
    // While events are durable and not folded yet there is no digest for the head: the next turn has one.
    if (engine.seq === head.seq && head.seq > this.#signed) {
      const said = { seq: head.seq, head: head.hash, digest: engine.digest(), time: clock.nowMs(), build: buildVersion }
      this.#signed = head.seq
      this.#writing = this.#writing.then(async () => {
        try {
          await kept.add(signCheckpoint({ ...said, previous: linkTo(kept.last) }, kept.key))
        } catch (error) {
          report(`no checkpoint at event ${said.seq}: ${error instanceof Error ? error.message : String(error)}`)
        }
      })
    }
    return this.#writing
  }
}
