import type { NamedPort, ObjectKey, PodFact } from '@weir/core/event/event.js'
import type { EndpointSliceFact, ServiceFact, SliceEndpoint } from '@weir/core/event/service.js'
import { standsFast } from './diff.js'
import type { KnownFacts } from './known.js'
import { keyText, type ManifestObject, type ManifestPart, type ManifestSet } from './set.js'

/** Kinds that say nothing of services and their pods. */
const unconcerned: ReadonlySet<string> = new Set([
  'Namespace',
  'NetworkPolicy',
  'CiliumNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'CiliumCIDRGroup',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
])

/** Whether slices that are derived may change with this part of a set. */
export const concernsSlices = ({ keys }: ManifestPart): boolean =>
  [...keys.values()].some(({ kind }) => !unconcerned.has(kind))

/**
 * Adds the endpoint slices that a cluster's control plane would make: of each service that selects pods and has no slice
 * of its own. Pods have their addresses by then; objects that stand as they were, since what the set says of them is
 * refused, count too. A service's pods may resolve a named target port to different numbers: there is one slice for each
 * family and each list of numbers. They are facts of a source of their own, at the service's place.
 *
 * @param isOthers Whether an object in force is of another source, which has slices of its own; none is when absent
 */
export function deriveSlices(
  set: ManifestSet,
  known: KnownFacts,
  isOthers: (key: ObjectKey) => boolean = () => false,
): ManifestSet {
  const bodies = set.objects.flatMap(object => object.bodies)
  const standing = standingFacts(set, known, isOthers)
  const own = new Set(
    [...bodies.flatMap(body => (body.kind === 'endpointslice.upserted' ? [body.slice] : [])), ...standing.slices].map(
      ({ namespace, service }) => placeOf(namespace, service),
    ),
  )
  const pods = new Map<string, PodFact[]>()
  for (const pod of [...bodies.flatMap(body => (body.kind === 'pod.upserted' ? [body.pod] : [])), ...standing.pods]) {
    const there = pods.get(pod.namespace)
    if (there === undefined) pods.set(pod.namespace, [pod])
    else there.push(pod)
  }
  const derivedFrom = (service: ServiceFact, file: string, line: number): readonly ManifestObject[] => {
    if (own.has(placeOf(service.namespace, service.name))) return []
    return slicesOf(service, pods.get(service.namespace) ?? []).map(slice => ({
      object: { kind: 'EndpointSlice', namespace: slice.namespace, name: slice.name },
      file,
      line,
      bodies: [{ kind: 'endpointslice.upserted', slice }],
      running: true,
      isDerived: true,
    }))
  }
  const derived = [
    ...set.objects.flatMap(({ bodies, file, line }) =>
      bodies.flatMap(body => (body.kind === 'service.upserted' ? derivedFrom(body.service, file, line) : [])),
    ),
    ...standing.services.flatMap(service => derivedFrom(service, set.root, 1)),
  ]
  return derived.length === 0 ? set : { ...set, objects: [...set.objects, ...derived] }
}

/** What is in force and stays so although the set doesn't have it. Slices that were derived are made anew. */
function standingFacts(set: ManifestSet, known: KnownFacts, isOthers: (key: ObjectKey) => boolean) {
  if (set.refusals.length === 0 && !set.incomplete) return { pods: [], services: [], slices: [] }
  const stands = standsFast(set)
  const said = new Set(
    set.objects.flatMap(({ bodies }) =>
      bodies.flatMap(body =>
        body.kind === 'pod.upserted'
          ? [keyText({ kind: 'Pod', namespace: body.pod.namespace, name: body.pod.name })]
          : body.kind === 'service.upserted'
            ? [keyText({ kind: 'Service', namespace: body.service.namespace, name: body.service.name })]
            : [],
      ),
    ),
  )
  const isLeft = (kind: string, { namespace, name }: { namespace: string; name: string }, workload?: string): boolean =>
    !said.has(keyText({ kind, namespace, name })) &&
    stands({ kind, namespace, name }, workload) &&
    !isOthers({ kind, namespace, name })
  return {
    pods: [...known.pods.values()].flatMap(({ fact }) => (isLeft('Pod', fact, fact.workload) ? [fact] : [])),
    services: [...known.services.values()].flatMap(({ fact }) => (isLeft('Service', fact) ? [fact] : [])),
    slices: [...(known.endpointSlices?.values() ?? [])].flatMap(({ fact }) =>
      !isDerivedName(fact) && isLeft('EndpointSlice', fact) ? [fact] : [],
    ),
  }
}

const placeOf = (namespace: string, service: string): string => `${namespace}/${service}`

/** One for each family and list of ports that some of its pods have, named by both. */
function slicesOf(service: ServiceFact, pods: readonly PodFact[]): readonly EndpointSliceFact[] {
  const wanted = Object.entries(service.selector)
  if (wanted.length === 0 || service.type === 'ExternalName' || service.clusterIps.includes('None')) return []
  const chosen = pods
    .filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const slices = new Map<
    string,
    { readonly six: boolean; readonly ports: readonly NamedPort[]; endpoints: SliceEndpoint[] }
  >()
  for (const pod of chosen) {
    const ports = portsOf(service, pod)
    if (ports.length === 0) continue
    for (const address of pod.addresses) {
      const six = address.includes(':')
      const key = `${six ? 'ipv6' : 'ipv4'} ${JSON.stringify(ports)}`
      const slice = slices.get(key) ?? { six, ports, endpoints: [] }
      slices.set(key, slice)
      slice.endpoints.push(endpointOf(pod, address))
    }
  }
  const counts = { ipv4: 0, ipv6: 0 }
  return [...slices]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { six, ports, endpoints }]) => {
      const family = six ? 'ipv6' : 'ipv4'
      counts[family] += 1
      const { namespace, name } = service
      return { namespace, name: `${name}${derivedMark}${family}-${counts[family]}`, service: name, endpoints, ports }
    })
}

const derivedMark = '-derived-'

const isDerivedName = ({ name, service }: EndpointSliceFact): boolean => name.startsWith(`${service}${derivedMark}`)

/** The service's ports as this pod has them; one whose name the pod doesn't know is left out. */
function portsOf(service: ServiceFact, pod: PodFact): readonly NamedPort[] {
  return service.ports.flatMap(({ name, protocol, targetPort }) => {
    if (typeof targetPort === 'number') return [{ name, protocol, port: targetPort }]
    const found = pod.ports.find(port => port.name === targetPort && port.protocol === protocol)
    return found === undefined ? [] : [{ name, protocol, port: found.port }]
  })
}

/** A pod that terminates serves on as long as it is ready. */
function endpointOf(pod: PodFact, address: string): SliceEndpoint {
  const serving = pod.ready !== false
  const terminating = pod.terminating === true
  return {
    addresses: [address],
    ready: serving && !terminating,
    serving,
    terminating,
    ...(pod.node !== '' && { node: pod.node }),
    pod: pod.name,
  }
}
