import { type Engine, type Explanation, type FlowQuery, type Party, type Protocol, protocolNumbers } from '@weir/core'
import { explainedCauses } from '../agent/causes.js'
import type { WouldBe } from '../staged/would-be.js'
import type { FlowEnd, FlowRecord, ServiceName } from '../agent/protocol.js'

/** What the datapath says of one packet, as naming it needs it. */
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
  /** Whose policy decided. */
  readonly direction: 'egress' | 'ingress'
  readonly sizeBytes: number
}

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name]))
const servedProtocols: ReadonlyMap<number, Protocol> = new Map([
  [protocolNumbers.TCP, 'TCP'],
  [protocolNumbers.UDP, 'UDP'],
  [protocolNumbers.SCTP, 'SCTP'],
])
const tcpFlagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const

/** Finds labels, pods, services and the rules that decide, as the engine has them now. */
export class FlowNamer {
  readonly #engine: Engine
  readonly #wouldBe: (flow: FlowQuery) => WouldBe | undefined
  /** Explanations of flows as of one event, by what they ask: a flood asks the same again and again. */
  readonly #explanations = new Map<string, Told>()
  #explainedAt = 0

  /** @param wouldBe What staged policies would make of a flow, at the engine's event. */
  constructor(engine: Engine, wouldBe: (flow: FlowQuery) => WouldBe | undefined = () => undefined) {
    this.#wouldBe = wouldBe
    this.#engine = engine
  }

  #tell(query: FlowQuery): Told {
    if (this.#explainedAt !== this.#engine.seq || this.#explanations.size >= explanationsMost)
      this.#explanations.clear()
    this.#explainedAt = this.#engine.seq
    const text = `${query.from} ${query.to} ${query.protocol} ${query.port}`
    const known = this.#explanations.get(text)
    if (known !== undefined) return known
    const told = {
      explanation: this.#engine.explain(query),
      service: this.#serviceAt(query),
      staged: this.#wouldBe(query),
    }
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

  /**
   * @param timeMs Milliseconds since the epoch.
   */
  name(report: PacketReport, timeMs: number): FlowRecord {
    const isIcmp = report.protocol === protocolNumbers.ICMP || report.protocol === protocolNumbers.ICMPv6
    const detail = isIcmp ? `type ${report.icmpType} code ${report.icmpCode}` : flagsText(report)
    const { explanation, service, staged } = this.#tell(openedBy(report, isIcmp))
    const [source, destination] = report.isReply
      ? [explanation.to, explanation.from]
      : [explanation.from, explanation.to]
    return {
      time: timeMs,
      verdict: report.verdict,
      reason: report.reason,
      protocol: protocolNames.get(report.protocol) ?? String(report.protocol),
      ...(detail !== '' && { detail }),
      source: endOf(source, report.sourceIdentity, isIcmp ? undefined : report.sourcePort),
      destination: endOf(destination, report.destinationIdentity, isIcmp ? undefined : report.destinationPort),
      ...(service !== undefined && { [report.isReply ? 'source_service' : 'destination_service']: service }),
      causes: report.verdict === 'dropped' ? [] : explainedCauses(explanation),
      sizeBytes: report.sizeBytes,
      traffic_direction: report.direction,
      isReply: report.isReply,
      ...(staged !== undefined && isOfNow(report, staged) && { staged }),
    }
  }
}

/** What is said of a flow as of one event. */
interface Told {
  readonly explanation: Explanation
  /** Of the end that it was opened to. */
  readonly service: ServiceName | undefined
  readonly staged: WouldBe | undefined
}

/** Whether a packet was judged as its flow is now: what would be is told beside that. Replies aren't judged. */
const isOfNow = ({ verdict, isReply }: PacketReport, { change }: WouldBe): boolean =>
  !isReply && verdict === (change === 'newly-denied' ? 'allowed' : 'denied')

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

function flagsText({ protocol, tcpFlags }: PacketReport): string {
  if (protocol !== protocolNumbers.TCP) return ''
  return tcpFlagNames.filter((_, bit) => (tcpFlags & (1 << bit)) !== 0).join(' ')
}
