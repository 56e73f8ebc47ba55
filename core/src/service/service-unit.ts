import type { EndpointSliceFact, ServiceFact, ServicePort, SliceEndpoint } from '../event/service.js'
import { chooseFromCluster, chooseFromNode, type Place } from './choose.js'
import type { ClaimBuilder } from './claims.js'
import type { Backends } from './backends.js'
import type { Condition, Unit, Use } from './model.js'

/** What frontends depend on besides the objects that ask for them. */
export interface Surroundings extends Place {
  /** This node's addresses that have node ports. */
  readonly nodePortAddresses: readonly string[]
}

/** The numbers by which a settling knows what it has seen. */
export interface Turn {
  readonly settled: number
  /** A number that was not used before. */
  nextList(): number
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
  const publish = service.publishNotReadyAddresses === true
  let place = 0
  const conditions = slices.map(slice =>
    slice.endpoints.map(each => conditionOf(each, slice.namespace, publish, around, place++)),
  )
  const byPort = service.ports.map(port => usesOf(unit, port, slices, conditions, backends, turn))
  for (const use of unit.uses) backends.settle(use)
  for (const [index, port] of service.ports.entries()) {
    claimPort(service, port, new Choices(byPort[index]!, service, around, builder), around, builder)
  }
}

function conditionOf(
  endpoint: SliceEndpoint,
  namespace: string,
  publish: boolean,
  { node }: Surroundings,
  place: number,
): Condition {
  const { ready, serving, terminating, zone = '', hints, pod } = endpoint
  return {
    ready: ready || publish,
    serving,
    terminating,
    local: node !== '' && endpoint.node === node,
    zone,
    hints,
    pod: pod === undefined ? '' : `${namespace}/${pod}`,
    place,
  }
}

/** The endpoints of one port, each once, in the slices' order. */
function usesOf(
  unit: Unit,
  port: ServicePort,
  slices: readonly EndpointSliceFact[],
  conditions: readonly (readonly Condition[])[],
  backends: Backends,
  turn: Turn,
): Use[] {
  const list = turn.nextList()
  const uses: Use[] = []
  for (let at = 0; at < slices.length; at++) {
    const slice = slices[at]!
    for (const { name, protocol, port: target } of slice.ports) {
      if (name !== port.name || protocol !== port.protocol) continue
      for (let index = 0; index < slice.endpoints.length; index++) {
        const address = slice.endpoints[index]!.addresses[0]
        if (address === undefined) continue
        const use = backends.use(unit, address, target, protocol, conditions[at]![index]!, turn.settled)
        if (use.listed === list) continue
        use.listed = list
        uses.push(use)
      }
    }
  }
  return uses
}

/** The selections of one port, made when they are asked for, each once. */
class Choices {
  readonly #uses: readonly Use[]
  readonly #service: ServiceFact
  readonly #place: Place
  readonly #builder: ClaimBuilder
  readonly #made: (number | undefined)[] = [undefined, undefined, undefined, undefined]

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
    const made = this.#made[slot]
    if (made !== undefined) return made
    const uses = this.#uses.filter(({ backend }) => backend.address.includes(':') === isSix)
    const chosen = local ? chooseFromNode(uses) : chooseFromCluster(uses, this.#service.topology, this.#place)
    const number = this.#builder.select(chosen)
    this.#made[slot] = number
    return number
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
  const both = { portName, protocol, port, affinitySeconds }
  for (const address of service.clusterIps) {
    builder.add({
      ...both,
      kind: 'clusterIp',
      address,
      internal: { selection: choices.at(address, inside), local: inside },
    })
  }
  // Of the external frontends pods and nodes see every backend: the policy is about clients outside.
  const exposed = (address: string) => ({
    address,
    internal: { selection: choices.at(address, false), local: false },
    external: { selection: choices.at(address, outside), local: outside },
  })
  for (const address of service.loadBalancerIps ?? []) {
    const offers = exposed(address)
    const external =
      ranges === undefined ? offers.external : { ...offers.external, sourceRanges: ofFamily(ranges, address) }
    builder.add({ ...both, ...offers, external, kind: 'loadBalancer' })
  }
  for (const address of service.externalIps ?? []) builder.add({ ...both, ...exposed(address), kind: 'externalIp' })
  if (nodePort === undefined) return
  for (const address of nodePortAddresses)
    builder.add({ ...both, ...exposed(address), port: nodePort, kind: 'nodePort' })
}

const ofFamily = (ranges: readonly string[], address: string): readonly string[] =>
  ranges.filter(range => range.includes(':') === address.includes(':'))
