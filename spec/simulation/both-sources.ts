import { isDeepStrictEqual } from 'node:util'
import type { WeirEvent } from '@weir/core'
import type { ApiSource } from './api-source.js'
import type { Authors, Document } from './authors.js'
import { placeIn } from './places-of-objects.js'
import type { Broken } from './watch.js'

/**
 * What an agent may make of files and of an API server that speak of the same objects. A file that says an object decides;
 * without one the server does; and nothing goes that one of them says all the time.
 */
export class BothSources {
  readonly #authors: Authors
  readonly #server: ApiSource
  readonly #broken: Broken
  /** The last event about each object, by place. */
  readonly #logged = new Map<string, WeirEvent>()

  constructor(authors: Authors, server: ApiSource, broken: Broken) {
    this.#authors = authors
    this.#server = server
    this.#broken = broken
  }

  onDurable(events: readonly WeirEvent[]): void {
    for (const event of events) {
      const place = placeIn(event)
      if (place === undefined) continue
      this.#logged.set(place, event)
      if (event.kind === 'networkpolicy.upserted') this.#onPolicy(event, place)
      if (event.kind.endsWith('.deleted')) this.#onDeletion(event, place)
    }
  }

  /** How the log differs from what the two say, when all has been quiet for long. */
  missing(): string | undefined {
    // While a file can't be read that may say what it can't be known to say, nothing is deleted.
    const isClear = this.#authors.files.every(({ isTorn }) => !isTorn)
    const places = new Set([...this.#logged.keys(), ...this.#server.places, ...this.#authors.places])
    for (const place of places) {
      const file = this.#authors.fileOf(place)
      // What a torn file says of an object is what it said before, or nothing, so that the server decides.
      if (file?.isTorn === true) continue
      const said = file?.document ?? this.#server.documentAt(place)
      const logged = this.#logged.get(place)
      const isThere = logged?.kind.endsWith('.upserted') === true
      if (said === undefined ? isThere && isClear : !isThere)
        return `that ${place} ${said === undefined ? 'has gone' : 'is there'}`
      if (said !== undefined && logged !== undefined && !isSame(logged, said))
        return `what ${file?.document === undefined ? 'the server' : 'a file'} says of ${place}`
    }
    return undefined
  }

  #onPolicy(event: Extract<WeirEvent, { readonly kind: 'networkpolicy.upserted' }>, place: string): void {
    const versions = [...(this.#authors.fileOf(place)?.versions ?? []), ...this.#server.versionsAt(place)]
    if (!versions.some(version => isDeepStrictEqual(version, event.policy)))
      this.#broken('nothing is said that nobody has', `event ${event.seq} says of ${place} what nobody ever said`)
  }

  #onDeletion({ seq, time }: WeirEvent, place: string): void {
    const file = this.#authors.fileOf(place)
    if (file?.isThere === true && !file.mayBeGone)
      this.#broken('what is replaced stays', `event ${seq} deletes ${place}, which a file has said all the time`)
    // Whoever has begun since has been told of it, before it could take anything back.
    if (this.#server.hasSinceBefore(place, time))
      this.#broken('what the server has stays', `event ${seq} deletes ${place}, which was there all the time`)
  }
}

/** Of what files and servers say of an object, that which tells their versions from each other. */
function isSame(event: WeirEvent, { manifest, policy }: Document): boolean {
  if (event.kind === 'networkpolicy.upserted') return isDeepStrictEqual(event.policy, policy)
  const { labels = {} } = (manifest as { readonly metadata: { readonly labels?: object } }).metadata
  if (event.kind === 'pod.upserted') return isDeepStrictEqual(event.pod.labels, labels)
  if (event.kind !== 'namespace.upserted') return true
  // Every namespace has a label of its name besides.
  return Object.entries(labels).every(([key, value]) => event.namespace.labels[key] === value)
}
