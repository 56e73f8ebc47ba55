import {
  Engine,
  type EventBody,
  type EventDraft,
  type Explanation,
  type FlowQuery,
  type Tables,
  verdicts,
  type WeirEvent,
} from '@weir/core'
import { type EventLog, type FlowBlock, type FlowStore, type ReadFlows, selectRows } from '@weir/store'
import { explainedCauses } from '../agent/causes.js'
import { LogWalk } from './log-walk.js'

/** Recorded flows of one kind that a proposal would judge otherwise. */
export interface PastChange {
  readonly change: 'newly-denied' | 'newly-allowed'
  /** `shop/web-0`, or the address of whoever had no name. */
  readonly from: string
  readonly to: string
  /** IANA number. */
  readonly protocol: number
  /** `type << 8 | code` of ICMP. */
  readonly port: number
  /** Aggregated flows, and packets of them that were told of. */
  readonly flows: number
  readonly packets: number
  /** Milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  /** Rules that decided when it was last seen, and those that would have. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** What recorded flows say of a proposal. */
export interface PastJudgement {
  /** Aggregated flows that were judged. */
  readonly flows: number
  /** Of them, those whose packets were judged otherwise than the log says: just before a change was in force. */
  readonly disputed: number
  /** Newly denied ones first, of each the last seen first. */
  readonly changes: readonly PastChange[]
}

/**
 * Judges each recorded flow with the identities, names and policies of its own time, as it was and as it would have been
 * with the proposal: one pass over the log, with a second engine that has the proposal's objects whatever the log says of
 * them. Flows that were dropped for what they are, and replies, are no matter of policy and left out.
 *
 * @param proposal Drafts of the objects that come, change and go.
 */
export async function judgePast(
  log: EventLog,
  store: FlowStore,
  query: Omit<ReadFlows, 'newestFirst'>,
  proposal: readonly EventDraft[],
): Promise<PastJudgement> {
  let pair: Pair | undefined
  try {
    for await (const block of store.read(query)) {
      const rows = selectRows(block, query)
      if (rows.length === 0) continue
      pair ??= await Pair.at(log, block.seq[rows[0]!]!, proposal)
      await pair.judge(block, rows)
    }
    return pair?.judgement() ?? { flows: 0, disputed: 0, changes: [] }
  } finally {
    await pair?.close()
  }
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

/** What two states make of flows, as long as neither changes. */
interface Outcome {
  readonly before: boolean
  readonly after: boolean
}

/** What the tables of both states say of an address. */
interface Place {
  readonly number: number
  /** 0 of whoever isn't local. */
  readonly endpoint: number
}

/** More places than there can be ends in a pair's key. */
const placesMost = 2 ** 21

/** The log's state, and the same with the proposal. */
class Pair {
  readonly #walk: LogWalk
  readonly #proposed: Engine
  readonly #topics: ReadonlySet<string>
  readonly #changes = new Map<string, Mutable<PastChange>>()
  /** Since either state changed last: numbers of places by address, and by what both states' tables say of it. */
  readonly #places = new Map<string, Place>()
  readonly #placeNumbers = new Map<string, number>()
  #tables: readonly Tables[] | undefined
  /** By pair of places, then by protocol and port. */
  readonly #outcomes = new Map<number, Map<number, Outcome>>()
  /** By flow, since either state changed last. */
  readonly #explained = new Map<string, Mutable<PastChange>>()
  #flows = 0
  #disputed = 0

  private constructor(walk: LogWalk, proposal: readonly EventDraft[]) {
    this.#walk = walk
    this.#proposed = Engine.restore(walk.engine.snapshot())
    this.#topics = new Set(proposal.map(topicOf))
    this.#propose(proposal)
  }

  static async at(log: EventLog, seq: number, proposal: readonly EventDraft[]): Promise<Pair> {
    const walk = await LogWalk.from(log, seq)
    await walk.to(seq)
    return new Pair(walk, proposal)
  }

  async judge(block: FlowBlock, rows: Uint32Array): Promise<void> {
    for (const row of rows) {
      // Nothing is awaited for the many that share a state.
      if (this.#walk.engine.seq < block.seq[row]!) await this.#advance(block.seq[row]!)
      const sort = block.sorts[block.sort[row]!]!
      if (sort.verdict === 'dropped' || sort.isReply) continue
      const { protocol, port } = sort
      const from = block.ends[block.source[row]!]!.address
      const to = block.ends[block.destination[row]!]!.address
      const flow = { from, to, protocol, port }
      const { before, after } = this.#outcomeOf(flow)
      this.#flows++
      if (before !== (sort.verdict === 'allowed')) this.#disputed++
      if (before === after) continue
      const change = this.#changeOf(flow, before)
      change.flows++
      change.packets += block.packets[row]!
      change.firstMs = Math.min(change.firstMs, block.firstMs[row]!)
      change.lastMs = Math.max(change.lastMs, block.lastMs[row]!)
    }
  }

  judgement(): PastJudgement {
    const changes = [...this.#changes.values()].sort((a, b) =>
      a.change === b.change ? b.lastMs - a.lastMs : a.change === 'newly-denied' ? -1 : 1,
    )
    return { flows: this.#flows, disputed: this.#disputed, changes }
  }

  close(): Promise<void> {
    return this.#walk.close()
  }

  async #advance(seq: number): Promise<void> {
    const events = await this.#walk.to(seq)
    if (events.length === 0) return
    for (const known of [this.#outcomes, this.#places, this.#placeNumbers, this.#explained]) known.clear()
    this.#tables = undefined
    this.#propose(events.filter(event => !this.#topics.has(topicOf(event))))
  }

  #propose(drafts: readonly EventDraft[]): void {
    const first = this.#proposed.seq + 1
    this.#proposed.fold(drafts.map((draft, at): WeirEvent => ({ ...draft, seq: first + at })))
  }

  /** Ends that the tables say the same of are judged alike: each pair of such, and port, is judged once a state. */
  #outcomeOf(flow: FlowQuery): Outcome {
    const [from, to] = [this.#placeOf(flow.from), this.#placeOf(flow.to)]
    // Who asks himself isn't judged as others of his kind are.
    if (flow.from === flow.to || (from.endpoint !== 0 && from.endpoint === to.endpoint)) return this.#verdictsOf(flow)
    const pair = from.number * placesMost + to.number
    const port = flow.protocol * 65_536 + flow.port
    let known = this.#outcomes.get(pair)
    if (known === undefined) {
      known = new Map()
      this.#outcomes.set(pair, known)
    }
    let outcome = known.get(port)
    if (outcome === undefined) {
      outcome = this.#verdictsOf(flow)
      known.set(port, outcome)
    }
    return outcome
  }

  #verdictsOf(flow: FlowQuery): Outcome {
    return {
      before: this.#walk.engine.verdict(flow) === verdicts.allow,
      after: this.#proposed.verdict(flow) === verdicts.allow,
    }
  }

  #placeOf(address: string): Place {
    const known = this.#places.get(address)
    if (known !== undefined) return known
    this.#tables ??= [this.#walk.engine.tables, this.#proposed.tables]
    const rows = this.#tables.map(({ addresses }) => addresses.get(address))
    // Addresses outside are told apart by prefixes, which may be any.
    const text = rows.includes(undefined) ? address : rows.map(row => `${row!.subject}:${row!.peerClass}`).join('|')
    const number = this.#placeNumbers.get(text) ?? this.#placeNumbers.size
    this.#placeNumbers.set(text, number)
    const place = { number, endpoint: rows[0]?.endpoint ?? 0 }
    this.#places.set(address, place)
    return place
  }

  #changeOf(flow: FlowQuery, wasAllowed: boolean): Mutable<PastChange> {
    const text = `${flow.from} ${flow.to} ${flow.protocol} ${flow.port}`
    const explained = this.#explained.get(text)
    if (explained !== undefined) return explained
    const [was, would] = [this.#walk.engine.explain(flow), this.#proposed.explain(flow)]
    const change = wasAllowed ? 'newly-denied' : 'newly-allowed'
    const [from, to] = [nameOf(was.from), nameOf(was.to)]
    const key = `${change} ${from} ${to} ${flow.protocol} ${flow.port}`
    const causes = { before: explainedCauses(was), after: explainedCauses(would) }
    const { protocol, port } = flow
    const told: Mutable<PastChange> = Object.assign(
      this.#changes.get(key) ?? { flows: 0, packets: 0, firstMs: Number.POSITIVE_INFINITY, lastMs: 0 },
      { change, from, to, protocol, port, ...causes } as const,
    )
    this.#changes.set(key, told)
    this.#explained.set(text, told)
    return told
  }
}

const nameOf = ({ kind, name, address }: Explanation['from']): string => (kind === 'world' ? address : name)

/** The object that an event is about: `networkpolicy  shop/web`; '' for one that is about none. */
function topicOf(event: EventBody): string {
  const [subject, what] = event.kind.split('.')
  const fields = event as unknown as Readonly<Record<string, unknown>>
  const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null
  const about = what === 'deleted' ? { ...fields, kind: fields.policyKind } : Object.values(fields).find(isObject)
  if (about === undefined || (what !== 'upserted' && what !== 'deleted')) return ''
  const { kind = '', namespace = '', name = '' } = about as Readonly<Record<string, unknown>>
  return `${subject} ${kind} ${namespace}/${name}`
}
