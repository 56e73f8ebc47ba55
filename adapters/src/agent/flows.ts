import { type Engine, type Explanation, type FlowQuery, type Party, type Protocol, protocolNumbers } from '@weir/core'
import { Subject } from 'rxjs'
import type { Clock } from './clock.js'
import { explainedCauses } from './causes.js'
import type { FlowEnd, FlowRecord, ServiceName } from './protocol.js'
import { Ring } from './ring.js'

/** What the datapath says of one packet, as the flow book needs it. */
export interface PacketReport {
  readonly verdict: 'allowed' | 'denied' | 'dropped'
  readonly reason: string
  /** IANA number. */
  readonly protocol: number
  readonly family: 4 | 6
  /** Canonical text. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sourceIdentity: number
  readonly destinationIdentity: number
  readonly tcpFlags: number
  readonly icmpType: number
  readonly icmpCode: number
  /** The packet goes against the direction in which the flow was opened. */
  readonly isReply: boolean
  readonly sizeBytes: number
}

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name]))
const servedProtocols: ReadonlyMap<number, Protocol> = new Map([
  [protocolNumbers.TCP, 'TCP'],
  [protocolNumbers.UDP, 'UDP'],
  [protocolNumbers.SCTP, 'SCTP'],
])
const tcpFlagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const

/**
 * Flows with names: labels, pods and the rules that decide, looked up when the event arrives, so that what is shown was
 * true then. Keeps the last ones for those who ask later.
 */
export class FlowBook {
  readonly #kept: Ring<FlowRecord>
  readonly #live = new Subject<FlowRecord>()
  readonly #engine: Engine
  readonly #clock: Clock
  /** Explanations of flows as of one event, by what they ask: a flood asks the same again and again. */
  readonly #explanations = new Map<string, Told>()
  #explainedAt = 0
  #seen = 0
  #lost = 0

  /** @param capacity How many flows are kept. */
  constructor(engine: Engine, clock: Clock, capacity: number) {
    this.#engine = engine
    this.#clock = clock
    this.#kept = new Ring(capacity)
  }

  get counts(): { readonly seen: number; readonly kept: number; readonly lost: number } {
    return { seen: this.#seen, kept: this.#kept.size, lost: this.#lost }
  }

  /** Flows kept, oldest first. */
  kept(): Iterable<FlowRecord> {
    return this.#kept
  }

  /** Flows from now on. */
  get live(): Subject<FlowRecord> {
    return this.#live
  }

  /** Events that the datapath couldn't hand over. */
  addLost(count: number): void {
    this.#lost += count
  }

  add(report: PacketReport): void {
    const record = this.#record(report)
    this.#seen++
    this.#kept.push(record)
    this.#live.next(record)
  }

  close(): void {
    this.#live.complete()
  }

  #tell(query: FlowQuery): Told {
    if (this.#explainedAt !== this.#engine.seq || this.#explanations.size >= explanationsMost)
      this.#explanations.clear()
    this.#explainedAt = this.#engine.seq
    const text = `${query.from} ${query.to} ${query.protocol} ${query.port}`
    const known = this.#explanations.get(text)
    if (known !== undefined) return known
    const told = { explanation: this.#engine.explain(query), service: this.#serviceAt(query) }
    this.#explanations.set(text, told)
    return told
  }

  #serviceAt({ to, port, protocol }: FlowQuery): ServiceName | undefined {
    const name = servedProtocols.get(protocol)
    const [key] = name === undefined ? [] : this.#engine.servicesAt(to, port, name)
    if (key === undefined) return undefined
    const slash = key.indexOf('/')
    return { name: key.slice(slash + 1), namespace: key.slice(0, slash) }
  }

  #record(report: PacketReport): FlowRecord {
    const isIcmp = report.protocol === protocolNumbers.ICMP || report.protocol === protocolNumbers.ICMPv6
    const detail = isIcmp ? `type ${report.icmpType} code ${report.icmpCode}` : flagsText(report)
    const { explanation, service } = this.#tell(openedBy(report, isIcmp))
    const [source, destination] = report.isReply
      ? [explanation.to, explanation.from]
      : [explanation.from, explanation.to]
    return {
      time: this.#clock.nowMs(),
      verdict: report.verdict,
      reason: report.reason,
      protocol: protocolNames.get(report.protocol) ?? String(report.protocol),
      ...(detail !== '' && { detail }),
      source: endOf(source, report.sourceIdentity, isIcmp ? undefined : report.sourcePort),
      destination: endOf(destination, report.destinationIdentity, isIcmp ? undefined : report.destinationPort),
      ...(service !== undefined && { [report.isReply ? 'source_service' : 'destination_service']: service }),
      causes: report.verdict === 'dropped' ? [] : explainedCauses(explanation),
      sizeBytes: report.sizeBytes,
    }
  }
}

/** What is said of a flow as of one event. */
interface Told {
  readonly explanation: Explanation
  /** Of the end that it was opened to. */
  readonly service: ServiceName | undefined
}

/** Explanations kept: those of a flood, not those of a day. */
const explanationsMost = 4096

/** The flow as its first packet asked for it: policy judges that, for replies too. */
function openedBy(report: PacketReport, isIcmp: boolean): FlowQuery {
  const { source, destination, protocol, isReply } = report
  if (isReply) return { from: destination, to: source, protocol, port: isIcmp ? 0 : report.sourcePort }
  return {
    from: source,
    to: destination,
    protocol,
    port: isIcmp ? (report.icmpType << 8) | report.icmpCode : report.destinationPort,
  }
}

/** The kernel's identity where it had looked one up: the table may have changed since. */
function endOf(party: Party, identity: number, port: number | undefined): FlowEnd {
  const slash = party.name.indexOf('/')
  return {
    address: party.address,
    ...(port !== undefined && { port }),
    identity: identity === 0 ? party.identity : identity,
    labels: party.labels,
    ...(party.kind === 'pod' && { namespace: party.name.slice(0, slash), pod: party.name.slice(slash + 1) }),
  }
}

/** What of a flow an asker wants to see. */
export interface FlowFilter {
  /** `namespace/name`, or a name. */
  readonly pod?: string
  readonly namespace?: string
  readonly verdict?: string
  readonly protocol?: string
  /** `namespace/name` of a service, or a name. */
  readonly service?: string
}

export function matchesFlow(flow: FlowRecord, filter: FlowFilter): boolean {
  const ends = [flow.source, flow.destination]
  if (filter.verdict !== undefined && flow.verdict !== filter.verdict) return false
  if (filter.protocol !== undefined && flow.protocol !== filter.protocol) return false
  if (filter.service !== undefined && !isOfService(flow, filter.service)) return false
  if (filter.namespace !== undefined && !ends.some(end => end.namespace === filter.namespace)) return false
  return (
    filter.pod === undefined || ends.some(end => end.pod === filter.pod || `${end.namespace}/${end.pod}` === filter.pod)
  )
}

const isOfService = (flow: FlowRecord, wanted: string): boolean =>
  [flow.source_service, flow.destination_service].some(
    service => service !== undefined && (service.name === wanted || `${service.namespace}/${service.name}` === wanted),
  )

function flagsText({ protocol, tcpFlags }: PacketReport): string {
  if (protocol !== protocolNumbers.TCP) return ''
  return tcpFlagNames.filter((_, bit) => (tcpFlags & (1 << bit)) !== 0).join(' ')
}
