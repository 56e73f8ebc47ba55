import { isDeepStrictEqual } from 'node:util'
import { Engine, type EventBody, type WeirEvent } from '@weir/core'
import { clusterOf } from '../oracle/index.js'
import { FlowWatch } from './flow-watch.js'
import type { Kernel } from './kernel.js'
import { LeavingWatch } from './leaving-watch.js'
import type { Plan } from './plan.js'
import { ServiceWatch } from './service-watch.js'
import type { Short, Watch } from './watch.js'

/** A law that was broken, and how that showed. */
export interface Violation {
  readonly law: string
  readonly message: string
}

/**
 * Watches from outside: the disk's durable events, the kernel's packets. What policies and services mean it asks the
 * oracle, which shares no code with the agent. Keeps the first violation that it sees.
 */
export class Witness {
  readonly #watches: Watch[]
  readonly #onBroken: (violation: Violation) => void
  readonly #durable: WeirEvent[] = []
  /** Last events of batches that became durable together. */
  readonly #states = new Set([0])
  #isLookedAt = false
  #isSettled = false
  #violation: Violation | undefined

  /** @param onBroken Told of the first violation, at once. */
  constructor({ flows, asks, waysOut }: Plan, onBroken: (violation: Violation) => void) {
    this.#onBroken = onBroken
    const broken = this.broken.bind(this)
    this.#watches = [
      new FlowWatch(flows, broken),
      ...(asks.length > 0 ? [new ServiceWatch(asks, broken)] : []),
      ...(waysOut.length > 0 ? [new LeavingWatch(waysOut, broken)] : []),
    ]
  }

  /** Has one more kind of traffic looked at. */
  add(watch: Watch): void {
    this.#watches.push(watch)
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  /** Packets, and calls of processes, that were looked at. */
  get checks(): number {
    return this.#watches.reduce((sum, { checks }) => sum + checks, 0)
  }

  /** Nothing has changed since all was found to be as it must. */
  get isSatisfied(): boolean {
    return this.#isLookedAt
  }

  get durable(): readonly WeirEvent[] {
    return this.#durable
  }

  broken(law: string, message: string): void {
    if (this.#violation !== undefined) return
    this.#violation = { law, message }
    this.#onBroken(this.#violation)
  }

  /** Nothing can undo these any more, so they may be acted on. */
  onDurable(events: readonly WeirEvent[]): void {
    for (const event of events) {
      if (event.seq !== this.#durable.length + 1)
        this.broken('the log is dense', `event ${event.seq} became durable after ${this.#durable.length}`)
      this.#durable.push(event)
    }
    const cluster = clusterOf(this.#durable)
    this.#states.add(this.#durable.length)
    for (const watch of this.#watches) watch.onDurable(this.#durable.length, cluster)
    this.#change()
  }

  /** Somebody was told that these are in the log from `first` on. */
  onAcknowledged(first: number, bodies: readonly EventBody[]): void {
    for (const [at, body] of bodies.entries()) {
      const event = this.#durable[first + at - 1]
      if (event === undefined) {
        this.broken('log first', `event ${first + at} was acknowledged before it was durable`)
        return
      }
      const { seq: _, time: __, source: ___, ...said } = event
      if (!isDeepStrictEqual(said, body))
        this.broken('the log keeps what it is told', `event ${first + at} is ${text(said)}, said was ${text(body)}`)
    }
  }

  /** The kernel began anew, or somebody else changed its maps: until all is enforced again anything may be seen. */
  onDisturbed(): void {
    for (const watch of this.#watches) watch.onDisturbed()
    this.#change()
  }

  /** A single entry was written: law 4. */
  onWrite(kernel: Kernel, what: string): void {
    this.#change()
    if (this.#violation !== undefined) return
    for (const watch of this.#watches) watch.onWrite(kernel, what)
  }

  /** All is said to be enforced, up to an event: packets must say so too. */
  onEnforced(kernel: Kernel, seq: number, short: Short): void {
    if (this.#isLookedAt || this.#violation !== undefined) return
    if (!this.#states.has(seq)) {
      this.broken('log first', `event ${seq} is enforced, durable are ${this.#durable.length}`)
      return
    }
    for (const watch of this.#watches) watch.onEnforced(kernel, seq, short)
    this.#isLookedAt = true
  }

  /** It is for a while, and nothing is put off: what takes longer is there, too. */
  onSettled(kernel: Kernel, seq: number, short: Short): void {
    if (this.#isSettled || !this.#isLookedAt || this.#violation !== undefined) return
    for (const watch of this.#watches) watch.onSettled?.(kernel, seq, short)
    this.#isSettled = true
  }

  /** Opens connections, which are to go on as long as they may. */
  connect(kernel: Kernel): void {
    for (const watch of this.#watches) watch.connect(kernel)
  }

  /** Nothing is in a state that isn't in the log. */
  checkFolded({ seq }: Engine): void {
    if (seq > this.#durable.length)
      this.broken('log first', `event ${seq} is folded, durable are ${this.#durable.length}`)
  }

  /** The digest of an engine must be that of a plain fold of the durable events. */
  checkDigest(engine: Engine): void {
    this.checkFolded(engine)
    const plain = new Engine()
    plain.fold(this.#durable.slice(0, engine.seq))
    if (plain.digest().hex !== engine.digest().hex)
      this.broken('replays agree', `at event ${engine.seq} the engine has another digest than a fold of the log`)
  }

  #change(): void {
    this.#isLookedAt = false
    this.#isSettled = false
  }
}

const text = (value: unknown): string => JSON.stringify(value).slice(0, 300)
