import { type ClusterState, type FlowQuery, type PodFact, type Protocol, protocolNumbers } from '@weir/core'
import { familyOf, hostAddresses, ownAddresses } from '../agent/places.js'
import { demoNetwork } from './addresses.js'

/** One thing to try: a first packet from one party to a port of another. */
export interface Cell {
  /** `shop/web-1`, `host`, `world` */
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly port: number
  readonly flow: FlowQuery
}

/** Somebody who can send, and whose ports can be tried. */
export interface Party {
  readonly name: string
  readonly addresses: readonly string[]
  readonly ports: readonly { readonly protocol: Cell['protocol']; readonly port: number }[]
}

/** The same cell before and after a change. */
export function cellKey(cell: Cell): string {
  return `${cell.from} ${cell.to} ${cell.protocol} ${cell.port} ${cell.family}`
}

/** A local pod with a network of its own and an address. */
function isPluggable(state: ClusterState, pod: PodFact): boolean {
  return !pod.hostNetwork && pod.addresses.length > 0 && pod.node !== '' && pod.node === state.agent?.fact.node
}

/** A pod that gets no interface, as an address of its is somebody else's. */
export interface Contested {
  readonly pod: PodFact
  readonly address: string
  /** `shop/web`, `host`, `world` */
  readonly owner: string
}

/**
 * The pods that get an interface, by key, and those that can't: of several that claim an address the node comes first,
 * then the lower name, as in verdicts.
 */
export function pluggablePods(state: ClusterState): {
  readonly pods: ReadonlyMap<string, PodFact>
  readonly contested: readonly Contested[]
} {
  const owners = new Map<string, string>()
  for (const address of demoNetwork.worldAddresses) owners.set(address, 'world')
  for (const address of ownAddresses(state)) owners.set(address, 'host')
  const pods = new Map<string, PodFact>()
  const contested: Contested[] = []
  for (const [key, { fact: pod }] of [...state.pods].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isPluggable(state, pod)) continue
    const taken = pod.addresses.find(address => owners.has(address))
    if (taken !== undefined) contested.push({ pod, address: taken, owner: owners.get(taken)! })
    else pods.set(key, pod)
    // Whoever comes later doesn't get an address that a pod without an interface owns.
    for (const address of pod.addresses) if (!owners.has(address)) owners.set(address, key)
  }
  return { pods, contested }
}

/** The node's pods by name, then the node itself, then the outside when there is one. The last two have no ports here. */
export function partiesOf(state: ClusterState, world: Party | undefined): readonly Party[] {
  const pods = [...pluggablePods(state).pods.values()]
    .map(
      (pod): Party => ({
        name: `${pod.namespace}/${pod.name}`,
        addresses: pod.addresses,
        ports: triedPorts(servedPorts(state, pod)),
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return [
    ...pods,
    { name: 'host', addresses: hostAddresses(state), ports: [] },
    ...(world === undefined ? [] : [world]),
  ]
}

/** Every party to every port of every other and of itself, in each family that both have. */
export function cellsOf(parties: readonly Party[]): readonly Cell[] {
  return parties.flatMap(from =>
    parties.flatMap(to => {
      // The way between the node and the outside is nobody's policy.
      if (!isPod(from) && !isPod(to)) return []
      return to.ports.flatMap(({ protocol, port }) =>
        ([4, 6] as const).flatMap(family => {
          const source = from.addresses.find(address => familyOf(address) === family)
          const target = to.addresses.find(address => familyOf(address) === family)
          if (source === undefined || target === undefined) return []
          const flow = { from: source, to: target, protocol: protocolNumbers[protocol], port }
          return [{ from: from.name, to: to.name, family, protocol, port, flow }]
        }),
      )
    }),
  )
}

function isPod(party: Party): boolean {
  return party.name.includes('/')
}

/**
 * What the pod listens on. A pod's spec need not name its ports: one that names none serves those that services which
 * select it send to.
 */
export function servedPorts(state: ClusterState, pod: PodFact): PodFact['ports'] {
  if (pod.ports.length > 0) return pod.ports
  const served = new Map<string, PodFact['ports'][number]>()
  for (const { fact: service } of state.services.values()) {
    const wanted = Object.entries(service.selector)
    if (service.namespace !== pod.namespace || wanted.length === 0) continue
    if (!wanted.every(([key, value]) => pod.labels[key] === value)) continue
    for (const { protocol, targetPort } of service.ports)
      if (typeof targetPort === 'number')
        served.set(`${protocol} ${targetPort}`, { name: '', protocol, port: targetPort })
  }
  return [...served.values()]
}

/** By protocol and number: two names for one port are one thing to try. */
function triedPorts(served: PodFact['ports']): Party['ports'] {
  const ports = new Map<string, { protocol: Cell['protocol']; port: number }>()
  for (const { protocol, port } of served) if (isTried(protocol)) ports.set(`${protocol} ${port}`, { protocol, port })
  return [...ports.values()]
}

function isTried(protocol: Protocol): protocol is Cell['protocol'] {
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP'
}
