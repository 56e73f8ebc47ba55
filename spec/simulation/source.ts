import { isDeepStrictEqual } from 'node:util'
import type { Source, SourceSink } from '@weir/adapters'
import { type EventBody, WeirError, type WeirEvent } from '@weir/core'
import { objectOf } from '../oracle/generate/history.js'
import type { Life } from './life.js'
import type { Random } from './random.js'

/** Told of what becomes of what was said. */
export interface Listener {
  onAcknowledged(first: number, bodies: readonly EventBody[]): void
  /** The agent takes nothing more. */
  onStopped(): void
}

interface Said {
  readonly body: EventBody
  /** Somebody told us that the log has it. */
  isTaken: boolean
}

/** Wiring has a life of its own. */
const keyOf = (body: EventBody): string => `${body.kind.startsWith('endpoint.') ? 'wiring of ' : ''}${objectOf(body)}`

/**
 * Something that knows a cluster and says so, again after every start of the agent: of each object the last word, if it was
 * never told that it is in the log.
 */
export class Cluster {
  readonly #random: Random
  readonly #listener: Listener
  readonly #said = new Map<string, Said>()
  #sink: { readonly life: Life; readonly sink: SourceSink } | undefined
  #waiting = 0

  constructor(random: Random, listener: Listener) {
    this.#random = random
    this.#listener = listener
  }

  /** Submissions that nothing came of yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** As a process has it. */
  source(life: Life): Source {
    return {
      name: 'simulated',
      run: async (sink, signal) => {
        this.#sink = { life, sink }
        this.#waiting = 0
        const lost = [...this.#said.values()].filter(({ isTaken }) => !isTaken).map(({ body }) => body)
        if (lost.length > 0) this.#submit(lost, false)
        sink.report('watching')
        await new Promise<void>(resolve => {
          signal.addEventListener('abort', () => resolve())
        })
      },
    }
  }

  /** Says it as soon as there is somebody to hear it. */
  say(bodies: readonly EventBody[], isAsked: boolean): void {
    for (const body of bodies) {
      // The last word is the one to keep, in the place where it was said.
      this.#said.delete(keyOf(body))
      this.#said.set(keyOf(body), { body, isTaken: false })
    }
    this.#submit(bodies, isAsked)
  }

  /** Says again what was said of some objects, in another order. */
  repeat(share: number): void {
    const again = [...this.#said.values()].filter(() => this.#random.chance(share)).map(({ body }) => body)
    for (let at = again.length - 1; at > 0; at -= 1) {
      const other = this.#random.below(at + 1)
      const [one, two] = [again[at]!, again[other]!]
      again[at] = two
      again[other] = one
    }
    this.#submit(again, false)
  }

  /** What the log lacks of the last words, in words. */
  missing(durable: readonly WeirEvent[]): string | undefined {
    const logged = new Map<string, WeirEvent>()
    for (const event of durable) logged.set(keyOf(event), event)
    for (const [key, { body }] of this.#said) {
      const event = logged.get(key)
      const { seq: _, time: __, source: ___, ...last } = event ?? { seq: 0 }
      if (!isDeepStrictEqual(last, body)) return `${JSON.stringify(body).slice(0, 200)} of ${key}`
    }
    return undefined
  }

  #submit(bodies: readonly EventBody[], isAsked: boolean): void {
    const now = this.#sink
    if (now === undefined || now.life.isOver || bodies.length === 0) return
    this.#waiting += 1
    const take = (): void => {
      for (const body of bodies) {
        const said = this.#said.get(keyOf(body))
        if (said?.body === body) said.isTaken = true
      }
    }
    now.sink.submit(isAsked ? () => bodies : bodies).then(
      ({ first }) => {
        if (now.life.isOver) return
        this.#waiting -= 1
        take()
        this.#listener.onAcknowledged(first, bodies)
      },
      (error: unknown) => {
        if (now.life.isOver) return
        this.#waiting -= 1
        // What can't be enforced yet is in the log all the same.
        if (error instanceof WeirError && error.code === 'WEIR_INTAKE_STOPPED') this.#listener.onStopped()
        else take()
      },
    )
  }
}
