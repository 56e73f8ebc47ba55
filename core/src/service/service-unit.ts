import type { EndpointSliceFact, ServiceFact, ServicePort } from '../event/service.js'
import type { FrontendKind } from '../tables/service-rows.js'
import { chooseFromCluster, chooseFromNode, type Place } from './choose.js'
import type { ClaimBuilder } from './claims.js'
import type { Backends } from './backends.js'
import { appended, type Unit, type Use } from './model.js'

/** What frontends depend on besides the objects that ask for them. */
export interface Surroundings extends Place {
  /** This node's addresses that have node ports. */
  readonly nodePortAddresses: readonly string[]
}

/** The numbers by which a settling knows what it has seen: each is greater than all before. */
export interface Turn {
  /** That of the unit that is settled now. */
  readonly settled: number
  next(): number
}

/** Whether a service has frontends at all. */
export const isProgrammed = ({ type, clusterIps }: ServiceFact): boolean =>
  type !== 'ExternalName' && clusterIps[0] !== 'None'

/**
 * Finds the backends and claims of a service.
 * @param slices of the service, by their names' order
 */
export function compileService(
  unit: Unit,
  service: ServiceFact,
  slices: readonly EndpointSliceFact[],
  around: Surroundings,
  backends: Backends,
  builder: ClaimBuilder,
  turn: Turn,
): void {
  const byPort = service.ports.map(port => usesOf(unit, service, port, slices, around, backends, turn))
  for (const use of unit.uses) backends.settle(use, service.healthCheck !== undefined)
  for (let index = 0; index < byPort.length; index++) {
    const port = service.ports[index]!
    claimPort(service, port, new Choices(byPort[index]!, service, around, builder), around, builder)
  }
}

/** The endpoints of one port, each once, in the slices' order. */
function usesOf(
  unit: Unit,
  { publishNotReadyAddresses, ports }: ServiceFact,
  port: ServicePort,
  slices: readonly EndpointSliceFact[],
  { node }: Surroundings,
  backends: Backends,
  turn: Turn,
): Use[] {
  const publish = publishNotReadyAddresses === true
  // What a unit with one port uses is what that port has.
  const isOnly = ports.length === 1
  const list = turn.next()
  let uses: Use[] = []
  let first = 0
  for (const { ports: targets, endpoints } of slices) {
    for (const { name, protocol, port: target } of targets) {
      if (name !== port.name || protocol !== port.protocol) continue
      for (let index = 0; index < endpoints.length; index++) {
        const endpoint = endpoints[index]!
        const address = endpoint.addresses[0]
        if (address === undefined) continue
        const ready = endpoint.ready || publish
        const local = node !== '' && endpoint.node === node
        const use = backends.use(unit, address, target, protocol, endpoint, ready, local, first + index, turn.settled)
        if (isOnly || use.seen === list) continue
        use.seen = list
        uses = appended(uses, use)
      }
    }
    first += endpoints.length
  }
  return isOnly ? unit.uses : uses
}

/** The zone of this node, for endpoints that are on it. */
export const zoneOf = ({ zone }: Surroundings): { readonly zone?: string } => (zone === '' ? {} : { zone })

/** The selections of one port, made when they are asked for, each once. */
class Choices {
  readonly #uses: readonly Use[]
  readonly #service: ServiceFact
  readonly #place: Place
  readonly #builder: ClaimBuilder
  /** By family and locality; 0: not made yet. */
  readonly #made = [0, 0, 0, 0]

  constructor(uses: readonly Use[], service: ServiceFact, place: Place, builder: ClaimBuilder) {
    this.#uses = uses
    this.#service = service
    this.#place = place
    this.#builder = builder
  }

  /** The selection for frontends at `address`, which is of one family. */
  at(address: string, local: boolean): number {
    const isSix = address.includes(':')
    const slot = (isSix ? 2 : 0) + (local ? 1 : 0)
    const made = this.#made[slot]!
    if (made > 0) return made
    const uses = this.#ofFamily(isSix)
    const chosen = local ? chooseFromNode(uses) : chooseFromCluster(uses, this.#service.topology, this.#place)
    const number = this.#builder.select(chosen)
    this.#made[slot] = number
    return number
  }

  /** Mostly all of them. */
  #ofFamily(isSix: boolean): readonly Use[] {
    for (const { row } of this.#uses) {
      if (row.address.includes(':') === isSix) continue
      return this.#uses.filter(use => use.row.address.includes(':') === isSix)
    }
    return this.#uses
  }
}

function claimPort(
  service: ServiceFact,
  servicePort: ServicePort,
  choices: Choices,
  { nodePortAddresses }: Surroundings,
  builder: ClaimBuilder,
): void {
  const { name: portName, protocol, port, nodePort } = servicePort
  const { affinitySeconds = 0, loadBalancerSourceRanges: ranges } = service
  const inside = service.internalTrafficPolicy === 'Local'
  const outside = service.externalTrafficPolicy === 'Local'
  for (const address of service.clusterIps) {
    const internal = { selection: choices.at(address, inside), local: inside }
    builder.add({ kind: 'clusterIp', address, port, protocol, portName, affinitySeconds, internal })
  }
  if (nodePort === undefined && service.loadBalancerIps === undefined && service.externalIps === undefined) return
  // Of the external frontends pods and nodes see every backend: the policy is about clients outside.
  const expose = (kind: FrontendKind, address: string, at: number, sourceRanges?: readonly string[]): void => {
    const internal = { selection: choices.at(address, false), local: false }
    const selection = choices.at(address, outside)
    const external = { selection, local: outside, ...(sourceRanges && { sourceRanges }) }
    builder.add({ kind, address, port: at, protocol, portName, affinitySeconds, internal, external })
  }
  for (const address of service.loadBalancerIps ?? [])
    expose('loadBalancer', address, port, ranges && ofFamily(ranges, address))
  for (const address of service.externalIps ?? []) expose('externalIp', address, port)
  if (nodePort === undefined) return
  for (const address of nodePortAddresses) if (hasFamilyOf(service, address)) expose('nodePort', address, nodePort)
}

/** Is the service one of the address's family? Its cluster addresses say so; of both while none is assigned. */
const hasFamilyOf = ({ clusterIps }: ServiceFact, address: string): boolean =>
  clusterIps.length === 0 || clusterIps.some(clusterIp => clusterIp.includes(':') === address.includes(':'))

const ofFamily = (ranges: readonly string[], address: string): readonly string[] =>
  ranges.filter(range => range.includes(':') === address.includes(':'))
