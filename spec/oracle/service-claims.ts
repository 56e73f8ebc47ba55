import type { PodFact } from '@weir/core/event/event.js'
import type { LocalRedirectPolicyFact, ServiceFact } from '@weir/core/event/service.js'
import {
  type Claim,
  isSix,
  type Kind,
  kinds,
  nodePortAddresses,
  sameFamily,
  type Scope,
  type Seen,
} from './balancing.js'
import { isLocal, nameOf, type OracleCluster } from './cluster.js'
import { selects } from './selector.js'
import { hasFrontends, keyOf, membersOf, seenOf, texts, weightOf } from './service-endpoints.js'

export function claimsOfService(cluster: OracleCluster, service: ServiceFact): readonly Claim[] {
  if (!hasFrontends(service)) return []
  const claims: Claim[] = []
  for (const { name, protocol, port, nodePort } of service.ports) {
    const seen = seenOf(cluster, service, name, protocol)
    const claim = (
      kind: Kind,
      address: string,
      number: number,
      scope: Scope,
      local: boolean,
      ranges?: readonly string[],
    ) =>
      claims.push({
        place: `${address} ${number} ${protocol}`,
        at: `${address} ${number} ${protocol} ${scope}`,
        scope,
        kind,
        owner: nameOf(service),
        portName: name,
        members: membersOf(cluster, service, seen.filter(sameFamily(address)), local),
        affinitySeconds: service.affinitySeconds ?? 0,
        local,
        ...(ranges && { sourceRanges: ranges.filter(range => isSix(range) === isSix(address)) }),
      })
    for (const address of service.clusterIps)
      claim('clusterIp', address, port, 'internal', service.internalTrafficPolicy === 'Local')
    const outwards = service.externalTrafficPolicy === 'Local'
    for (const address of service.loadBalancerIps ?? []) {
      claim('loadBalancer', address, port, 'internal', false)
      claim('loadBalancer', address, port, 'external', outwards, service.loadBalancerSourceRanges)
    }
    for (const address of service.externalIps ?? []) {
      claim('externalIp', address, port, 'internal', false)
      claim('externalIp', address, port, 'external', outwards)
    }
    for (const address of nodePort === undefined ? [] : nodePortAddresses(cluster)) {
      // A service of one family has node ports in that one, by its cluster address.
      if (service.clusterIps.length > 0 && !service.clusterIps.some(sameFamilyOf(address))) continue
      claim('nodePort', address, nodePort!, 'internal', false)
      claim('nodePort', address, nodePort!, 'external', outwards)
    }
  }
  return onlyBestOfPlaces(claims)
}

const sameFamilyOf =
  (address: string) =>
  (other: string): boolean =>
    isSix(other) === isSix(address)

/** Both scopes of a place go to the best kind, even where that kind has one scope only. */
function onlyBestOfPlaces(claims: readonly Claim[]): readonly Claim[] {
  const best = (place: string): Kind =>
    kinds.find(kind => claims.some(claim => claim.place === place && claim.kind === kind))!
  return onlyFirst(claims.filter(claim => claim.kind === best(claim.place)))
}

export function claimsOfPod(cluster: OracleCluster, pod: PodFact): readonly Claim[] {
  const seen = seenOfHostPorts(cluster, pod)
  return onlyFirst(
    seen.flatMap(({ hostPort, ...target }) =>
      (hostPort.address === undefined ? nodePortAddresses(cluster) : [hostPort.address])
        .filter(address => isSix(address) === isSix(target.address))
        .flatMap(address =>
          (['internal', 'external'] as const).map(scope => ({
            place: `${address} ${hostPort.port} ${hostPort.protocol}`,
            at: `${address} ${hostPort.port} ${hostPort.protocol} ${scope}`,
            scope,
            kind: 'hostPort' as const,
            owner: nameOf(pod),
            portName: '',
            members: weightOf(cluster, target) > 0 ? texts(cluster, [target]) : [],
            affinitySeconds: 0,
            local: true,
          })),
        ),
    ),
  )
}

