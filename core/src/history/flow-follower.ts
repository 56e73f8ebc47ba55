import type { Engine } from '../engine.js'
import type { WeirEvent } from '../event/event.js'
import { touchedBy } from '../state/touched.js'
import { type FollowedEnd, FollowedEnds } from './followed-ends.js'
import { type FollowedFlow, isAllowedAlike, isCausedAlike, judge, type Judgement } from './judgement.js'
import { SubjectsOfPolicies } from './policy-subjects.js'

/** What became another of a followed flow. */
export interface FlowTurn {
  readonly key: string
  /** Absent of a flow that wasn't followed before: somebody wasn't there. */
  readonly before?: Judgement
  /** Absent of a flow that is followed no more. */
  readonly after?: Judgement
  /** Other ports are allowed, or there was none to allow; else it is other rules that decide. */
  readonly changes: 'verdict' | 'cause'
}

interface Followed {
  readonly flow: FollowedFlow
  judgement?: Judgement
}

/**
 * Follows flows from event to event, and judges again only those that an event can have a bearing on: by the policies that
 * select an end, by who has an address, by the addresses that policies speak of without naming them. The delta of the
 * tables wouldn't do: it is silent about pods of other nodes, and about which of two rules decides that say the same.
 */
export class FlowFollower {
  readonly #engine: Engine
  readonly #flows = new Map<string, Followed>()
  readonly #ends: FollowedEnds
  readonly #subjects: SubjectsOfPolicies
  /** Pods that speak for their node. */
  readonly #hostPods = new Set<string>()
  readonly #marked = new Set<string>()
  /** What flows that are followed no more, or anew, were judged before. */
  readonly #left = new Map<string, Judgement | undefined>()
  #setChanges: number
  #judged = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.#ends = new FollowedEnds(engine.state)
    this.#subjects = new SubjectsOfPolicies(engine.state)
    this.#setChanges = engine.addressSetChanges
    for (const [key, { fact }] of engine.state.pods) if (fact.hostNetwork) this.#hostPods.add(key)
  }

  /** How often a flow was judged so far. */
  get judged(): number {
    return this.#judged
  }

  /** Follows a flow under a key; one that is followed under it already goes on as the new one. */
  follow(key: string, flow: FollowedFlow): void {
    this.#leave(key)
    this.#flows.set(key, { flow })
    for (const asked of [flow.from, flow.to]) this.#ends.add(asked, key)
    this.#marked.add(key)
  }

  unfollow(key: string): void {
    this.#leave(key)
  }

  /** Takes in an event that the engine has folded. */
  observe(event: WeirEvent): void {
    const touched = touchedBy(event)
    switch (touched.kind) {
      case 'pod':
        this.#podChanged(touched.key, touched.addresses, touched.hostNetwork)
        break
      case 'wiring':
        this.#moved(touched.key)
        break
      case 'namespace':
        this.#markOthers(this.#ends.inNamespace(touched.name))
        break
      case 'node':
      case 'host':
        this.#nodesChanged(touched.addresses)
        break
      case 'agent':
        this.#markOthers(this.#ends.all())
        break
      case 'policy':
        this.#policyChanged(touched.key)
        break
      case 'service':
        this.#mark(this.#ends.selectedBy(this.#subjects.touchService(touched.namespace, touched.name)))
        break
      default:
    }
    if (this.#engine.addressSetChanges === this.#setChanges) return
    this.#setChanges = this.#engine.addressSetChanges
    this.#mark(this.#ends.selectedBy(this.#subjects.moving()))
  }

  /** What became another since the last call, judged as the engine's state is now. */
  turns(): readonly FlowTurn[] {
    const turns: FlowTurn[] = []
    for (const key of this.#marked) {
      const followed = this.#flows.get(key)
      if (followed === undefined) continue
      const before = followed.judgement ?? this.#left.get(key)
      this.#left.delete(key)
      const after = this.#judge(followed)
      followed.judgement = after
      if (before === undefined) turns.push({ key, after, changes: 'verdict' })
      else if (!isAllowedAlike(before, after)) turns.push({ key, before, after, changes: 'verdict' })
      else if (!isCausedAlike(before, after)) turns.push({ key, before, after, changes: 'cause' })
    }
    for (const [key, before] of this.#left) if (before !== undefined) turns.push({ key, before, changes: 'verdict' })
    this.#marked.clear()
    this.#left.clear()
    return turns
  }

  readonly #standingOf = (address: string): string | undefined => this.#engine.standingOf(address)

  #judge({ flow }: Followed): Judgement {
    this.#judged += 1
    const judgement = judge(this.#engine, flow)
    const { from, to } = judgement[0]!.explanation
    this.#ends.settle(flow.from, from, this.#standingOf)
    this.#ends.settle(flow.to, to, this.#standingOf)
    return judgement
  }

  #leave(key: string): void {
    const followed = this.#flows.get(key)
    if (followed === undefined) return
    this.#flows.delete(key)
    for (const asked of [followed.flow.from, followed.flow.to]) this.#ends.remove(asked, key)
    if (!this.#left.has(key)) this.#left.set(key, followed.judgement)
  }

  #podChanged(key: string, addresses: readonly string[], hostNetwork: boolean): void {
    this.#markMoved(this.#ends.ofPod(key))
    for (const address of addresses) this.#markMoved(this.#ends.at(address))
    // An address of a node may be somebody else's to tell of from now on.
    if (this.#hostPods.has(key) || hostNetwork) this.#markOthers(this.#ends.nodes())
    if (hostNetwork) this.#hostPods.add(key)
    else this.#hostPods.delete(key)
  }

  /** A pod that became local comes before others with its addresses, and the other way round. */
  #moved(key: string): void {
    this.#markMoved(this.#ends.ofPod(key))
    for (const address of this.#engine.state.pods.get(key)?.fact.addresses ?? [])
      this.#markMoved(this.#ends.at(address))
  }

  #nodesChanged(addresses: readonly string[]): void {
    this.#markOthers(this.#ends.nodes())
    for (const address of addresses) this.#markOthers(this.#ends.at(address))
  }

  #policyChanged(key: string): void {
    this.#mark(this.#ends.selectedBy(this.#subjects.touch(key)))
  }

  /** Marks the flows of ends of which rules can tell something else now: most news of pods are of nothing that any asks for. */
  #markMoved(ends: Iterable<FollowedEnd>): void {
    for (const end of [...ends]) {
      if (this.#isOther(end)) this.#markOthers([end])
      else this.#ends.relabel(end)
    }
  }

  #isOther({ asked, isStale, standing }: FollowedEnd): boolean {
    if (isStale || standing === undefined || typeof asked !== 'string') return true
    return this.#engine.standingOf(asked) !== standing
  }

  /** Marks the flows of ends that may be somebody else now. */
  #markOthers(ends: Iterable<FollowedEnd>): void {
    for (const end of ends) {
      end.isStale = true
      this.#mark([end])
    }
  }

  #mark(ends: Iterable<FollowedEnd>): void {
    for (const { flows } of ends) for (const flow of flows) this.#marked.add(flow)
  }
}
