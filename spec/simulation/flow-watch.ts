import type { OracleCluster } from '../oracle/index.js'
import type { Kernel } from './kernel.js'
import { outerDevice } from './node-network.js'
import { type Flow, isJudgedAtDevice, type Route, seen, Traffic, type Word, wordOf } from './traffic.js'
import type { Broken, Watch } from './watch.js'

interface Connection {
  readonly flow: number
  readonly route: Route
  readonly sourcePort: number
}

/** Looks at packets from party to party: what policies make of them. */
export class FlowWatch implements Watch {
  readonly #flows: readonly Flow[]
  readonly #broken: Broken
  readonly #traffic = new Traffic()
  /** By the last event of each state that was durable. */
  readonly #words = new Map<number, readonly Word[]>()
  /** What may be seen of each flow now: what any state says that the kernel may hold parts of. */
  #allowed: readonly Word[]
  #connections: Connection[] = []
  #checks = 0

  constructor(flows: readonly Flow[], broken: Broken) {
    this.#flows = flows
    this.#broken = broken
    this.#allowed = flows.map(() => nothingKnown)
    this.#words.set(0, this.#allowed)
  }

  get checks(): number {
    return this.#checks
  }

  onDurable(seq: number, cluster: OracleCluster): void {
    const words = this.#flows.map(flow => wordOf(cluster, flow))
    this.#words.set(seq, words)
    this.#allowed = this.#allowed.map((word, at) => either(word, words[at]!))
  }

  onDisturbed(): void {
    this.#allowed = this.#flows.map(() => nothingKnown)
    this.#connections = []
  }

  onWrite(kernel: Kernel, what: string): void {
    for (const [at, flow] of this.#flows.entries()) {
      const { route } = this.#allowed[at]!
      const bits = seenOf(this.#allowed[at]!)
      if (route === undefined || bits === seen.either || !isJudged(kernel, route)) continue
      this.#checks += 1
      const found = this.#traffic.open(kernel.backend, flow, route)
      if ((found & ~bits) !== 0) this.#broken('no third verdict', `after a write of ${what} ${words(flow, found)}`)
    }
    this.#connections = this.#connections.filter(connection => this.#goesOn(kernel, connection, `a write of ${what}`))
  }

  onEnforced(kernel: Kernel, seq: number): void {
    const words_ = this.#words.get(seq)!
    this.#allowed = words_
    // What is durable already may be enforced at any moment.
    for (const [later, said] of this.#words)
      if (later > seq) this.#allowed = this.#allowed.map((word, at) => either(word, said[at]!))
    for (const [at, flow] of this.#flows.entries()) {
      const { route } = words_[at]!
      if (route === undefined || !isJudged(kernel, route)) continue
      this.#checks += 1
      const found = this.#traffic.open(kernel.backend, flow, route)
      if (found !== seenOf(words_[at]!))
        this.#broken('the kernel says what the log means', `at event ${seq} ${words(flow, found)}`)
    }
    this.#connections = this.#connections.filter(connection => this.#goesOn(kernel, connection, `event ${seq}`))
  }

  connect(kernel: Kernel): void {
    for (const [flow, { route, bits }] of this.#allowed.entries()) {
      const fields = this.#flows[flow]!
      if (route === undefined || bits !== seen.passed || fields.protocol !== 6) continue
      // Whose an old connection of the node's is shows in the node's sockets, which nobody simulates.
      if (isJudgedAtDevice(route)) continue
      const { bits: opened, sourcePort } = this.#traffic.begin(kernel.backend, fields, route)
      if (opened !== seen.passed) continue
      this.#traffic.answer(kernel.backend, fields, route, sourcePort)
      this.#traffic.goOn(kernel.backend, fields, route, sourcePort)
      this.#connections.push({ flow, route, sourcePort })
    }
  }

  /** False when nothing more is to be asked of it. */
  #goesOn(kernel: Kernel, { flow, route, sourcePort }: Connection, when: string): boolean {
    const { route: now, bits, ways } = this.#allowed[flow]!
    if (now === undefined || !sameRoute(now, route) || ways !== undefined) return false
    const fields = this.#flows[flow]!
    this.#checks += 1
    const found = this.#traffic.answer(kernel.backend, fields, route, sourcePort)
    if ((found & ~bits) !== 0)
      this.#broken('connections go on as policies let them', `after ${when} an answer of ${words(fields, found)}`)
    return found === seen.passed
  }
}

/** The agent comes to a device some time after it is there. */
const isJudged = (kernel: Kernel, route: Route): boolean =>
  !isJudgedAtDevice(route) || kernel.isAttached(outerDevice.ifindex, 'device')

const nothingKnown: Word = { bits: seen.either }

/** Policies and ways out change one after the other: a packet may meet those of two states. */
function seenOf({ bits, ways = seen.passed }: Word): number {
  return (bits & ways & seen.passed) | ((bits | ways) & seen.stopped)
}

const sameRoute = (a: Route, b: Route): boolean => a.from === b.from && a.to === b.to

/** What may be seen while the kernel goes from one to the other. */
function either(a: Word, b: Word): Word {
  if (a.route === undefined || b.route === undefined || !sameRoute(a.route, b.route)) return nothingKnown
  const ways = (a.ways ?? seen.passed) | (b.ways ?? seen.passed)
  return { route: a.route, bits: a.bits | b.bits, ...(ways !== seen.passed && { ways }) }
}

const words = ({ from, to, protocol, port }: Flow, found: number): string =>
  `${from} → ${to}, protocol ${protocol} port ${port}, ${found === seen.passed ? 'passed' : 'was stopped'}`