/** Of each family the first address serves. */
function seenOfHostPorts(cluster: OracleCluster, pod: PodFact) {
  if (!isLocal(cluster, pod)) return []
  const families = [false, true].flatMap(six => pod.addresses.find(address => isSix(address) === six) ?? [])
  return (pod.hostPorts ?? []).flatMap(hostPort =>
    families.map(address => ({ ...podSeen(pod, address, hostPort), hostPort })),
  )
}

export function podSeen(pod: PodFact, address: string, port: { containerPort: number; protocol: string }): Seen {
  const terminating = pod.terminating === true
  const endpoint = { addresses: [address], ready: !terminating, serving: true, terminating }
  return { address, port: port.containerPort, protocol: port.protocol, endpoint, pod: nameOf(pod) }
}

const onlyFirst = (claims: readonly Claim[]): readonly Claim[] =>
  claims.filter((claim, index) => claims.findIndex(({ at }) => at === claim.at) === index)

/** A redirect is there for what this node's own pods and processes send, while it has a pod to send it to. */
export function claimsOfRedirect(cluster: OracleCluster, redirect: LocalRedirectPolicyFact): readonly Claim[] {
  return onlyFirst(
    takenPorts(cluster, redirect).flatMap(({ address, port, protocol, name }) => {
      const seen = seenOfRedirect(cluster, redirect, name, protocol).filter(sameFamily(address))
      const members = texts(
        cluster,
        uniqueSeen(seen).filter(each => weightOf(cluster, each) > 0),
      )
      if (members.length === 0) return []
      const place = `${address} ${port} ${protocol}`
      return [
        {
          place,
          at: `${place} internal`,
          scope: 'internal' as const,
          kind: 'localRedirect' as const,
          owner: nameOf(redirect),
          portName: name,
          members,
          affinitySeconds: 0,
          local: true,
          ...(redirect.skipRedirectFromBackend && { ofBackends: 'untouched' as const }),
        },
      ]
    }),
  )
}

export const uniqueSeen = (seen: readonly Seen[]): readonly Seen[] =>
  seen.filter((each, index) => seen.findIndex(other => keyOf(other) === keyOf(each)) === index)

export function takenPorts(cluster: OracleCluster, { namespace, frontend }: LocalRedirectPolicyFact) {
  if (frontend.kind === 'address') return frontend.ports.map(port => ({ ...port, address: frontend.address }))
  const service = (cluster.services ?? []).find(each => each.namespace === namespace && each.name === frontend.service)
  const written = (number: number, protocol: string) =>
    frontend.ports.find(each => each.port === number && each.protocol === protocol)
  return (service?.ports ?? [])
    .filter(({ port, protocol }) => frontend.ports.length === 0 || written(port, protocol) !== undefined)
    .flatMap(({ name, port, protocol }) =>
      (service?.clusterIps ?? [])
        .filter(address => address !== 'None')
        .map(address => ({ address, port, protocol, name: written(port, protocol)?.name || name })),
    )
}

/** Names tell which port of the pods is meant, unless there is one on either side. */
export function seenOfRedirect(
  cluster: OracleCluster,
  redirect: LocalRedirectPolicyFact,
  name: string,
  protocol: string,
) {
  const isPlain = takenNumbers(cluster, redirect) === 1 && redirect.backendPorts.length === 1
  const target = redirect.backendPorts.find(each => each.protocol === protocol && (isPlain || each.name === name))
  if (target === undefined) return []
  return cluster.pods
    .filter(pod => pod.namespace === redirect.namespace && isLocal(cluster, pod) && !pod.hostNetwork)
    .filter(pod => pod.ready !== false && pod.terminating !== true && selects(redirect.selector, pod.labels))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .flatMap(pod =>
      pod.addresses.map(address => podSeen(pod, address, { containerPort: target.port, protocol: target.protocol })),
    )
}

function takenNumbers(cluster: OracleCluster, redirect: LocalRedirectPolicyFact): number {
  const { frontend, namespace } = redirect
  if (frontend.kind === 'address') return frontend.ports.length
  const service = (cluster.services ?? []).find(each => each.namespace === namespace && each.name === frontend.service)
  return (service?.ports ?? []).filter(
    port =>
      frontend.ports.length === 0 ||
      frontend.ports.some(each => each.port === port.port && each.protocol === port.protocol),
  ).length
}
