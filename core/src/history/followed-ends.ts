import { residentOf } from '../compare/residents.js'
import type { Party, Supposed } from '../explain/explain.js'
import { derivedKeys, type LabelMap } from '../identity/labels.js'
import { nodeLabels } from '../identity/node-labels.js'
import { dropFrom, entryOf } from '../multimap.js'
import { matchesSelector } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import type { ClusterState } from '../state/state.js'

/** Ends with the same labels: a selector is asked once for all of them. */
interface Face {
  readonly labels: LabelMap
  readonly ends: Set<FollowedEnd>
}

/** An end of followed flows. */
export interface FollowedEnd {
  readonly asked: string | Supposed
  /** Keys of the flows. */
  readonly flows: Set<string>
  /** Who it was when it was last judged; undefined before. */
  party: Party | undefined
  /** Who it is, or what labels it has, may be otherwise since. */
  isStale: boolean
  /** All that rules could tell of the pod that it was when it was last judged; undefined of others. */
  standing: string | undefined
  face: string | undefined
}

/** The ends of followed flows, by all that events name. */
export class FollowedEnds {
  readonly #state: ClusterState
  readonly #ends = new Map<string | Supposed, FollowedEnd>()
  readonly #byPod = new Map<string, Set<FollowedEnd>>()
  readonly #nodes = new Set<FollowedEnd>()
  readonly #faces = new Map<string, Face>()
  /** By the namespace of pods; '' of others. */
  readonly #facesIn = new Map<string, Set<Face>>()

  constructor(state: ClusterState) {
    this.#state = state
  }

  add(asked: string | Supposed, flow: string): void {
    const made = (): FollowedEnd => ({
      asked,
      flows: new Set(),
      party: undefined,
      isStale: true,
      standing: undefined,
      face: undefined,
    })
    entryOf(this.#ends, asked, made).flows.add(flow)
  }

  remove(asked: string | Supposed, flow: string): void {
    const end = this.#ends.get(asked)
    if (end === undefined || !end.flows.delete(flow) || end.flows.size > 0) return
    this.#leave(end)
    this.#ends.delete(asked)
  }

  /** Takes in who an end is now. @param standingOf tells a pod's standing by its address */
  settle(asked: string | Supposed, party: Party, standingOf: (address: string) => string | undefined): void {
    const end = this.#ends.get(asked)
    if (end?.isStale !== true) return
    this.#leave(end)
    end.isStale = false
    end.standing = typeof asked === 'string' && party.kind === 'pod' ? standingOf(asked) : undefined
    this.#enter(end, party)
  }

  /** Takes in labels of a pod that nobody asks for yet: a policy to come may. */
  relabel(end: FollowedEnd): void {
    const { party } = end
    if (party === undefined) return
    this.#leave(end)
    this.#enter(end, party)
  }

  #enter(end: FollowedEnd, party: Party): void {
    end.party = party
    if (party.kind === 'pod') entryOf(this.#byPod, party.name, () => new Set<FollowedEnd>()).add(end)
    if (party.kind === 'node') this.#nodes.add(end)
    const labels = this.#labelsOf(end.asked, party)
    if (labels === undefined) return
    end.face = JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))
    const face = entryOf(this.#faces, end.face, () => ({ labels, ends: new Set<FollowedEnd>() }))
    face.ends.add(end)
    entryOf(this.#facesIn, namespaceOf(labels), () => new Set<Face>()).add(face)
  }

  all(): Iterable<FollowedEnd> {
    return this.#ends.values()
  }

  /** @param pod `namespace/name` */
  ofPod(pod: string): Iterable<FollowedEnd> {
    return this.#byPod.get(pod) ?? []
  }

  at(address: string): Iterable<FollowedEnd> {
    const end = this.#ends.get(address)
    return end === undefined ? [] : [end]
  }

  nodes(): Iterable<FollowedEnd> {
    return this.#nodes
  }

  *inNamespace(namespace: string): Iterable<FollowedEnd> {
    for (const [pod, ends] of this.#byPod) if (pod.startsWith(`${namespace}/`)) yield* ends
  }

  *selectedBy(selectors: readonly LabelSelector[]): Iterable<FollowedEnd> {
    if (selectors.length === 0) return
    for (const selector of selectors)
      for (const { labels, ends } of this.#facesFor(selector)) if (matchesSelector(selector, labels)) yield* ends
  }

  /** Most policies are of one namespace. */
  *#facesFor(selector: LabelSelector): Iterable<Face> {
    const place = selector.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
    if (place === undefined) yield* this.#faces.values()
    else for (const namespace of place.values) yield* this.#facesIn.get(namespace) ?? []
  }

  #leave(end: FollowedEnd): void {
    if (end.party?.kind === 'pod') dropFrom(this.#byPod, end.party.name, end)
    this.#nodes.delete(end)
    const face = end.face === undefined ? undefined : this.#faces.get(end.face)
    if (face?.ends.delete(end) === true && face.ends.size === 0) {
      this.#faces.delete(end.face!)
      dropFrom(this.#facesIn, namespaceOf(face.labels), face)
    }
    end.party = undefined
    end.face = undefined
  }

  /** As rules select it; undefined of who is outside. */
  #labelsOf(asked: string | Supposed, { kind, name }: Party): LabelMap | undefined {
    if (kind === 'world') return undefined
    if (typeof asked !== 'string') return asked.labels
    return kind === 'node' ? nodeLabels(this.#state, name, name !== '') : residentOf(this.#state, name)?.labels
  }
}

const namespaceOf = (labels: LabelMap): string => labels.get(derivedKeys.namespace) ?? ''
