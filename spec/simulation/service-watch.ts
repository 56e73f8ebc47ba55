import type { OracleCluster } from '../oracle/index.js'
import type { Kernel } from './kernel.js'
import { answer, call, flagsOf, type Outcome, sendFromOutside, sendFromPod } from './service-traffic.js'
import { type Ask, type Place, refused, ServiceState, shut, type Way, wayTo } from './service-ways.js'
import { type Route, seen, type Word } from './traffic.js'
import type { Broken, Short, Watch } from './watch.js'

/** A connection of a pod's to a service's address, at the backend that it came to. */
interface Connection {
  readonly at: number
  readonly ask: Ask
  readonly from: string
  readonly ifindex: number
  readonly sourcePort: number
  readonly way: Way
  /** The client's port, as the backend sees it. */
  readonly seenPort: number
}

const firstPort = 20_000
const ports = 40_000
const mostConnections = 6
/** So many tries that each of a few backends comes up. */
const tries = 64

/** Looks at what is sent to services: where it goes while backends, tables and frontends change. */
export class ServiceWatch implements Watch {
  readonly #asks: readonly Ask[]
  readonly #broken: Broken
  /** By the last event of each state that was durable. */
  readonly #states = new Map<number, ServiceState>()
  /** The last event of the first state that the kernel may hold parts of, for each ask; undefined: nobody knows. */
  #since: readonly (number | undefined)[]
  /** The same of what policies and interfaces are. */
  #judgedSince: number | undefined
  #connections: Connection[] = []
  #sent = 0
  #checks = 0

  constructor(asks: readonly Ask[], broken: Broken) {
    this.#asks = asks
    this.#broken = broken
    this.#since = asks.map(() => undefined)
  }

  get checks(): number {
    return this.#checks
  }

  onDurable(seq: number, cluster: OracleCluster): void {
    this.#states.set(seq, new ServiceState(cluster))
  }

  onDisturbed(): void {
    this.#since = this.#asks.map(() => undefined)
    this.#judgedSince = undefined
    this.#connections = []
  }

  onWrite(kernel: Kernel, what: string): void {
    this.#look(kernel, 'no third verdict', `after a write of ${what}`)
  }

  onEnforced(kernel: Kernel, seq: number, short: Short): void {
    this.#judgedSince = seq
    this.#lookAt(kernel, seq, ask => ask.asker.by !== 'outside' && !isPutOff(this.#states.get(seq), ask, short))
  }

