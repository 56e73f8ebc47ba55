import type { SliceEndpoint } from '../event/service.js'
import { objectKey, type ClusterState } from '../state/state.js'
import type { BackendRow, FrontendRow } from '../tables/service-rows.js'
import { chooseFromCluster, chooseFromNode } from './choose.js'
import type { Use } from './model.js'
import type { Services } from './projection.js'
import { surroundingsOf } from './surroundings.js'

/** Why an endpoint gets new connections of a frontend, or none. */
export type Standing =
  /** It is ready, and nothing speaks against it. */
  | 'ready'
  /** Its checks fail, as do those of all others. */
  | 'failOpen'
  /** It terminates, still serves, and nobody is ready. */
  | 'lastResort'
  /** It was put out of use by a word on it. */
  | 'quarantined'
  | 'maintenance'
  /** Its weight is 0. */
  | 'weightless'
  /** It is on another node, and a traffic policy wants those of this one. */
  | 'otherNode'
  /** Its checks fail, and not those of all. */
  | 'unhealthy'
  | 'notReady'
  | 'terminating'
  /** Hints say that it is for another zone or node. */
  | 'hintedElsewhere'

/** An endpoint that a frontend may lead to. */
export interface Candidate {
  readonly backend: BackendRow
  readonly endpoint: SliceEndpoint
  /** Its share beside the others that are chosen; 0 by what was said of it. */
  readonly weight: number
  readonly standing: Standing
  readonly isChosen: boolean
}

/** Every endpoint of the frontend's port in its family, chosen or not, by address and port. */
export function candidatesOf(row: FrontendRow, state: ClusterState, services: Services): readonly Candidate[] {
  const uses = usesFor(row, state, services).filter(use => use.row.address.includes(':') === row.address.includes(':'))
  const chosen = chosenFrom(uses, row, state)
  return uses
    .map((use): Candidate => {
      const { row: backend, endpoint, weight } = use
      const isChosen = chosen.has(use)
      return { backend, endpoint, weight, standing: standingOf(use, isChosen, row.local), isChosen }
    })
    .sort((a, b) => compareSockets(a.backend, b.backend))
}

/** Whether the frontend's members were found by the rules for services; else they are the pods themselves. */
const isOfService = ({ kind }: FrontendRow): boolean => kind !== 'hostPort' && kind !== 'localRedirect'

function usesFor(row: FrontendRow, state: ClusterState, services: Services): readonly Use[] {
  const { namespace, name, kind } = row
  if (isOfService(row)) return usesOfPort(row, services)
  const unit = kind === 'hostPort' ? 'pod' : 'redirect'
  const ports = targetsOf(row, state, services)
  return [...ports].flatMap(([address, port]) =>
    [...services.backends.usesOf(address, port, row.protocol)].filter(
      use => use.unit.kind === unit && use.unit.namespace === namespace && use.unit.name === name,
    ),
  )
}

/** The endpoints of a service's port, each once, in the slices' order. */
function usesOfPort({ namespace, name, portName, protocol }: FrontendRow, services: Services): readonly Use[] {
  const found = new Set<Use>()
  for (const { ports, endpoints } of services.slicesOf(objectKey(namespace, name)))
    for (const port of ports) {
      if (port.name !== portName || port.protocol !== protocol) continue
      for (const { addresses } of endpoints)
        for (const use of services.backends.usesOf(addresses[0] ?? '', port.port, protocol))
          if (use.unit.kind === 'service' && use.unit.namespace === namespace && use.unit.name === name) found.add(use)
    }
  return [...found]
}

/** Addresses and ports of the pods that a host port or a redirect may lead to. */
function* targetsOf(
  { kind, address: at, namespace, name, port, protocol, selection }: FrontendRow,
  state: ClusterState,
  { tables }: Services,
): Iterable<readonly [address: string, port: number]> {
  if (kind === 'hostPort') {
    const pod = state.pods.get(objectKey(namespace, name))?.fact
    const { nodePortAddresses } = surroundingsOf(state)
    const isAt = (only: string | undefined): boolean =>
      only === undefined ? nodePortAddresses.includes(at) : only === at
    const host = pod?.hostPorts?.find(each => each.port === port && each.protocol === protocol && isAt(each.address))
    const address = pod?.addresses.find(each => each.includes(':') === at.includes(':'))
    if (host !== undefined && address !== undefined) yield [address, host.containerPort]
    return
  }
  for (const number of tables.selections.get(selection)?.backends ?? []) {
    const backend = tables.backends.get(number)
    if (backend !== undefined) yield [backend.address, backend.port]
  }
}

function chosenFrom(uses: readonly Use[], row: FrontendRow, state: ClusterState): ReadonlySet<Use> {
  if (!isOfService(row)) return new Set(uses.filter(({ weight }) => weight > 0))
  if (row.local) return new Set(chooseFromNode(uses))
  const topology = state.services.get(objectKey(row.namespace, row.name))?.fact.topology
  return new Set(chooseFromCluster(uses, topology, surroundingsOf(state)))
}

function standingOf(
  { row, endpoint, weight, ready, local, unhealthy }: Use,
  isChosen: boolean,
  onlyLocal: boolean,
): Standing {
  if (isChosen) return ready ? (unhealthy ? 'failOpen' : 'ready') : 'lastResort'
  if (weight === 0) {
    const { state } = row
    return state === 'quarantined' || state === 'maintenance' ? state : 'weightless'
  }
  if (onlyLocal && !local) return 'otherNode'
  if (ready) return unhealthy ? 'unhealthy' : 'hintedElsewhere'
  return endpoint.terminating ? 'terminating' : 'notReady'
}

function compareSockets(a: BackendRow, b: BackendRow): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port
}
