import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { Prefix } from '../address/address.js'
import type { Labels } from '../event/event.js'
import type { ServiceFact, ServicePort } from '../event/service.js'
import { healthCheckOf } from './health-check.js'
import { address, addressText, canonicalAddresses, canonicalCidrs, cidr } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsServiceLabel, dnsSubdomain } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, nodePort, optionalNumber } from './port.js'
import { missing, type Parsed, refuse } from './problem.js'
import {
  andThen,
  flag,
  integer,
  isMap,
  listOf,
  looseRecord,
  oneOf,
  optional,
  optionalText,
  type Reader,
  record,
} from './reader.js'
import { labels, sortedUnique } from './selector.js'
import { servicePorts } from './service-port.js'

const clusterIp: Reader<string> = (value, path) =>
  value === 'None' ? right('None') : andThen(address, parsed => right(addressText(parsed)))(value, path)

/** Why an address can't be one that clients anywhere send to; undefined when it can. */
const specialty = ({ family, bytes }: Prefix): string | undefined => {
  const [first = 0, second = 0] = bytes
  if (bytes.every(byte => byte === 0)) return 'unspecified'
  if (family === 4) {
    if (first === 127) return 'loopback'
    if (first === 169 && second === 254) return 'link-local'
    return first >= 224 && first < 240 ? 'multicast' : undefined
  }
  if (bytes.every((byte, at) => byte === (at === 15 ? 1 : 0))) return 'loopback'
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'link-local'
  return first === 0xff ? 'multicast' : undefined
}

const externalAddress: Reader<Prefix> = andThen(address, (parsed, path) => {
  const special = specialty(parsed)
  if (special === undefined) return right(parsed)
  return refuse(path, `this is a ${special} address`, addressText(parsed), 'an address that clients can route to')
})

const policy = optionalText(oneOf(['Cluster', 'Local']), 'Cluster' as const)

/** Seconds that a client may keep its backend: up to a day; the API server's default is three hours. */
const affinityMost = 86_400
const affinityDefault = 10_800

const clientIp = record({ timeoutSeconds: optional(integer(1, affinityMost), affinityDefault) })
const affinityConfig = record({ clientIP: optional(clientIp, { timeoutSeconds: affinityDefault }) })

const otherFields = [
  ...['loadBalancerIP', 'ipFamilies', 'ipFamilyPolicy', 'allocateLoadBalancerNodePorts', 'loadBalancerClass'],
]

const noPorts: readonly ServicePort[] = []
const noPrefixes: readonly Prefix[] = []

