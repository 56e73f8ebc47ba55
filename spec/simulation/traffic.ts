import { buildFrame } from '@weir/adapters/demo/packets.js'
import { pairMacs } from '@weir/adapters/network/names.js'
import { type Backend, packetActions, type PacketResult } from '@weir/datapath/backend.js'
import { leavingOf } from '../oracle/egress.js'
import { decide, nameOf, type OracleCluster, type OracleFlow, partyAt } from '../oracle/index.js'
import { outerDevice } from './node-network.js'
import { indexOf } from './places.js'

/** A flow that the simulation sends packets of. */
export interface Flow extends OracleFlow {
  readonly protocol: 6 | 17
}

/** A pod's interface, or this node itself; undefined for what is not on this node. */
export type End = number | 'node' | undefined

/** Whether programs at the node's device judge it, and at no pod's interface. */
export const isJudgedAtDevice = ({ from, to }: Route): boolean =>
  (from === 'node' && to === undefined) || (from === undefined && to === 'node')

/** Between whom a flow's packets go. */
export interface Route {
  readonly from: End
  readonly to: End
}

/** Bits: what may be seen of a flow. */
export const seen = { stopped: 1, passed: 2, either: 3 } as const

/** What a state says of a flow: where its packets go, and what becomes of them. */
export interface Word {
  /** Absent where no packet of it could be: there is no interface, or nobody says whose it is. */
  readonly route?: Route
  /** Of `seen`: what policies let it. */
  readonly bits: number
  /** Of `seen`, `passed` when absent: whether there is a way out of the cluster. Answers go on all the same. */
  readonly ways?: number
}

const unknown: Word = { bits: seen.either }

/** What policies mean for a flow, read off the cluster by the oracle. */
export function wordOf(cluster: OracleCluster, flow: Flow): Word {
  const from = endAt(cluster, flow.from)
  const to = endAt(cluster, flow.to)
  if (from === 'unclear' || to === 'unclear' || from === to) return unknown
  if (typeof from !== 'number' && typeof to !== 'number' && from === to) return unknown
  const route = { from: from === 'elsewhere' ? undefined : from, to: to === 'elsewhere' ? undefined : to }
  const bits = decide(cluster, flow).allowedHere ? seen.passed : seen.stopped
  if (typeof from === 'number' && to === 'elsewhere' && !hasWayOut(cluster, flow))
    return { route, bits, ways: seen.stopped }
  return { route, bits }
}

/** What leaves the cluster by a gateway that isn't there, or has no address, doesn't. */
const hasWayOut = (cluster: OracleCluster, { from, to }: Flow): boolean =>
  (cluster.egressGateways ?? []).length === 0 ||
  partyAt(cluster, to).kind !== 'outside' ||
  leavingOf(cluster, from, to).does !== 'drop'

/** The same of this node. */
function endAt(cluster: OracleCluster, address: string): ReturnType<typeof interfaceAt> | 'node' {
  const found = interfaceAt(cluster, address)
  if (found !== 'unclear' || cluster.agent === undefined) return found
  const party = partyAt(cluster, address)
  return party.kind === 'node' && party.node === cluster.agent.node ? 'node' : found
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
  const sender = typeof route.from === 'number' ? pairMacs(route.from) : undefined
  const receiver = typeof route.to === 'number' ? pairMacs(route.to) : undefined
  const frame = buildFrame({
    ...{ source: from, destination: to, protocol: protocolNames[protocol], sourcePort, destinationPort, flags },
    sourceMac: sender?.pod ?? receiver?.host ?? outside.pod,
    destinationMac: sender?.host ?? receiver?.pod ?? outside.host,
  })
  return travels(backend, frame, route) ? seen.passed : seen.stopped
}

/** Through the programs at the pods' interfaces; of what the node and others say to each other, those at its device. */
function travels(backend: Backend, frame: Uint8Array, { from, to }: Route): boolean {
  const { ifindex } = outerDevice
  if (from === undefined && to === 'node')
    return isLetOn(backend.runProgram('weir_from_device', frame, { ifindex, ingressIfindex: ifindex }))
  if (from === 'node' && to === undefined) return isLetOn(backend.runProgram('weir_to_device', frame, { ifindex }))
  let [packet, mark] = [frame, 0]
  if (typeof from === 'number') {
    const result = backend.runProgram('weir_from_endpoint', frame, { ifindex: from })
    if (result.action === packetActions.drop) return false
    if (result.action === packetActions.redirect) return !isAnswer(result)
    ;({ packet, mark } = result)
  }
  return typeof to !== 'number' || isLetOn(backend.runProgram('weir_to_endpoint', packet, { ifindex: to, mark }))
}

/** Of what is redirected: the program's own answer to the sender bears no mark, and what goes on does, or goes into a pod. */
export const isAnswer = ({ mark, redirect }: PacketResult): boolean => mark === 0 && redirect?.toPeer !== true

const isLetOn = ({ action }: { readonly action: number }): boolean => action !== packetActions.drop
