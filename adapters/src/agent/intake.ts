import {
  AttachmentSettler,
  type ClusterState,
  type EventBody,
  type EventDraft,
  type Engine,
  type TablesDelta,
  type WeirEvent,
  WeirError,
} from '@weir/core'
import type { Clock } from './clock.js'
import { reached } from '../stages.js'

/** What one submission became. */
export interface Submitted {
  /** First and last event appended; `first > last` when nothing had to be said. */
  readonly first: number
  readonly last: number
}

/** The part of the event log that intake needs. */
export interface Appender {
  append(drafts: readonly EventDraft[]): Promise<{ readonly first: number; readonly last: number }>
}

export interface IntakeOptions {
  readonly log: Appender
  readonly engine: Engine
  readonly clock: Clock
  /** Told of each batch as soon as it is folded. */
  readonly onFolded?: (events: readonly WeirEvent[]) => void
  /** Enforces a change of the tables. A rejection is told to the submitter; the event stays, as it is durable. */
  readonly enforce: (delta: TablesDelta) => Promise<void>
  /** Told after each batch, enforced or not. */
  readonly onApplied: (events: readonly WeirEvent[], delta: TablesDelta, latencyMs: number) => void
  /** Told once, when the log can't be written to any more. */
  readonly onHalted: (error: WeirError<'WEIR_INTAKE_STOPPED'>) => void
}

/** A fact, and who says so where it isn't simply who submits it. */
export type Fact = EventBody & Partial<Pick<EventDraft, 'source' | 'by'>>

/** Facts to say, or a function of what is known by then: it is called when all earlier submissions are in the state. */
export type Facts = readonly Fact[] | ((state: ClusterState) => readonly Fact[])

interface Waiting {
  readonly origin: string
  readonly facts: Facts
  readonly at: number
  resolve(submitted: Submitted): void
  reject(error: unknown): void
}

/** Most facts in one batch: bounds how long a submission waits for those before it. */
const batchLimit = 4096

/**
 * The one way in. Submissions queue up; each batch becomes durable, then is folded, then is enforced, before the next
 * batch starts. So nothing acts on an input that isn't durable, and what is enforced is what the log says.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #stopped: WeirError<'WEIR_INTAKE_STOPPED'> | undefined

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Why nothing is taken any more; undefined while all is well. */
  get stopped(): string | undefined {
    return this.#stopped?.payload.reason
  }

  /**
   * Resolves when the facts are durable, folded and enforced.
   *
   * @throws WeirError WEIR_INTAKE_STOPPED after a failed append or `stop`; what the enforcement failed with.
   */
  submit(origin: string, facts: Facts): Promise<Submitted> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    return new Promise((resolve, reject) => {
      this.#queue.push({ origin, facts, at: this.#options.clock.nowMs(), resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Takes nothing more; resolves when what was taken is done. */
  async stop(): Promise<void> {
    this.#stopped ??= new WeirError('WEIR_INTAKE_STOPPED', 'the agent is stopping', { reason: 'the agent is stopping' })
    await this.#running
  }

  async #run(): Promise<void> {
    // Let the submissions of this turn of the event loop come together into one batch.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#batch()
    this.#running = undefined
  }

  async #batch(): Promise<void> {
    const { engine, clock, log } = this.#options
    const batch: { readonly waiting: Waiting; readonly drafts: readonly EventDraft[] }[] = []
    const settler = new AttachmentSettler(engine.state)
    let size = 0
    for (let next = this.#queue[0]; next !== undefined && size < batchLimit; next = this.#queue[0]) {
      // A function must see what those before it said.
      if (typeof next.facts === 'function' && size > 0) break
      this.#queue.shift()
      try {
        const { origin } = next
        const bodies = typeof next.facts === 'function' ? next.facts(engine.state) : next.facts
        const time = clock.nowMs()
        const drafts = settler.settle(bodies).map((body: Fact): EventDraft => ({ time, source: origin, ...body }))
        batch.push({ waiting: next, drafts })
        size += drafts.length
      } catch (error) {
        next.reject(error)
      }
    }
    const drafts = batch.flatMap(({ drafts }) => drafts)
    reached('told apart')
    if (drafts.length === 0) {
      for (const { waiting } of batch) waiting.resolve({ first: engine.seq + 1, last: engine.seq })
      return
    }

    let first: number
    try {
      ;({ first } = await log.append(drafts))
      reached('durable')
    } catch (error) {
      this.#halt(
        error,
        batch.map(({ waiting }) => waiting),
      )
      return
    }
    // The envelope first, as the log's reader has it: one shape for each kind, however an event came.
    const events = drafts.map((draft, index): WeirEvent => ({ seq: first + index, ...draft }))
    let failure: unknown
    try {
      const delta = engine.apply(events)
      this.#options.onFolded?.(events)
      reached('folded')
      try {
        await this.#options.enforce(delta)
        reached('enforced')
      } catch (error) {
        failure = error
      }
      this.#options.onApplied(events, delta, clock.nowMs() - (batch[0]?.waiting.at ?? 0))
    } catch (error) {
      // The fold and the log no longer agree: going on would enforce what no replay gives.
      this.#halt(
        error,
        batch.map(({ waiting }) => waiting),
      )
      return
    }
    let seq = first
    for (const { waiting, drafts } of batch) {
      if (failure !== undefined) waiting.reject(failure)
      else waiting.resolve({ first: seq, last: seq + drafts.length - 1 })
      seq += drafts.length
    }
  }

  #halt(cause: unknown, failed: readonly Waiting[]): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#stopped = new WeirError(
      'WEIR_INTAKE_STOPPED',
      `the agent takes no more inputs: ${reason}`,
      { reason },
      { cause },
    )
    this.#options.onHalted(this.#stopped)
    for (const waiting of [...failed, ...this.#queue.splice(0)]) waiting.reject(this.#stopped)
  }
}

/** An event that isn't enforced yet is told and tried again; one that isn't durable ends the start. */
export function onlyEnforcement(error: unknown): void {
  if (error instanceof WeirError && error.code === 'WEIR_INTAKE_STOPPED') throw error
}
