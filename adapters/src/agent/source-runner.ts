import type { ClusterState } from '@weir/core'
import type { Clock } from './clock.js'
import type { Facts, Submitted } from './intake.js'
import { pause } from './pause.js'
import type { SourceStatus } from './protocol.js'
import type { Source } from './source.js'

export interface SourceRunnerOptions {
  readonly clock: Clock
  readonly report: (message: string) => void
  readonly submit: (origin: string, facts: Facts) => Promise<Submitted>
  readonly state: () => ClusterState
}

/** Pause before a source that failed is started again. */
const restartDelayMs = 5000

/** Keeps a source running. A source that fails says so in the status and is tried again; the agent goes on. */
export class SourceRunner {
  readonly #source: Source
  readonly #options: SourceRunnerOptions
  readonly #stopping = new AbortController()
  #state: SourceStatus['state'] = 'starting'
  #error: string | undefined
  #drafts = 0
  #running: Promise<void> = Promise.resolve()
  #settle: () => void = () => {}
  /** Resolves when the source has said all that it knew at the start, or has failed to. */
  readonly settled = new Promise<void>(resolve => {
    this.#settle = resolve
  })

  constructor(source: Source, options: SourceRunnerOptions) {
    this.#source = source
    this.#options = options
  }

  get status(): SourceStatus {
    const error = this.#error
    const resources = this.#source.resources?.()
    const waiting = this.#source.waiting?.() ?? []
    return {
      name: this.#source.name,
      state: this.#state,
      drafts: this.#drafts,
      ...(error !== undefined && { error }),
      ...(resources !== undefined && { resources }),
      ...(waiting.length > 0 && { waiting }),
    }
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#settle()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#source.run(this.#sink(), signal)
        this.#state = 'ended'
        this.#settle()
        return
      } catch (error) {
        if (signal.aborted) return
        this.#fail(error instanceof Error ? error.message : String(error))
        await pause(this.#options.clock, restartDelayMs, signal)
      }
    }
  }

  #sink(): Parameters<Source['run']>[0] {
    const { submit, state } = this.#options
    return {
      get state() {
        return state()
      },
      submit: async (facts, origin = this.#source.name) => {
        const submitted = await submit(origin, facts)
        this.#drafts += Math.max(0, submitted.last - submitted.first + 1)
        return submitted
      },
      report: (given, message) => {
        if (given === 'failing') this.#fail(message ?? 'failing')
        else {
          this.#state = given
          this.#error = undefined
          this.#settle()
        }
      },
    }
  }

  #fail(message: string): void {
    if (this.#error !== message) this.#options.report(`${this.#source.name}: ${message}`)
    this.#state = 'failing'
    this.#error = message
    this.#settle()
  }
}
