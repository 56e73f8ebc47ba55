import type { Engine, ObjectKey, WeirEvent } from '@weir/core'
import { objectOf } from '@weir/core/event/object-of.js'
import type { EventLog } from '@weir/store'
import { AskedFlows, type FlowWords } from './asked-flows.js'
import { entriesOf, type EventSource, type SourceEntry, sourceOfEvent } from './event-source.js'
import { engineBefore, type FlowHistoryOptions, FlowWatch } from './flow-history.js'
import { sourceAt } from './log-events.js'
import { outcomeOfWays, type ServiceOutcomes, type ServiceWay, serviceWays } from './service-flow.js'
import { mayConcern } from './service-history.js'

/** What one event changed of connections to a service. */
export interface ServiceFlowChange extends EventSource {
  readonly seq: number
  readonly time: number
  readonly kind: WeirEvent['kind']
  readonly object?: ObjectKey
  /** What they come to, all together. */
  readonly outcome: { readonly before: ServiceOutcomes; readonly after: ServiceOutcomes }
  /**
   * `translation`: other backends, or none, or the service came or went; `verdict`: policies judge the way to a backend
   * otherwise; `cause`: other rules decide, and the verdict stayed.
   */
  readonly changes: readonly ('translation' | 'verdict' | 'cause')[]
  readonly before: readonly ServiceWay[]
  readonly after: readonly ServiceWay[]
  /** Where the events of the rules named came from. */
  readonly sources: readonly SourceEntry[]
}

/**
 * Every change of what becomes of connections to a service, named or by its address: of its translation, and of what
 * policies say of the way to its backends. Both are told of one event together.
 *
 * @throws WeirError WEIR_REQUEST_INVALID, WEIR_LOG_COMPACTED
 */
export async function* serviceFlowHistory(
  log: EventLog,
  words: FlowWords,
  { from = log.base.seq + 1, to = log.head.seq, isStaged = false, onProgress = () => {} }: FlowHistoryOptions = {},
): AsyncGenerator<ServiceFlowChange> {
  const engine = await engineBefore(log, from, isStaged)
  const watch = new ServiceWatch(engine, words)
  for await (const batch of log.read({ from, to })) {
    for (const event of batch) {
      const change = watch.after(event)
      if (change === undefined) continue
      const seqs = [...change.before, ...change.after].flatMap(way => way.verdicts.flatMap(({ seqs }) => seqs))
      const { seq, time, kind } = event
      const object = objectOf(event)
      yield {
        ...{ seq, time, kind, ...sourceOfEvent(event) },
        ...(object !== undefined && { object }),
        ...change,
        sources: await entriesOf(seqs, at => sourceAt(log, at)),
      }
    }
    onProgress(engine.seq)
  }
}

/** What connections to a service come to, worked out anew after the events that can change it. */
class ServiceWatch {
  readonly #engine: Engine
  readonly #words: FlowWords
  #ways: readonly ServiceWay[]
  #backends: FlowWatch

  constructor(engine: Engine, words: FlowWords) {
    this.#engine = engine
    this.#words = words
    this.#ways = serviceWays(engine, words)
    this.#backends = this.#watching()
  }

  after(event: WeirEvent): Pick<ServiceFlowChange, 'outcome' | 'changes' | 'before' | 'after'> | undefined {
    const judged = this.#backends.after(event)
    if (judged.length === 0 && !this.#isConcerned(event)) return undefined
    const before = this.#ways
    const after = serviceWays(this.#engine, this.#words)
    const changes = changesBetween(before, after)
    if (changes.length === 0) return undefined
    this.#ways = after
    if (changes.includes('translation')) this.#backends = this.#watching()
    return { outcome: { before: outcomeOfWays(before), after: outcomeOfWays(after) }, changes, before, after }
  }

  #isConcerned(event: WeirEvent): boolean {
    // Whoever asks may come and go, too.
    if (this.#ways.length === 0 && (event.kind === 'pod.upserted' || event.kind === 'endpoint.attached')) return true
    const redirects = this.#engine.state.localRedirects.size
    const services = new Set(this.#ways.map(({ service }) => service))
    if (services.size === 0) return isOfServices(event)
    return [...services].some(service => mayConcern(event, service, redirects))
  }

  /** The flows to the backends, of which the follower knows which events can change them. */
  #watching(): FlowWatch {
    const { from } = this.#words
    const targets = new Set(
      this.#ways.flatMap(({ backends }) =>
        backends.map(({ backend }) => {
          const [socket = '', protocol = ''] = backend.split('/')
          return `${socket}/${protocol.toLowerCase()}`
        }),
      ),
    )
    const questions = [...targets].map((to): FlowWords => ({ from, to }))
    return new FlowWatch(this.#engine, new AskedFlows(questions), questions.length)
  }
}

const isOfServices = ({ kind }: WeirEvent): boolean =>
  /^(?:service|endpointslice|localredirect|agent|node)\./.test(kind)

function changesBetween(
  before: readonly ServiceWay[],
  after: readonly ServiceWay[],
): readonly ServiceFlowChange['changes'][number][] {
  const differ = (view: (way: ServiceWay) => unknown): boolean =>
    JSON.stringify(before.map(view)) !== JSON.stringify(after.map(view))
  const isOtherwiseLed = differ(({ verdicts: _, ...translation }) => translation)
  const isOtherwiseJudged = differ(({ verdicts }) => verdicts.map(({ to, port, state }) => [to, port, state]))
  // Other backends bring verdicts of their own.
  const states = (ways: readonly ServiceWay[]): string =>
    [...new Set(ways.flatMap(({ verdicts }) => verdicts.map(({ state }) => state)))].sort().join()
  if (isOtherwiseLed)
    return isOtherwiseJudged && states(after) !== '' && states(before) !== states(after)
      ? ['translation', 'verdict']
      : ['translation']
  if (isOtherwiseJudged) return ['verdict']
  return differ(({ verdicts }) => verdicts.map(({ causes }) => causes)) ? ['cause'] : []
}
