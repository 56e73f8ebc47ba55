import type { Engine } from '@weir/core'
import type { EventLog } from '@weir/store'
import { buildVersion } from '../version.js'
import type { AgentOptions } from './agent-options.js'
import { Checkpointer, type Checkpoints } from './checkpointer.js'
import type { Timer } from './clock.js'
import { compactLog, type Retention } from './retention.js'
import { recordEngine } from './restore.js'

const defaults = {
  snapshotEvery: 10_000,
  checkpointEvery: 10_000,
  checkpointPeriodMs: 10 * 60_000,
  logRetentionPeriodMs: 60 * 60_000,
}

/** Events between digests: one takes as long as there is new since the last one, and nothing else goes on meanwhile. */
const digestEvery = 500

/** What an agent keeps beside the events: snapshots, that a start needn't fold all of them, and checkpoints. */
export class Recorder {
  readonly #log: EventLog
  readonly #engine: Engine
  readonly #every: number
  readonly #kept: Checkpoints
  readonly #checkpointer: Checkpointer
  readonly #report: (message: string) => void
  #snapshot: number
  #digested: number
  #snapshotting: Promise<void> | undefined
  #compacting: Promise<void> | undefined
  #retaining: Timer | undefined

  /** @param snapshot The event that the engine was restored at. */
  constructor(
    options: AgentOptions,
    log: EventLog,
    engine: Engine,
    snapshot: number,
    kept: Checkpoints,
    report: (message: string) => void,
  ) {
    this.#log = log
    this.#engine = engine
    this.#every = options.snapshotEvery ?? defaults.snapshotEvery
    this.#snapshot = snapshot
    this.#digested = snapshot
    this.#kept = kept
    this.#checkpointer = new Checkpointer({
      ...{ kept, log, engine, report },
      clock: options.clock,
      every: options.checkpointEvery ?? defaults.checkpointEvery,
      periodMs: options.checkpointPeriodMs ?? defaults.checkpointPeriodMs,
    })
    this.#report = report
    const { logRetention, logRetentionPeriodMs = defaults.logRetentionPeriodMs, clock } = options
    if (logRetention !== undefined)
      this.#retaining = clock.every(logRetentionPeriodMs, () => {
        this.#compacting = this.#compact(logRetention, clock.nowMs())
        return this.#compacting
      })
  }

  /** The event of the newest snapshot, 0 for none. */
  get snapshot(): number {
    return this.#snapshot
  }

  /** Told when the engine has folded what the log holds. */
  applied(): void {
    this.#checkpointer.applied()
    if (this.#engine.seq - this.#digested >= digestEvery) {
      this.#engine.digest()
      this.#digested = this.#engine.seq
    }
    if (this.#engine.seq - this.#snapshot >= this.#every)
      this.#snapshotting ??= this.#writeSnapshot().finally(() => {
        this.#snapshotting = undefined
      })
  }

  /** Records the end. */
  async stop(): Promise<void> {
    this.#retaining?.stop()
    await this.#compacting
    await this.#snapshotting
    if (this.#engine.seq > this.#snapshot) await this.#writeSnapshot()
    await this.#checkpointer.stop()
  }

  /** What can't be let go now is let go later. */
  async #compact(retention: Retention, nowMs: number): Promise<void> {
    try {
      const done = await compactLog(this.#log, retention, nowMs, await this.#kept.all())
      if (done !== undefined) this.#report(`events before ${done.base.seq + 1} were compacted: ${done.events} of them`)
    } catch (error) {
      this.#report(`the log wasn't compacted: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** A snapshot saves time at the next start: failing to write one is told. The log takes nothing more then, and says so. */
  async #writeSnapshot(): Promise<void> {
    const seq = this.#engine.seq
    try {
      await recordEngine(this.#log, this.#engine, buildVersion)
      this.#snapshot = seq
    } catch (error) {
      this.#report(`no snapshot at event ${seq}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
