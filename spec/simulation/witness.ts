import { isDeepStrictEqual } from 'node:util'
import { Engine, type EventBody, type WeirEvent } from '@weir/core'
import { clusterOf } from '../oracle/index.js'
import type { Kernel } from './kernel.js'
import { type Flow, type Route, seen, Traffic, type Word, wordOf } from './traffic.js'

/** A law that was broken, and how that showed. */
export interface Violation {
  readonly law: string
  readonly message: string
}

interface Connection {
  readonly flow: number
  readonly route: Route
  readonly sourcePort: number
}

/**
 * Watches from outside: the disk's durable events, the kernel's packets. What policies mean it asks the oracle, which
 * shares no code with the agent. Keeps the first violation that it sees.
 */
export class Witness {
  readonly #flows: readonly Flow[]
  readonly #onBroken: (violation: Violation) => void
  readonly #traffic = new Traffic()
  readonly #durable: WeirEvent[] = []
  /** By the last event of each state that was durable. */
  readonly #words = new Map<number, readonly Word[]>()
  /** What may be seen of each flow now: what any state says that the kernel may hold parts of. */
  #allowed: readonly Word[]
  #connections: Connection[] = []
  #isLookedAt = false
  #violation: Violation | undefined
  #checks = 0

  /** @param onBroken Told of the first violation, at once. */
  constructor(flows: readonly Flow[], onBroken: (violation: Violation) => void) {
    this.#flows = flows
    this.#onBroken = onBroken
    this.#allowed = flows.map(() => nothingKnown)
    this.#words.set(0, this.#allowed)
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  /** Packets that were looked at. */
  get checks(): number {
    return this.#checks
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
    const words = this.#flows.map(flow => wordOf(cluster, flow))
    this.#words.set(this.#durable.length, words)
    this.#allowed = this.#allowed.map((word, at) => either(word, words[at]!))
    this.#isLookedAt = false
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
    this.#allowed = this.#flows.map(() => nothingKnown)
    this.#connections = []
    this.#isLookedAt = false
  }

  /** A single entry was written: law 4. */
  onWrite(kernel: Kernel, what: string): void {
    this.#isLookedAt = false
    if (this.#violation !== undefined) return
    for (const [at, flow] of this.#flows.entries()) {
      const { route, bits } = this.#allowed[at]!
      if (route === undefined || bits === seen.either) continue
      this.#checks += 1
      const found = this.#traffic.open(kernel.backend, flow, route)
      if ((found & ~bits) !== 0) this.broken('no third verdict', `after a write of ${what} ${words(flow, found)}`)
    }
    this.#connections = this.#connections.filter(connection => this.#goesOn(kernel, connection, `a write of ${what}`))
  }

  /** All is said to be enforced, up to an event: packets must say so too. */
  onEnforced(kernel: Kernel, seq: number): void {
    if (this.#isLookedAt || this.#violation !== undefined) return
    const words_ = this.#words.get(seq)
    if (words_ === undefined) {
      this.broken('log first', `event ${seq} is enforced, durable are ${this.#durable.length}`)
      return
    }
    this.#allowed = words_
    // What is durable already may be enforced at any moment.
    for (const [later, said] of this.#words)
      if (later > seq) this.#allowed = this.#allowed.map((word, at) => either(word, said[at]!))
    for (const [at, flow] of this.#flows.entries()) {
      const { route, bits } = words_[at]!
      if (route === undefined) continue
      this.#checks += 1
      const found = this.#traffic.open(kernel.backend, flow, route)
      if (found !== bits) this.broken('the kernel says what the log means', `at event ${seq} ${words(flow, found)}`)
    }
    this.#connections = this.#connections.filter(connection => this.#goesOn(kernel, connection, `event ${seq}`))
    this.#isLookedAt = true
  }

  /** Opens a connection of each flow that passes, which is to go on as long as policies let it. */
  connect(kernel: Kernel): void {
    for (const [flow, { route, bits }] of this.#allowed.entries()) {
      const fields = this.#flows[flow]!
      if (route === undefined || bits !== seen.passed || fields.protocol !== 6) continue
      const { bits: opened, sourcePort } = this.#traffic.begin(kernel.backend, fields, route)
      if (opened !== seen.passed) continue
      this.#traffic.answer(kernel.backend, fields, route, sourcePort)
      this.#traffic.goOn(kernel.backend, fields, route, sourcePort)
      this.#connections.push({ flow, route, sourcePort })
    }
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

  /** False when nothing more is to be asked of it. */
  #goesOn(kernel: Kernel, { flow, route, sourcePort }: Connection, when: string): boolean {
    const { route: now, bits } = this.#allowed[flow]!
    if (now === undefined || !sameRoute(now, route)) return false
    const fields = this.#flows[flow]!
    this.#checks += 1
    const found = this.#traffic.answer(kernel.backend, fields, route, sourcePort)
    if ((found & ~bits) !== 0)
      this.broken('connections go on as policies let them', `after ${when} an answer of ${words(fields, found)}`)
    return found === seen.passed
  }
}

const nothingKnown: Word = { bits: seen.either }

const sameRoute = (a: Route, b: Route): boolean => a.from === b.from && a.to === b.to

/** What may be seen while the kernel goes from one to the other. */
function either(a: Word, b: Word): Word {
  if (a.route === undefined || b.route === undefined || !sameRoute(a.route, b.route)) return nothingKnown
  return { route: a.route, bits: a.bits | b.bits }
}

const text = (value: unknown): string => JSON.stringify(value).slice(0, 300)

const words = ({ from, to, protocol, port }: Flow, found: number): string =>
  `${from} → ${to}, protocol ${protocol} port ${port}, ${found === seen.passed ? 'passed' : 'was stopped'}`
