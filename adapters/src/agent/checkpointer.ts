import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '@weir/core'
import {
  CheckpointFile,
  type EventLog,
  linkTo,
  publicPem,
  signCheckpoint,
  type SigningKey,
  signingKey,
} from '@weir/store'
import { buildVersion } from '../version.js'
import type { Clock, Timer } from './clock.js'

/** The key that an agent makes in its state folder, and its public half beside it. */
export const keyFileIn = (stateFolder: string): string => join(stateFolder, 'checkpoint-key.pem')
export const publicKeyFileIn = (stateFolder: string): string => join(stateFolder, 'checkpoint-key.pub')

export interface CheckpointerOptions {
  readonly stateFolder: string
  /** Path of a key in PEM; absent: the agent's own, made at the first start. */
  readonly keyFile?: string | undefined
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
  readonly #key: SigningKey
  readonly #file: CheckpointFile
  readonly #timer: Timer
  #signed: number
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: CheckpointerOptions, key: SigningKey, file: CheckpointFile) {
    this.#options = options
    this.#key = key
    this.#file = file
    this.#signed = file.last?.seq ?? 0
    this.#timer = options.clock.every(options.periodMs, () => this.#sign())
  }

  /** @throws WeirError WEIR_CHECKPOINT_KEY */
  static async open(options: CheckpointerOptions): Promise<Checkpointer> {
    const { keyFile, stateFolder } = options
    const key = await signingKey(keyFile ?? keyFileIn(stateFolder), keyFile === undefined)
    await writeFile(publicKeyFileIn(stateFolder), publicPem(key.name), { mode: 0o644 })
    return new Checkpointer(options, key, await CheckpointFile.open(options.log.location))
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
    const { log, engine, clock, report } = this.#options
    const { head } = log
    // While events are durable and not folded yet there is no digest for the head: the next turn has one.
    if (engine.seq === head.seq && head.seq > this.#signed) {
      const said = { seq: head.seq, head: head.hash, digest: engine.digest(), time: clock.nowMs(), build: buildVersion }
      this.#signed = head.seq
      this.#writing = this.#writing.then(async () => {
        try {
          await this.#file.add(signCheckpoint({ ...said, previous: linkTo(this.#file.last) }, this.#key))
        } catch (error) {
          report(`no checkpoint at event ${said.seq}: ${error instanceof Error ? error.message : String(error)}`)
        }
      })
    }
    return this.#writing
  }
}
