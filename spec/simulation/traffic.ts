import { buildFrame } from '@weir/adapters/demo/packets.js'
import { pairMacs } from '@weir/adapters/network/names.js'
import { type Backend, VirtualSwitch } from '@weir/datapath'
import { decide, nameOf, type OracleCluster, type OracleFlow, partyAt } from '../oracle/index.js'
import { indexOf } from './places.js'

/** A flow that the simulation sends packets of. */
export interface Flow extends OracleFlow {
  readonly protocol: 6 | 17
}

/** Which interfaces a flow's packets come from and go to; undefined for what is not on this node. */
export interface Route {
  readonly from: number | undefined
  readonly to: number | undefined
}

/** Bits: what may be seen of a flow. */
export const seen = { stopped: 1, passed: 2, either: 3 } as const

/** What a state says of a flow: where its packets go, and what becomes of them. */
export interface Word {
  /** Absent where no packet of it could be: there is no interface, or nobody says whose it is. */
  readonly route?: Route
  /** Of `seen`. */
  readonly bits: number
}

const unknown: Word = { bits: seen.either }

/** What policies mean for a flow, read off the cluster by the oracle. */
export function wordOf(cluster: OracleCluster, flow: Flow): Word {
  const from = interfaceAt(cluster, flow.from)
  const to = interfaceAt(cluster, flow.to)
  if (from === 'unclear' || to === 'unclear' || from === to) return unknown
  if (from === 'elsewhere' && to === 'elsewhere') return unknown
  const route = { from: from === 'elsewhere' ? undefined : from, to: to === 'elsewhere' ? undefined : to }
  return { route, bits: decide(cluster, flow).allowedHere ? seen.passed : seen.stopped }
}

/** The interface of whoever has the address. Not clear where it has none yet, or several claim it. */
export function interfaceAt(cluster: OracleCluster, address: string): number | 'elsewhere' | 'unclear' {
  const party = partyAt(cluster, address)
  const claimants = cluster.pods.filter(({ addresses }) => addresses.includes(address))
  if (claimants.length > 1) return 'unclear'
  if (party.kind === 'node') return party.node === cluster.agent?.node ? 'unclear' : 'elsewhere'
  if (party.kind === 'outside') return 'elsewhere'
  const { pod } = party
  if (cluster.attached?.includes(nameOf(pod))) return cluster.agent === undefined ? 'unclear' : 2 + indexOf(pod)
  return pod.node === cluster.agent?.node || pod.node === '' ? 'unclear' : 'elsewhere'
}

const outside = pairMacs(4000)
const protocolNames = { 6: 'TCP', 17: 'UDP' } as const
const syn = 0x02
const ack = 0x10
const firstPort = 20_000
const ports = 40_000

/** Sends packets through the programs, as pods, and whoever is elsewhere, would. */
export class Traffic {
  #sent = 0

  /** The first packet of a new connection of the flow. @returns of `seen` */
  open(backend: Backend, flow: Flow, route: Route): number {
    return this.begin(backend, flow, route).bits
  }

  /** The same, with the port that the connection comes from. */
  begin(backend: Backend, flow: Flow, route: Route): { readonly bits: number; readonly sourcePort: number } {
    const sourcePort = firstPort + (this.#sent++ % ports)
    return { bits: send(backend, flow, route, sourcePort, flow.port, syn), sourcePort }
  }

  /** A further packet of a connection. */
  goOn(backend: Backend, flow: Flow, route: Route, sourcePort: number): number {
    return send(backend, flow, route, sourcePort, flow.port, ack)
  }

  /** A packet that its server sends back. */
  answer(backend: Backend, flow: Flow, route: Route, sourcePort: number): number {
    const back = { ...flow, from: flow.to, to: flow.from }
    return send(backend, back, { from: route.to, to: route.from }, flow.port, sourcePort, syn | ack)
  }
}

function send(
  backend: Backend,
  { from, to, protocol }: Flow,
  route: Route,
  sourcePort: number,
  destinationPort: number,
  flags: number,
): number {
  const sender = route.from === undefined ? undefined : pairMacs(route.from)
  const receiver = route.to === undefined ? undefined : pairMacs(route.to)
  const frame = buildFrame({
    ...{ source: from, destination: to, protocol: protocolNames[protocol], sourcePort, destinationPort, flags },
    sourceMac: sender?.pod ?? receiver?.host ?? outside.pod,
    destinationMac: sender?.host ?? receiver?.pod ?? outside.host,
  })
  const target = route.to
  const net = new VirtualSwitch(backend, address =>
    target !== undefined && address === to ? { ifindex: target, addresses: [to] } : undefined,
  )
  const { kind } = route.from === undefined ? net.toAddress(frame, to) : net.fromEndpoint(route.from, frame, to)
  return kind === 'endpoint' || kind === 'host' ? seen.passed : seen.stopped
}
