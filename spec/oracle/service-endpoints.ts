import type { BackendFact, EndpointSliceFact, ServiceFact } from '@weir/core/event/service.js'
import { isHere, type Seen, zoneOf } from './balancing.js'
import { nameOf, type OracleCluster } from './cluster.js'

export const hasFrontends = ({ type, clusterIps }: ServiceFact): boolean =>
  type !== 'ExternalName' && !clusterIps.includes('None')

/** The endpoints of a port, each once: what speaks best of it counts, in every port the same. */
export function seenOf(cluster: OracleCluster, service: ServiceFact, name: string, protocol: string): readonly Seen[] {
  const every = allSeen(cluster, service)
  const keys = new Set(every.filter(each => each.portName === name && each.protocol === protocol).map(keyOf))
  return [...keys].map(key => best(every.filter(each => keyOf(each) === key)))
}

const goodness = ({ endpoint: { ready, serving, terminating } }: Seen): number =>
  ready ? 3 : terminating && serving ? 2 : terminating ? 0 : 1

export function best<Each extends Seen>(seen: readonly Each[]): Each {
  const most = Math.max(...seen.map(goodness))
  return seen.find(each => goodness(each) === most)!
}

/** Everything that the slices of a service say, slice by slice; not-ready endpoints are ready where that is asked for. */
export function allSeen(
  cluster: OracleCluster,
  service: ServiceFact,
): readonly (Seen & { readonly portName: string })[] {
  return slicesOf(cluster, service).flatMap(slice =>
    service.ports.flatMap(({ name, protocol }) =>
      slice.ports
        .filter(port => port.name === name && port.protocol === protocol)
        .flatMap(({ port }) =>
          slice.endpoints.flatMap(endpoint => {
            const [address] = endpoint.addresses
            if (address === undefined) return []
            const ready = endpoint.ready || service.publishNotReadyAddresses === true
            const pod = endpoint.pod === undefined ? '' : `${slice.namespace}/${endpoint.pod}`
            const failed =
              service.healthCheck !== undefined &&
              (cluster.failedChecks ?? []).some(
                check => check.address === address && check.port === port && check.protocol === protocol,
              )
            return [{ address, port, protocol, endpoint: { ...endpoint, ready }, pod, portName: name, failed }]
          }),
        ),
    ),
  )
}

function slicesOf(cluster: OracleCluster, service: ServiceFact): readonly EndpointSliceFact[] {
  return (cluster.slices ?? [])
    .filter(slice => slice.namespace === service.namespace && slice.service === service.name)
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

export function membersOf(
  cluster: OracleCluster,
  service: ServiceFact,
  all: readonly Seen[],
  local: boolean,
): readonly string[] {
  const here = local ? all.filter(seen => isHere(cluster, seen)) : all
  const able = here.filter(seen => weightOf(cluster, seen) > 0)
  const every = able.filter(({ endpoint }) => endpoint.ready)
  const ready = every.every(({ failed }) => failed) ? every : every.filter(({ failed }) => !failed)
  if (ready.length === 0)
    return texts(
      cluster,
      able.filter(({ endpoint }) => endpoint.terminating && endpoint.serving),
    )
  return texts(cluster, local ? ready : near(cluster, service, ready))
}

function near(cluster: OracleCluster, { topology }: ServiceFact, ready: readonly Seen[]): readonly Seen[] {
  if (topology === undefined) return ready
  const node = cluster.agent?.node ?? ''
  const zone = zoneOf(cluster)
  if (topology === 'PreferSameNode' && ready.every(({ endpoint }) => (endpoint.hints?.nodes ?? []).length > 0)) {
    const close = ready.filter(({ endpoint }) => endpoint.hints?.nodes.includes(node))
    if (close.length > 0 && node !== '') return close
  }
  if (!ready.every(({ endpoint }) => (endpoint.hints?.zones ?? []).length > 0)) return ready
  const close = ready.filter(({ endpoint }) => endpoint.hints?.zones.includes(zone))
  return close.length > 0 && zone !== '' ? close : ready
}

export const texts = (cluster: OracleCluster, seen: readonly Seen[]): readonly string[] =>
  seen.map(each => `${keyOf(each)} *${weightOf(cluster, each)}`).sort()

export const keyOf = ({ address, port, protocol }: Seen): string => `${address} ${port} ${protocol}`

/** What was said of the backend itself, else of its pod. */
export function wordOn(cluster: OracleCluster, seen: Seen): BackendFact | undefined {
  const words = cluster.backends ?? []
  const own = words.find(
    ({ target }) =>
      target.kind === 'address' &&
      target.address === seen.address &&
      target.port === seen.port &&
      target.protocol === seen.protocol,
  )
  return own ?? words.find(({ target }) => target.kind === 'pod' && nameOf(target) === seen.pod)
}

export function weightOf(cluster: OracleCluster, seen: Seen): number {
  const word = wordOn(cluster, seen)
  return word === undefined ? 1 : word.state === 'active' ? (word.weight ?? 1) : 0
}
