import type { Engine, FlowQuery, WeirEvent } from '@weir/core'
import type { Clock } from '../agent/clock.js'
import type { FlowRecord, StagedChange, StagedFlows } from '../agent/protocol.js'
import { endName } from '../flows/top.js'
import { enforcingStaged, type WouldBe, wouldBeHere } from './would-be.js'

/** Kinds of flows that are counted; of more, those that weren't seen for the longest time are forgotten. */
const changesMost = 10_000

/**
 * Tries the staged policies of a running agent. The engine that has them in force is made when something is asked of it
 * first, folds what the agent's own folds, and goes with the last staged policy. What is counted begins anew whenever
 * something else is staged.
 */
export class StagedTrial {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #most: number
  #copy: Engine | undefined
  #staged: string
  #sinceMs: number
  #forgotten = 0
  /** The last seen last. */
  readonly #changes = new Map<string, StagedChange>()

  constructor(engine: Engine, clock: Clock, most = changesMost) {
    this.#engine = engine
    this.#clock = clock
    this.#most = most
    this.#staged = this.#versions()
    this.#sinceMs = clock.nowMs()
  }

  /** The engine that has staged policies in force; undefined while there are none. */
  get engine(): Engine | undefined {
    this.#copy ??= enforcingStaged(this.#engine)
    return this.#copy
  }

  /** Told of each batch right after the agent's engine has folded it. */
  folded(events: readonly WeirEvent[]): void {
    if (this.#engine.state.staged.size === 0) this.#copy = undefined
    this.#copy?.fold(events)
    if (!events.some(({ kind }) => /policy\.(?:upserted|deleted)$/.test(kind))) return
    const staged = this.#versions()
    if (staged === this.#staged) return
    this.#staged = staged
    this.#sinceMs = this.#clock.nowMs()
    this.#forgotten = 0
    this.#changes.clear()
  }

  /** What would become of a flow, where that is something else. */
  wouldBe(flow: FlowQuery): WouldBe | undefined {
    const staged = this.engine
    return staged === undefined ? undefined : wouldBeHere(this.#engine, staged, flow)
  }

  /** Counts a packet that would be judged otherwise. */
  count({ source, destination, protocol, detail, causes, time, staged }: FlowRecord): void {
    if (staged === undefined) return
    const ends = { from: endName(source), to: endName(destination) }
    const port = destination.port === undefined ? { detail: detail ?? '' } : { port: destination.port }
    const key = JSON.stringify([staged.change, ends, protocol, port])
    const known = this.#changes.get(key)
    this.#changes.delete(key)
    this.#changes.set(key, {
      ...{ change: staged.change, ...ends, protocol, ...port },
      packets: (known?.packets ?? 0) + 1,
      firstMs: known?.firstMs ?? time,
      lastMs: time,
      before: causes,
      after: staged.causes,
    })
    if (this.#changes.size <= this.#most) return
    this.#changes.delete(this.#changes.keys().next().value!)
    this.#forgotten++
  }

  get view(): StagedFlows {
    const policies = [...this.#engine.state.staged].map(([key, { seq }]) => ({ policy: titleOf(key), seq }))
    const changes = [...this.#changes.values()].sort((a, b) =>
      a.change === b.change ? b.lastMs - a.lastMs : a.change === 'newly-denied' ? -1 : 1,
    )
    return { sinceMs: this.#sinceMs, policies, changes, forgotten: this.#forgotten }
  }

  #versions(): string {
    return [...this.#engine.state.staged].map(([key, { seq }]) => `${key} ${seq}`).join('\n')
  }
}

/** `NetworkPolicy shop/web`, as rules name it. */
function titleOf(key: string): string {
  const [kind = '', namespace = '', name = ''] = key.split('/')
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`
}
