import type { Engine } from '@weir/core'
import { Subject } from 'rxjs'
import { FlowNamer, type PacketReport } from '../flows/namer.js'
import type { StagedTrial } from '../staged/trial.js'
import type { Clock } from './clock.js'
import type { FlowRecord } from './protocol.js'
import { Ring } from './ring.js'

/**
 * Flows with names: labels, pods and the rules that decide, looked up when the event arrives, so that what is shown was
 * true then. Keeps the last ones for those who ask later.
 */
export class FlowBook {
  readonly #engine: Pick<Engine, 'state'>
  readonly #kept: Ring<FlowRecord>
  readonly #live = new Subject<FlowRecord>()
  readonly #namer: FlowNamer
  readonly #clock: Clock
  readonly #trial: StagedTrial | undefined
  #seen = 0
  #lost = 0

  /**
   * @param capacity How many flows are kept.
   * @param trial Tells of each what staged policies would make of it, and counts those that it is something else for.
   */
  constructor(engine: Engine, clock: Clock, capacity: number, trial?: StagedTrial) {
    this.#engine = engine
    this.#trial = trial
    this.#namer = new FlowNamer(engine, flow => trial?.wouldBe(flow))
    this.#clock = clock
    this.#kept = new Ring(capacity)
  }

  get counts(): { readonly seen: number; readonly kept: number; readonly lost: number } {
    return { seen: this.#seen, kept: this.#kept.size, lost: this.#lost }
  }

  /** Flows kept, oldest first. */
  kept(): Iterable<FlowRecord> {
    return this.#kept
  }

  /** Flows from now on. */
  get live(): Subject<FlowRecord> {
    return this.#live
  }

  /** Whether anybody is told of flows as they come, or they are counted for staged policies. */
  get isWatched(): boolean {
    return this.#live.observed || this.#engine.state.staged.size > 0
  }

  /** Events that the datapath couldn't hand over. */
  addLost(count: number): void {
    this.#lost += count
  }

  add(report: PacketReport): void {
    const record = this.#namer.name(report, this.#clock.nowMs())
    this.#seen++
    this.#trial?.count(record)
    this.#kept.push(record)
    this.#live.next(record)
  }

  close(): void {
    this.#live.complete()
  }
}