  onSettled(kernel: Kernel, seq: number, short: Short): void {
    const state = this.#states.get(seq)
    const isInForce = (ask: Ask): boolean => !isPutOff(state, ask, short)
    this.#lookAt(kernel, seq, isInForce)
    for (const ask of this.#asks)
      if (ask.asker.by === 'call' && isInForce(ask) && state?.isEven(ask)) this.#meetAll(kernel, state, ask)
  }

  connect(kernel: Kernel): void {
    for (const [at, ask] of this.#asks.entries()) {
      const { asker, place } = ask
      const states = this.#statesOf(at)
      if (this.#connections.length >= mostConnections) return
      if (asker.by !== 'packet' || place.protocol !== 'TCP' || states === undefined) continue
      const ifindex = this.#interfaceOf(asker.from)
      if (ifindex === undefined) continue
      const sourcePort = this.#nextPort()
      const { way, bits, sourcePort: seenPort } = this.#send(kernel, ask, ifindex, sourcePort, flagsOf.syn)
      const isServed = states.every(state => way !== undefined && state.lists(way, place))
      if (way === undefined || !isServed || bits !== seen.passed || seenPort === undefined) continue
      const connection = { at, ask, from: asker.from, ifindex, sourcePort, way, seenPort }
      if (this.#isAnswered(kernel, connection, 'opening')) this.#connections.push(connection)
    }
  }

  /** What is in force must be seen now, and from now on that, or what is durable already and may be enforced any moment. */
  #lookAt(kernel: Kernel, seq: number, isInForce: (ask: Ask) => boolean): void {
    const states = [...this.#states]
    this.#since = this.#since.map((since, at) => (this.#states.has(seq) && isInForce(this.#asks[at]!) ? seq : since))
    for (const [last] of states) if (last > seq) this.#states.delete(last)
    this.#look(kernel, 'the kernel says what the log means', `at event ${seq}`)
    this.#states.clear()
    for (const [last, state] of states) this.#states.set(last, state)
  }

  #look(kernel: Kernel, law: string, when: string): void {
    for (const [at, ask] of this.#asks.entries()) {
      const states = this.#statesOf(at)
      const outcome = states && this.#ask(kernel, ask)
      if (outcome === undefined) continue
      this.#checks += 1
      const wrong = wrongIn(outcome, ask, states!)
      if (wrong !== undefined) this.#broken(law, `${when} ${textOf(ask)} ${wrong}`)
    }
    this.#connections = this.#connections.filter(connection => this.#goesOn(kernel, connection, when))
  }

  /** That the kernel may hold parts of, as far as it matters to an ask. */
  #statesOf(at: number): readonly ServiceState[] | undefined {
    const since = this.#since[at]
    return since === undefined ? undefined : this.#statesFrom(since)
  }

  #statesFrom(since: number): readonly ServiceState[] {
    return [...this.#states].flatMap(([last, state]) => (last >= since ? [state] : []))
  }

  /** Undefined where nobody can ask: there is no interface to send by, or nobody knows which. */
  #ask(kernel: Kernel, ask: Ask): Outcome | undefined {
    const { asker, place } = ask
    if (asker.by === 'call') return call(kernel.backend, place, asker.isNode, ++this.#sent)
    if (asker.by === 'outside') {
      const ends = { source: asker.from, destination: place.address, destinationPort: place.port }
      const packet = { ...ends, protocol: place.protocol, sourcePort: this.#nextPort(), flags: flagsOf.syn }
      return sendFromOutside(kernel.backend, packet, address => this.#interfaceOf(address))
    }
    const ifindex = this.#interfaceOf(asker.from)
    return ifindex === undefined ? undefined : this.#send(kernel, ask, ifindex, this.#nextPort(), flagsOf.syn)
  }

  #send(kernel: Kernel, { asker, place }: Ask, ifindex: number, sourcePort: number, flags: number): Outcome {
    const source = asker.by === 'call' ? '' : asker.from
    const ends = { source, destination: place.address, destinationPort: place.port, sourcePort }
    const packet = { ...ends, protocol: place.protocol, flags }
    return sendFromPod(kernel.backend, ifindex, packet, address => this.#interfaceOf(address))
  }

  /** Of whom has an address on this node, whichever state it is. */
  #interfaceOf(address: string): number | undefined {
    if (this.#judgedSince === undefined) return undefined
    const found = new Set(this.#statesFrom(this.#judgedSince).map(state => state.interfaceOf(address)))
    return found.size === 1 ? [...found][0] : undefined
  }

  /** False when nothing more is to be asked of it. */
  #goesOn(kernel: Kernel, connection: Connection, when: string): boolean {
    const { at, ask, from, ifindex, sourcePort, way } = connection
    const states = this.#statesOf(at)
    if (states === undefined || this.#interfaceOf(from) !== ifindex) return false
    const { way: found, bits } = this.#send(kernel, ask, ifindex, sourcePort, flagsOf.ack)
    this.#checks += 1
    const isListed = states.every(state => state.lists(way, ask.place))
    const allowed = bitsIn(states, from, way, ask.place)
    const tell = (how: string): void =>
      this.#broken('connections stay at their backends', `${when} a connection of ${textOf(ask)} at ${way} ${how}`)
    if (found === refused) {
      if (isListed) tell('is reset')
      return false
    }
    if (found !== undefined && found !== way) {
      tell(`goes to ${found}`)
      return false
    }
    if ((bits & ~allowed) !== 0) tell(bits === seen.passed ? 'passes' : 'is stopped')
    if (bits !== seen.passed || allowed !== seen.passed) return bits === seen.passed
    return this.#isAnswered(kernel, connection, when)
  }

  /** The client must see the service answer, nobody else. */
  #isAnswered(kernel: Kernel, { at, ask, from, ifindex, way, seenPort }: Connection, when: string): boolean {
    const [source = '', port = ''] = way.split(' ')
    if (source === from) return true
    const word = this.#statesOf(at)?.map(state => state.wordOn(from, way, ask.place)) ?? []
    const routes = new Set(word.map(({ route }) => (route === undefined ? 'unclear' : `${route.to}`)))
    if (routes.size !== 1 || routes.has('unclear')) return false
    const ends = { source, sourcePort: Number(port), destination: from, destinationPort: seenPort }
    const packet = { ...ends, protocol: ask.place.protocol, flags: flagsOf.syn | flagsOf.ack }
    const server = word[0]?.route?.to
    const found = answer(kernel.backend, packet, { from: server === 'node' ? undefined : server, to: ifindex })
    this.#checks += 1
    if (found === wayTo(ask.place)) return true
    const how = found === undefined ? 'is stopped' : `seems to be of ${found}`
    this.#broken('connections stay at their backends', `${when} an answer to ${textOf(ask)} from ${way} ${how}`)
    return false
  }

  #meetAll(kernel: Kernel, state: ServiceState, ask: Ask): void {
    const ways = state.waysOf(ask)
    const met = new Set(Array.from({ length: ways.size > 1 ? tries : 1 }, () => this.#ask(kernel, ask)?.way))
    this.#checks += 1
    for (const way of ways)
      if (!met.has(way)) this.#broken('every backend has its share', `${textOf(ask)} never comes to ${way}`)
  }

  #nextPort(): number {
    return firstPort + (this.#sent++ % ports)
  }
}

/** Whether what is asked for has to stay as it was, for want of room. */
function isPutOff(state: ServiceState | undefined, ask: Ask, short: Short): boolean {
  if (short === 'unknown') return true
  const owner = state?.ownerOf(ask)
  return owner !== undefined && short.has(owner)
}

/** What is wrong with an outcome, when it is as none of the states says. */
function wrongIn({ way, bits }: Outcome, ask: Ask, states: readonly ServiceState[]): string | undefined {
  const { asker, place } = ask
  const ways = new Set(states.flatMap(state => [...state.waysOf(ask)]))
  const could = `, could be ${[...ways].join(' or ')}`
  if (way !== undefined && !ways.has(way)) return `went to ${way}${could}`
  if (asker.by === 'call' || way === refused) return undefined
  const judged = (each: Way): number => bitsIn(states, asker.from, each, place)
  if (way !== undefined) return (bits & ~judged(way)) === 0 ? undefined : `${bitsText(bits)} on its way to ${way}`
  const mayStop = (each: Way): boolean =>
    each === shut ||
    (each !== refused && ((judged(each) & seen.stopped) !== 0 || (asker.by === 'outside' && !isHere(states, each))))
  return [...ways].some(mayStop) ? undefined : `was stopped${could}`
}

/** On another node nobody knows the way: the simulated one has no devices of its own. */
const isHere = (states: readonly ServiceState[], way: Way): boolean =>
  states.every(state => state.interfaceOf(way.slice(0, way.indexOf(' '))) !== undefined)

/** What may be seen of packets that go this way, by any of the states. */
function bitsIn(states: readonly ServiceState[], from: string, way: Way, place: Place): number {
  const [address = ''] = way.split(' ')
  if (address === from) return seen.passed
  const words = states.map(state => state.wordOn(from, way, place))
  return words.every(word => isSameRoute(word, words[0]!)) ? words.reduce((bits, word) => bits | word.bits, 0) : 3
}

const isSameRoute = ({ route: a }: Word, { route: b }: Word): boolean =>
  a !== undefined && b !== undefined && sameEnds(a, b)

const sameEnds = (a: Route, b: Route): boolean => a.from === b.from && a.to === b.to

const bitsText = (bits: number): string => (bits === seen.passed ? 'passed' : 'was stopped')

function textOf({ asker, place: { address, protocol, port } }: Ask): string {
  const who = asker.by === 'call' ? `a process of ${asker.isNode ? 'the node' : 'a pod'}` : `${asker.by} ${asker.from}`
  return `${who} → ${address}:${port}/${protocol}`
}
