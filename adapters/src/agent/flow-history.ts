import { type Direction, Engine, type ObjectKey, type SideExplanation, verdicts, type WeirEvent } from '@weir/core'
import { FlowFollower, type FlowTurn } from '@weir/core/history/flow-follower.js'
import { isSameCause, type Judgement } from '@weir/core/history/judgement.js'
import { entryOf } from '@weir/core/multimap.js'
import { touchedBy } from '@weir/core/state/touched.js'
import type { EventLog, LogOrigin } from '@weir/store'
import { AskedFlows, type FlowWords, type Meaning, type MeantFlow } from './asked-flows.js'
import { sourceAt } from './log-events.js'
import { MemberFinder } from './members.js'
import { objectOf } from '@weir/core/event/object-of.js'
import { entriesOf, type EventSource, type SourceEntry, type SourceOf, sourceOfEvent } from './event-source.js'
import type { NamedAddress } from './protocol.js'
import { restoreEngine } from './restore.js'
import { parseTarget } from './target.js'

/** Why an end passes a flow or not. */
export type SideCause = Pick<SideExplanation, 'verdict' | 'reason' | 'decidedBy' | 'isolatedBy'>

/** What became of a flow in one state. */
export type FlowStanding =
  | ({ readonly state: 'allowed' | 'denied' } & Readonly<Record<Direction, SideCause>>)
  /** Somebody isn't there, or hasn't such a port. */
  | { readonly state: 'absent'; readonly why: string }

/** A flow that is judged otherwise after an event than before. */
export interface ChangedFlow {
  /** Which of the questions means it. */
  readonly question: number
  readonly from: NamedAddress
  readonly to: NamedAddress
  readonly family: 4 | 6
  /** IANA number. */
  readonly protocol: number
  readonly port: number
  readonly lastPort: number
  readonly portName?: string
  readonly changes: FlowTurn['changes']
  readonly before: FlowStanding
  readonly after: FlowStanding
}

/** What one event changed of flows. */
export interface FlowChange extends EventSource {
  readonly seq: number
  readonly time: number
  readonly kind: WeirEvent['kind']
  /** Absent of an event that is about none. */
  readonly object?: ObjectKey
  readonly flows: readonly ChangedFlow[]
  /** Where the events of the rules named came from. */
  readonly sources: readonly SourceEntry[]
  /** Of a log that was cut from another: the numbers that these events, and this one, have there. */
  readonly originals?: readonly (readonly [seq: number, there: number])[]
}

export interface FlowHistoryOptions {
  /** First and last event to tell of; what was before the first is what the first changes. */
  readonly from?: number
  readonly to?: number
  /** Judges as if staged policies were in force, from when they were staged on. */
  readonly isStaged?: boolean
  /** Told of the last event that was read, after each batch. */
  onProgress?(seq: number): void
}

/**
 * Every change of the verdict of flows, and of the rules that decide them, event by event as the log is read, in one pass
 * for all questions. Who is meant is found anew where an event may have changed it.
 *
 * @throws WeirError WEIR_REQUEST_INVALID, WEIR_LOG_COMPACTED; WEIR_NOT_FOUND when the only question means nobody in any
 *   state.
 */
export async function* flowHistory(
  log: EventLog,
  words: readonly FlowWords[],
  { from = log.base.seq + 1, to = log.head.seq, isStaged = false, onProgress = () => {} }: FlowHistoryOptions = {},
): AsyncGenerator<FlowChange> {
  const asked = new AskedFlows(words)
  const engine = await engineBefore(log, from, isStaged)
  const watch = new FlowWatch(engine, asked, words.length)
  const known = new Map<number, Promise<EventSource>>()
  const sourceOf = (seq: number): Promise<EventSource> => entryOf(known, seq, () => sourceAt(log, seq))
  for await (const batch of log.read({ from, to })) {
    for (const event of batch) {
      // Rules come with policies: where those came from is told in passing, not looked up again.
      if (touchedBy(event).kind === 'policy') known.set(event.seq, Promise.resolve(sourceOfEvent(event)))
      const flows = watch.after(event)
      if (flows.length > 0) yield withOriginals(await changeOf(event, flows, sourceOf), log.origin)
    }
    onProgress(engine.seq)
  }
  if (words.length === 1) watch.refuseNobody(words[0]!)
}

