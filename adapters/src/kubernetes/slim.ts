import { isMap } from '@weir/core/input/reader.js'

type Map = Readonly<Record<string, unknown>>

/** What is to be kept of a value. A list's items are kept by the same rule each. */
type Keep = (value: unknown) => unknown

const all: Keep = value => value

const each =
  (keep: Keep): Keep =>
  value =>
    Array.isArray(value) ? value.map(keep) : value

/** Only these fields, and none that is `null`, which the API server writes for some empty lists. */
const only =
  (fields: Readonly<Record<string, Keep>>): Keep =>
  value => {
    if (!isMap(value)) return value
    const kept: Record<string, unknown> = {}
    for (const [name, keep] of Object.entries(fields))
      if (value[name] !== undefined && value[name] !== null) kept[name] = keep(value[name])
    return kept
  }

const metadata = only({ name: all, namespace: all, labels: all, annotations: all, deletionTimestamp: all })

const withoutAnnotations = only({ name: all, namespace: all, labels: all, deletionTimestamp: all })

const ports = each(only({ name: all, containerPort: all, protocol: all, hostPort: all, hostIP: all }))
const containers = each(only({ ports, restartPolicy: all }))

const isReady = (condition: unknown): boolean => isMap(condition) && condition.type === 'Ready'

const pod: Readonly<Record<string, Keep>> = {
  metadata: withoutAnnotations,
  spec: only({
    containers,
    initContainers: containers,
    serviceAccountName: all,
    serviceAccount: all,
    nodeName: all,
    hostNetwork: all,
  }),
  status: only({
    phase: all,
    podIP: all,
    podIPs: all,
    conditions: value => (Array.isArray(value) ? value.filter(isReady) : value),
  }),
}

const service: Readonly<Record<string, Keep>> = {
  metadata,
  spec: only({
    ...{ type: all, clusterIP: all, clusterIPs: all, selector: all, externalName: all, externalIPs: all },
    ports: each(only({ name: all, protocol: all, port: all, targetPort: all, nodePort: all })),
    ...{ sessionAffinity: all, sessionAffinityConfig: all, externalTrafficPolicy: all, internalTrafficPolicy: all },
    ...{ loadBalancerSourceRanges: all, healthCheckNodePort: all, publishNotReadyAddresses: all },
    trafficDistribution: all,
  }),
  status: all,
}

const zoneLabel = 'topology.kubernetes.io/zone'

/** Up to v1beta1 the zone stood among other labels of the endpoint's node. */
const endpoint: Keep = value => {
  const topology = isMap(value) && isMap(value.topology) ? value.topology : {}
  const kept = only({
    ...{ addresses: all, conditions: all, nodeName: all, zone: all, hints: all },
    targetRef: all,
  })(value)
  if (!isMap(kept)) return kept
  const node = kept.nodeName ?? topology['kubernetes.io/hostname']
  const zone = kept.zone ?? topology[zoneLabel]
  return { ...kept, ...(node !== undefined && { nodeName: node }), ...(zone !== undefined && { zone }) }
}

const slice: Readonly<Record<string, Keep>> = {
  metadata: withoutAnnotations,
  addressType: all,
  endpoints: each(endpoint),
  ports: each(only({ name: all, protocol: all, port: all })),
}

/**
 * Kinds whose other fields have no bearing on the network, whatever a newer API server adds to them. A policy is kept
 * whole: a field that nobody here knows may be what closes it.
 */
const known: ReadonlyMap<string, Keep> = new Map([
  ['Pod', only(pod)],
  ['Namespace', only({ metadata: withoutAnnotations })],
  [
    'Node',
    only({
      metadata: withoutAnnotations,
      spec: only({ podCIDR: all, podCIDRs: all }),
      status: only({ addresses: all }),
    }),
  ],
  ['Service', only(service)],
  ['EndpointSlice', only(slice)],
])

const policy = (raw: Map): Map => {
  const { metadata: meta, status: _, ...rest } = raw
  return { ...rest, metadata: metadata(meta) }
}

/** Versions that are read as another one, which says the same in other words. */
const readAs: ReadonlyMap<string, string> = new Map([['discovery.k8s.io/v1beta1', 'discovery.k8s.io/v1']])

/**
 * What of an object may decide something, in the form of a manifest. The rest can be forgotten at once.
 *
 * @param raw as the API server sends it, in a list without kind and version of its own
 */
export function slim(raw: unknown, apiVersion: string, kind: string): unknown {
  if (!isMap(raw)) return raw
  const kept = known.get(kind)?.(raw) ?? policy(raw)
  return { ...(kept as Map), apiVersion: readAs.get(apiVersion) ?? apiVersion, kind }
}
