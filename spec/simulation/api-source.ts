import { isDeepStrictEqual } from 'node:util'
import type { EventBody, NetworkPolicyFact, WeirEvent } from '@weir/core'
import { type ApiModel, type ApiObject, placeOf } from './api-model.js'
import type { Document } from './authors.js'
import { placeIn } from './places-of-objects.js'
import type { Broken } from './watch.js'

/** What happens to the API server. */
export type ApiChange =
  | { readonly how: 'put'; readonly document: Document }
  | { readonly how: 'deleted'; readonly document: Document }
  | { readonly how: 'forgets' }
  | { readonly how: 'ends watches'; readonly isTorn: boolean }
  /** Nobody answers for so long. */
  | { readonly how: 'away'; readonly forMs: number }

interface Kept {
  /** Undefined: it isn't there. */
  document: Document | undefined
  /** Since when, in virtual milliseconds, it says what it does. */
  sinceMs: number
  /** Since when it is there, whatever it says. */
  thereSinceMs: number
  /** How often it went, at the server and in the log. */
  deletions: number
  taken: number
  readonly versions: NetworkPolicyFact[]
}

const objectOf = ({ manifest }: Document): ApiObject => manifest as ApiObject

/** What an API server has, and what an agent may make of what it hears of that. */
export class ApiSource {
  readonly #model: ApiModel
  readonly #after: (delayMs: number, run: () => void) => void
  readonly #nowMs: () => number
  readonly #broken: Broken
  /** By place. */
  readonly #kept = new Map<string, Kept>()
  readonly #logged = new Map<string, EventBody>()
  /** When processes began. */
  readonly #born: number[] = []

  constructor(model: ApiModel, after: (delayMs: number, run: () => void) => void, nowMs: () => number, broken: Broken) {
    this.#model = model
    this.#after = after
    this.#nowMs = nowMs
    this.#broken = broken
  }

  change(change: ApiChange): void {
    switch (change.how) {
      case 'put': {
        const kept = this.#keptAt(placeOf(objectOf(change.document)))
        if (kept.document === undefined) kept.thereSinceMs = this.#nowMs()
        kept.document = change.document
        kept.sinceMs = this.#nowMs()
        if (change.document.policy !== undefined) kept.versions.push(change.document.policy)
        this.#model.put(objectOf(change.document))
        break
      }
      case 'deleted': {
        const place = placeOf(objectOf(change.document))
        const kept = this.#keptAt(place)
        if (kept.document === undefined) return
        kept.document = undefined
        kept.deletions += 1
        this.#model.delete(place)
        break
      }
      case 'forgets':
        this.#model.forget()
        break
      case 'ends watches':
        this.#model.breakWatches(change.isTorn ? 'torn' : 'clean')
        break
      case 'away':
        this.#model.setAway(true)
        this.#after(change.forMs, () => this.#model.setAway(false))
    }
  }

  /** Of all objects that the server ever had. */
  get places(): Iterable<string> {
    return this.#kept.keys()
  }

  documentAt(place: string): Document | undefined {
    return this.#kept.get(place)?.document
  }

  versionsAt(place: string): readonly NetworkPolicyFact[] {
    return this.#kept.get(place)?.versions ?? []
  }

  /** Whether an object is there since before the process began that wrote something at a time. */
  hasSinceBefore(place: string, timeMs: number): boolean {
    const kept = this.#kept.get(place)
    const bornMs = this.#born.findLast(each => each <= timeMs) ?? 0
    return kept?.document !== undefined && kept.thereSinceMs < bornMs
  }

  /** A process begins. */
  onBlind(): void {
    this.#born.push(this.#nowMs())
  }

  onDurable(events: readonly WeirEvent[]): void {
    for (const event of events) {
      const place = placeIn(event)
      if (place === undefined) continue
      this.#logged.set(place, event)
      const kept = this.#keptAt(place)
      if (event.kind === 'networkpolicy.upserted') this.#onPolicy(event.seq, place, event.policy)
      else if (event.kind === 'pod.upserted') this.#onPod(event, place)
      else if (event.kind.endsWith('.deleted')) {
        kept.taken += 1
        if (kept.taken > kept.deletions)
          this.#broken('what the server has stays', `event ${event.seq} deletes ${place}, which was there all the time`)
      }
    }
  }

  /** How the log differs from the server, when all has been quiet for long. */
  missing(): string | undefined {
    for (const [place, { document }] of this.#kept) {
      const logged = this.#logged.get(place)
      const isThere = logged?.kind.endsWith('.upserted') === true
      if (isThere !== (document !== undefined)) return `that ${place} ${isThere ? 'has gone' : 'is there'}`
      if (document === undefined) continue
      if (logged?.kind === 'networkpolicy.upserted' && !isDeepStrictEqual(logged.policy, document.policy))
        return `what ${place} says`
      const { labels } = (document.manifest as { metadata: { labels?: object } }).metadata
      if (logged?.kind === 'pod.upserted' && !isDeepStrictEqual(logged.pod.labels, labels)) return `labels of ${place}`
    }
    return undefined
  }

  #onPolicy(seq: number, place: string, policy: NetworkPolicyFact): void {
    if (!this.#keptAt(place).versions.some(version => isDeepStrictEqual(version, policy)))
      this.#broken('nothing is said that the server never had', `event ${seq} says of ${place} what it never said`)
  }

  /** Whatever may forbid it something must be known by then. */
  #onPod({ seq, time }: WeirEvent, pod: string): void {
    // A later process may find in the journal what nobody was told to be there.
    const bornMs = this.#born.findLast(each => each <= time) ?? 0
    for (const [place, { document, sinceMs }] of this.#kept) {
      if (document?.policy === undefined || sinceMs >= bornMs) continue
      const logged = this.#logged.get(place)
      if (logged?.kind !== 'networkpolicy.upserted' || !isDeepStrictEqual(logged.policy, document.policy))
        this.#broken('no pod before its policies', `event ${seq} says ${pod}, and the log has nothing of ${place}`)
    }
  }

  #keptAt(place: string): Kept {
    const known = this.#kept.get(place)
    if (known !== undefined) return known
    const kept: Kept = { document: undefined, sinceMs: 0, thereSinceMs: 0, deletions: 0, taken: 0, versions: [] }
    this.#kept.set(place, kept)
    return kept
  }
}
