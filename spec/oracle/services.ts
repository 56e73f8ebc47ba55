import type { PodFact } from '@weir/core/event/event.js'
import type { LocalRedirectPolicyFact } from '@weir/core/event/service.js'
import {
  type Claim,
  isHere,
  kinds,
  type OracleBackend,
  type OracleFrontend,
  type Scope,
  type Seen,
  zoneOf,
} from './balancing.js'
import { isLocal, type OracleCluster } from './cluster.js'
import {
  claimsOfPod,
  claimsOfRedirect,
  claimsOfService,
  podSeen,
  seenOfRedirect,
  takenPorts,
  uniqueSeen,
} from './service-claims.js'
import { allSeen, best, hasFrontends, keyOf, wordOn } from './service-endpoints.js'

/** Every frontend and backend that there is, by the facts alone. */
export function balancingOf(cluster: OracleCluster): {
  readonly frontends: readonly OracleFrontend[]
  readonly backends: readonly OracleBackend[]
  /** `10.96.0.1 80 TCP: clusterIp default/s over externalIp dev/t` */
  readonly conflicts: readonly string[]
} {
  const claims = [
    ...(cluster.services ?? []).flatMap(service => claimsOfService(cluster, service)),
    ...cluster.pods.flatMap(pod => claimsOfPod(cluster, pod)),
    ...(cluster.redirects ?? []).flatMap(redirect => claimsOfRedirect(cluster, redirect)),
  ]
  return { frontends: winners(claims), backends: backendsOf(cluster), conflicts: conflictsOf(claims) }
}

const ofRedirects = (claim: Claim): boolean => claim.kind === 'localRedirect'

const first = (claims: readonly Claim[]): Claim | undefined =>
  [...claims].sort(
    (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0),
  )[0]

function winners(claims: readonly Claim[]): readonly OracleFrontend[] {
  return [...new Set(claims.map(({ place }) => place))].flatMap(place => {
    const there = claims.filter(claim => claim.place === place)
    const owner = first(there.filter(claim => !ofRedirects(claim)))
    const own = (scope: Scope) => there.find(claim => isSame(claim, owner) && claim.scope === scope)
    const redirect = first(there.filter(ofRedirects))
    const internal = own('internal')
    const over =
      redirect &&
      ({
        ...redirect,
        affinitySeconds: internal?.affinitySeconds ?? 0,
        ...(redirect.ofBackends && { ofBackends: internal?.members ?? ('untouched' as const) }),
      } satisfies Claim)
    return [over ?? internal, own('external')].flatMap(claim => claim ?? []).map(withoutPlace)
  })
}

const isSame = (a: Claim, b: Claim | undefined): boolean => b !== undefined && a.kind === b.kind && a.owner === b.owner

function withoutPlace({ place: _, scope: __, ...frontend }: Claim): OracleFrontend {
  return frontend
}

function conflictsOf(claims: readonly Claim[]): readonly string[] {
  const found = new Set<string>()
  for (const claim of claims) {
    const rivals = claims.filter(each => each.place === claim.place && ofRedirects(each) === ofRedirects(claim))
    const winner = first(rivals)!
    if (!isSame(claim, winner) && claim.owner !== winner.owner)
      found.add(`${claim.place}: ${winner.kind} ${winner.owner} over ${claim.kind} ${claim.owner}`)
  }
  return [...found].sort()
}

/** Whatever a service with frontends, a host port or a redirect in force lists, chosen or not. */
function backendsOf(cluster: OracleCluster): readonly OracleBackend[] {
  const seen = [
    ...(cluster.services ?? []).filter(hasFrontends).flatMap(service => {
      const every = allSeen(cluster, service)
      return [...new Set(every.map(keyOf))].map(key => best(every.filter(each => keyOf(each) === key)))
    }),
    ...cluster.pods.flatMap(pod => hostSeen(cluster, pod)),
    ...(cluster.redirects ?? []).flatMap(redirect => redirectSeen(cluster, redirect)),
  ]
  return [...new Set(seen.map(keyOf))].sort().map(key => {
    const words = seen.filter(each => keyOf(each) === key)
    const said = words.map(each => wordOn(cluster, each)?.state)
    const zones = words.map(each => each.endpoint.zone ?? '').filter(zone => zone !== '')
    const state = said.includes('maintenance')
      ? 'maintenance'
      : said.includes('quarantined')
        ? 'quarantined'
        : words.some(({ endpoint }) => endpoint.ready)
          ? words.some(({ failed }) => failed)
            ? 'unhealthy'
            : 'active'
          : words.some(({ endpoint }) => !endpoint.terminating)
            ? 'notReady'
            : 'terminating'
    return { at: key, local: words.some(each => isHere(cluster, each)), zone: zones.sort()[0] ?? '', state }
  })
}

/** A pod of this node is in the node's zone. */
const placed = (cluster: OracleCluster, seen: Seen): Seen => ({
  ...seen,
  endpoint: { ...seen.endpoint, zone: zoneOf(cluster) },
  here: true,
})

function hostSeen(cluster: OracleCluster, pod: PodFact): readonly Seen[] {
  if (!isLocal(cluster, pod)) return []
  return (pod.hostPorts ?? []).flatMap(port =>
    pod.addresses.map(address => placed(cluster, podSeen(pod, address, port))),
  )
}

function redirectSeen(cluster: OracleCluster, redirect: LocalRedirectPolicyFact): readonly Seen[] {
  const ports = takenPorts(cluster, redirect)
  const noAddress = redirect.frontend.kind === 'service' ? portsWithoutAddress(cluster, redirect) : []
  const all = [...ports, ...noAddress].flatMap(({ name, protocol }) =>
    seenOfRedirect(cluster, redirect, name, protocol),
  )
  return uniqueSeen(all).map(seen => placed(cluster, seen))
}

/** A service that has no address yet has backends all the same. */
function portsWithoutAddress(cluster: OracleCluster, redirect: LocalRedirectPolicyFact) {
  const { frontend, namespace } = redirect
  if (frontend.kind !== 'service') return []
  const service = (cluster.services ?? []).find(each => each.namespace === namespace && each.name === frontend.service)
  return (service?.ports ?? []).flatMap(({ name, port, protocol }) => {
    const written = frontend.ports.find(each => each.port === port && each.protocol === protocol)
    return frontend.ports.length === 0 || written ? [{ name: written?.name || name, protocol }] : []
  })
}
