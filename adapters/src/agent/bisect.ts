import { type Engine, verdicts } from '@weir/core'
import { judge } from '@weir/core/history/judgement.js'
import type { EventLog } from '@weir/store'
import { AskedFlows, type FlowWords } from './asked-flows.js'
import { MemberFinder } from './members.js'
import { outcomeOfWays, type ServiceOutcomes, serviceWays } from './service-flow.js'
import { restoreEngine, snapshotName } from './restore.js'

/** What a state is: as the good end, otherwise, or there is no telling. */
export type Trial = 'good' | 'bad' | 'skip'

export interface Bisection {
  /** The last event that is known good and the first known bad; what lies between couldn't be told. */
  readonly good: number
  readonly bad: number
  /** States that were tried. */
  readonly tried: number
}

/**
 * The event with which good states became bad ones, or with skipped states around it those that it may be.
 *
 * @param good event whose state is good; before `bad`
 * @param tryState asked for each state that is tried, none twice
 */
export async function bisect(good: number, bad: number, tryState: (seq: number) => Promise<Trial>): Promise<Bisection> {
  let [first, last, tried] = [good, bad, 0]
  const skipped = new Set<number>()
  for (;;) {
    const seq = nearestUntold(first, last, skipped)
    if (seq === undefined) return { good: first, bad: last, tried }
    tried += 1
    const trial = await tryState(seq)
    if (trial === 'good') first = seq
    else if (trial === 'bad') last = seq
    else skipped.add(seq)
  }
}

/** The state nearest to the middle that may tell something. */
function nearestUntold(first: number, last: number, skipped: ReadonlySet<number>): number | undefined {
  const middle = (first + last) >> 1
  for (let away = 0; away <= last - first; away++)
    for (const seq of [middle - away, middle + away]) if (seq > first && seq < last && !skipped.has(seq)) return seq
  return undefined
}

/**
 * The states between two events, from the nearest one that is known: the log's snapshots, and the last one that was
 * kept. Bisecting with them folds about as many events as lie between, not as many for each state.
 */
export class StatesBetween {
  readonly #log: EventLog
  #kept: Engine | undefined

  constructor(log: EventLog) {
    this.#log = log
  }

  /** @throws WeirError WEIR_LOG_COMPACTED */
  async at(seq: number): Promise<Engine> {
    const stored = (await this.#log.snapshots.list(snapshotName)).filter(each => each <= seq).at(-1) ?? 0
    if (this.#kept === undefined || this.#kept.seq > seq || stored > this.#kept.seq)
      return (await restoreEngine(this.#log, () => {}, seq, 'fresh')).engine
    const engine = this.#kept.fork()
    for await (const events of this.#log.read({ from: engine.seq + 1, to: seq })) engine.fold(events)
    return engine
  }

  /** Later states are built from this one, which nobody folds on. */
  keep(engine: Engine): void {
    this.#kept = engine
  }
}

/** What a state makes of all flows that words mean; `refused` where a service has no backend for them. */
export type FlowOutcome = ServiceOutcomes

/** @throws WeirError WEIR_REQUEST_INVALID for words that can't be read */
export function flowOutcome(engine: Engine, words: FlowWords): FlowOutcome {
  if (words.isService === true) return outcomeOfWays(serviceWays(engine, words))
  const { flows } = new AskedFlows([words]).meaningOf(0, engine, new MemberFinder(engine))
  const allowed = new Set<boolean>()
  for (const { flow } of flows.values())
    for (const { explanation } of judge(engine, flow)) allowed.add(explanation.verdict === verdicts.allow)
  if (allowed.size === 0) return 'not there'
  return allowed.size === 2 ? 'partly allowed' : allowed.has(true) ? 'allowed' : 'denied'
}