/** The state before an event, with its numbers new. */
export async function engineBefore(log: EventLog, seq: number, isStaged: boolean): Promise<Engine> {
  const engine = seq > 1 ? (await restoreEngine(log, () => {}, seq - 1, 'fresh')).engine : new Engine()
  return isStaged ? Engine.restore(engine.snapshot(), { numbers: 'fresh', enforceStaged: true }) : engine
}

/** Questions and what became of them, event by event. */
export class FlowWatch {
  readonly #engine: Engine
  readonly #asked: AskedFlows
  readonly #follower: FlowFollower
  readonly #meanings: Meaning[]
  #hasMeantSome = false

  constructor(engine: Engine, asked: AskedFlows, questions: number) {
    this.#engine = engine
    this.#asked = asked
    this.#follower = new FlowFollower(engine)
    this.#meanings = Array.from({ length: questions }, () => ({ flows: new Map() }))
    this.#find(this.#meanings.keys())
    this.#follower.turns()
  }

  /** Folds an event. @returns what is judged otherwise since, or by other rules */
  after(event: WeirEvent): readonly ChangedFlow[] {
    this.#engine.fold([event])
    const before = this.#find(this.#asked.touchedBy(event, this.#engine))
    this.#follower.observe(event)
    return this.#follower.turns().flatMap(turn => {
      const space = turn.key.indexOf(' ')
      const [question, key] = [Number(turn.key.slice(0, space)), turn.key.slice(space + 1)]
      const is = this.#meanings[question]!
      return changedFlows(question, key, turn, before.get(question) ?? is, is)
    })
  }

  /** With names that come close, as far as the last state has some. */
  refuseNobody({ from, to }: FlowWords): void {
    const lacking = this.#meanings[0]?.lacking
    if (this.#hasMeantSome || lacking === undefined) return
    const finder = new MemberFinder(this.#engine)
    for (const word of [from, parseTarget(to).place]) finder.find(word)
    throw lacking
  }

  /** Finds anew whom questions mean. @returns whom they meant before */
  #find(questions: Iterable<number>): ReadonlyMap<number, Meaning> {
    const before = new Map<number, Meaning>()
    let finder: MemberFinder | undefined
    for (const at of questions) {
      finder ??= new MemberFinder(this.#engine)
      const was = this.#meanings[at]!
      const is = this.#asked.meaningOf(at, this.#engine, finder)
      before.set(at, was)
      this.#meanings[at] = is
      this.#hasMeantSome ||= is.flows.size > 0
      for (const key of was.flows.keys()) if (!is.flows.has(key)) this.#follower.unfollow(`${at} ${key}`)
      for (const [key, meant] of is.flows)
        if (!isSameFlow(was.flows.get(key), meant)) this.#follower.follow(`${at} ${key}`, meant.flow)
    }
    return before
  }
}

/** Whether a flow goes on between the same addresses; of who is supposed only the word stays the same. */
const isSameFlow = (was: MeantFlow | undefined, { flow }: MeantFlow): boolean =>
  was !== undefined &&
  typeof flow.from === 'string' &&
  typeof flow.to === 'string' &&
  was.flow.from === flow.from &&
  was.flow.to === flow.to &&
  was.flow.port === flow.port &&
  flow.parts === undefined

/** A turn by the runs of ports that changed in one way. */
function changedFlows(question: number, key: string, turn: FlowTurn, was: Meaning, is: Meaning): ChangedFlow[] {
  const meant = (is.flows.get(key) ?? was.flows.get(key))!
  const { port } = meant
  return runsOf(port.first, port.last, turn).map(({ first, last, before, after }) => ({
    question,
    ...endsOf(after ?? before!, meant),
    family: meant.family,
    protocol: port.protocol,
    port: first,
    lastPort: last,
    ...(port.name !== undefined && { portName: port.name }),
    changes: turn.changes,
    before: standing(before, was, meant),
    after: standing(after, is, meant),
  }))
}

type Explained = Judgement[number]['explanation']

interface Run {
  readonly first: number
  readonly last: number
  readonly before: Explained | undefined
  readonly after: Explained | undefined
}

function runsOf(first: number, last: number, { before, after, changes }: FlowTurn): Run[] {
  const starts = [...(before ?? []), ...(after ?? [])].map(({ firstPort }) => firstPort)
  const edges = [...new Set(starts)].sort((a, b) => a - b).filter(edge => edge >= first && edge <= last)
  return edges.flatMap((start, at): Run[] => {
    const [was, is] = [partAt(before, start), partAt(after, start)]
    const differs =
      was === undefined || is === undefined || changes === 'cause'
        ? was === undefined || is === undefined || !isSameCause(was, is)
        : isAllowed(was) !== isAllowed(is)
    return differs ? [{ first: start, last: (edges[at + 1] ?? last + 1) - 1, before: was, after: is }] : []
  })
}

const partAt = (judgement: Judgement | undefined, port: number): Explained | undefined =>
  judgement?.find(({ lastPort }) => port <= lastPort)?.explanation

const isAllowed = ({ verdict }: Explained): boolean => verdict === verdicts.allow

const endsOf = ({ from, to }: Explained, meant: MeantFlow): Pick<ChangedFlow, 'from' | 'to'> => ({
  from: { name: meant.from, address: from.address },
  to: { name: meant.to, address: to.address },
})

function standing(explained: Explained | undefined, meaning: Meaning, meant: MeantFlow): FlowStanding {
  if (explained !== undefined) {
    const { egress, ingress } = explained
    return { state: isAllowed(explained) ? 'allowed' : 'denied', egress: causeOf(egress), ingress: causeOf(ingress) }
  }
  const why = meaning.lacking?.message ?? `${meant.from} or ${meant.to} isn't there, or there is no such port`
  return { state: 'absent', why }
}

const causeOf = ({ verdict, reason, decidedBy, isolatedBy }: SideExplanation): SideCause => ({
  verdict,
  reason,
  ...(decidedBy !== undefined && { decidedBy }),
  isolatedBy: reason === 'default-deny' ? isolatedBy : [],
})

async function changeOf(event: WeirEvent, flows: readonly ChangedFlow[], sourceOf: SourceOf): Promise<FlowChange> {
  const { seq, time, kind } = event
  const object = objectOf(event)
  const seqs = flows.flatMap(({ before, after }) => [before, after].flatMap(eventsBehind))
  const sources = await entriesOf(seqs, sourceOf)
  return { seq, time, kind, ...sourceOfEvent(event), ...(object !== undefined && { object }), flows, sources }
}

function withOriginals(change: FlowChange, origin: LogOrigin | undefined): FlowChange {
  if (origin === undefined) return change
  const seqs = [change.seq, ...change.sources.map(([seq]) => seq)]
  const originals = seqs.flatMap(seq => {
    const there = origin.seqs[seq - 1] ?? 0
    return there === 0 ? [] : [[seq, there] as const]
  })
  return { ...change, originals }
}

function eventsBehind(standing: FlowStanding): readonly number[] {
  if (standing.state === 'absent') return []
  return [standing.egress, standing.ingress]
    .flatMap(({ decidedBy, isolatedBy }) => [...(decidedBy === undefined ? [] : [decidedBy.origin]), ...isolatedBy])
    .map(({ seq }) => seq)
}