const written = record(
  {
    type: optionalText(oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']), 'ClusterIP' as const),
    clusterIP: optionalText(clusterIp, undefined),
    clusterIPs: optional(listOf(clusterIp), [] as readonly string[]),
    selector: optional(labels, {} as Labels),
    ports: optional(servicePorts, noPorts),
    externalName: optionalText(dnsSubdomain, undefined),
    externalIPs: optional(listOf(externalAddress), noPrefixes),
    sessionAffinity: optionalText(oneOf(['None', 'ClientIP']), 'None' as const),
    sessionAffinityConfig: optional(affinityConfig, undefined),
    externalTrafficPolicy: policy,
    internalTrafficPolicy: policy,
    loadBalancerSourceRanges: optional(listOf(cidr), undefined),
    healthCheckNodePort: optionalNumber(nodePort),
    publishNotReadyAddresses: optional(flag, false),
    trafficDistribution: optionalText(oneOf(['PreferClose', 'PreferSameZone', 'PreferSameNode']), undefined),
  },
  otherFields,
)

type Written = Extract<ReturnType<typeof written>, { readonly _tag: 'Right' }>['right']
type Spec = Omit<ServiceFact, 'namespace' | 'name' | 'loadBalancerIps'>

/** The settings that say something else than the default. */
const settings = (spec: Written): Partial<Spec> => ({
  ...(spec.externalIPs.length > 0 && { externalIps: canonicalAddresses(spec.externalIPs) }),
  ...(spec.sessionAffinity === 'ClientIP' && {
    affinitySeconds: spec.sessionAffinityConfig?.clientIP.timeoutSeconds ?? affinityDefault,
  }),
  ...(spec.externalTrafficPolicy === 'Local' && { externalTrafficPolicy: 'Local' }),
  ...(spec.internalTrafficPolicy === 'Local' && { internalTrafficPolicy: 'Local' }),
  ...(spec.loadBalancerSourceRanges !== undefined &&
    spec.loadBalancerSourceRanges.length > 0 && {
      loadBalancerSourceRanges: canonicalCidrs(spec.loadBalancerSourceRanges),
    }),
  ...(spec.healthCheckNodePort !== undefined && { healthCheckNodePort: spec.healthCheckNodePort }),
  ...(spec.publishNotReadyAddresses && { publishNotReadyAddresses: true }),
  ...(spec.trafficDistribution !== undefined && { topology: spec.trafficDistribution }),
})

/** What the API server refuses, as the fields don't go together. */
const misfit = (spec: Written, path: string): Parsed<never> | undefined => {
  const { type, ports, externalTrafficPolicy, loadBalancerSourceRanges, healthCheckNodePort } = spec
  const at = (field: string): string => fieldPath(path, field)
  const exposed = type === 'ClusterIP' ? ports.findIndex(port => port.nodePort !== undefined) : -1
  if (exposed >= 0) {
    const field = fieldPath(itemPath(at('ports'), exposed), 'nodePort')
    return refuse(field, 'a ClusterIP service has no node port', ports[exposed]!.nodePort, 'type: NodePort')
  }
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined)
    return refuse(
      at('sessionAffinityConfig'),
      'there is no affinity to configure',
      undefined,
      'sessionAffinity: ClientIP',
    )
  const isExternal = type === 'NodePort' || type === 'LoadBalancer' || spec.externalIPs.length > 0
  if (externalTrafficPolicy === 'Local' && !isExternal)
    return refuse(at('externalTrafficPolicy'), 'nothing outside reaches the service', 'Local', 'type: NodePort')
  if (type !== 'LoadBalancer' && (loadBalancerSourceRanges?.length ?? 0) > 0)
    return refuse(
      at('loadBalancerSourceRanges'),
      `a ${type} service has no load balancer`,
      undefined,
      'type: LoadBalancer',
    )
  if (healthCheckNodePort !== undefined && (type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local')) {
    const expected = 'type: LoadBalancer with externalTrafficPolicy: Local'
    return refuse(at('healthCheckNodePort'), 'nobody asks for this health', healthCheckNodePort, expected)
  }
  if (ports.some(port => port.nodePort === healthCheckNodePort && port.protocol === 'TCP') && healthCheckNodePort)
    return refuse(
      at('healthCheckNodePort'),
      'a port of the service has this number',
      healthCheckNodePort,
      'another port',
    )
  return undefined
}

const spec: Reader<Spec> = andThen(written, (spec, path): Parsed<Spec> => {
  const { type, clusterIP, clusterIPs, selector, ports, externalName } = spec
  if (type === 'ExternalName') {
    if (externalName === undefined)
      return missing(fieldPath(path, 'externalName'), 'a DNS name, as the type is ExternalName')
    return right({ type, clusterIps: [], selector, ports: canonicalPorts(ports) })
  }
  const addresses = clusterIP === undefined ? clusterIPs : [clusterIP, ...clusterIPs.filter(ip => ip !== clusterIP)]
  const headless = addresses.includes('None')
  if (headless && addresses.length > 1)
    return refuse(fieldPath(path, 'clusterIPs'), 'None stands beside an address', addresses, 'None alone')
  if (ports.length === 0 && !headless) return missing(fieldPath(path, 'ports'), 'at least one port')
  const found = misfit(spec, path)
  if (found !== undefined) return found
  return right({
    type,
    clusterIps: sortedFamilies(addresses),
    selector,
    ports: canonicalPorts(ports),
    ...settings(spec),
  })
})

/** IPv4 before IPv6; within a family there is one address at most that counts. */
const sortedFamilies = (addresses: readonly string[]): readonly string[] => {
  const unique = sortedUnique(addresses)
  return [...unique.filter(ip => !ip.includes(':')), ...unique.filter(ip => ip.includes(':'))]
}

const ingress = looseRecord({
  ip: optionalText(address, undefined),
  ipMode: optionalText(oneOf(['VIP', 'Proxy']), 'VIP' as const),
})

/** The load balancer's addresses that arrive at the nodes as they are; a proxy would send to the node's own. */
const status: Reader<readonly Prefix[]> = andThen(
  looseRecord({ loadBalancer: optional(looseRecord({ ingress: optional(listOf(ingress), []) }), { ingress: [] }) }),
  ({ loadBalancer }) =>
    right(loadBalancer.ingress.flatMap(({ ip, ipMode }) => (ip === undefined || ipMode === 'Proxy' ? [] : [ip]))),
)

/** Annotations that ask for hints to be followed, the older name last. */
const topologyAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']

const asksForHints = (raw: unknown): boolean => {
  const found = isMap(raw) && isMap(raw.metadata) ? raw.metadata.annotations : undefined
  return isMap(found) && topologyAnnotations.some(name => /^auto$/i.test(String(found[name] ?? '')))
}

const service = objectOf(
  'v1',
  'Service',
  objectMeta(dnsServiceLabel, true),
  { spec, status: optional(status, noPrefixes) },
  [],
)

/**
 * A v1 Service. `clusterIps` of a headless one is `['None']`; it is empty while none is assigned. The annotation
 * `service.kubernetes.io/topology-mode` comes before `trafficDistribution`, as for Kubernetes.
 */
export const parseService = (raw: unknown): Parsed<ServiceFact> => {
  const parsed = service(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, spec: fields, status: balanced } = parsed.right
  const { namespace, name } = metadata
  const check = healthCheckOf(metadata)
  if (isLeft(check)) return check
  return right({
    namespace,
    name,
    ...fields,
    ...(Object.keys(metadata.labels).length > 0 && { labels: metadata.labels }),
    ...(fields.type === 'LoadBalancer' && balanced.length > 0 && { loadBalancerIps: canonicalAddresses(balanced) }),
    ...(check.right !== undefined && { healthCheck: check.right }),
    ...(fields.type !== 'ExternalName' && asksForHints(raw) && { topology: 'Auto' as const }),
  })
}
