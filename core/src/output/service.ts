import type { EndpointSliceFact, HealthCheck, ServiceFact, SliceEndpoint } from '../event/service.js'
import { listField, type Written, type WrittenObject } from './written.js'

/** A v1 Service. */
export function writtenService(service: ServiceFact): WrittenObject {
  const { namespace, name, type, clusterIps, selector, labels = {}, ports, topology } = service
  const annotations = {
    ...(service.healthCheck !== undefined && healthAnnotations(service.healthCheck)),
    ...(topology === 'Auto' && { 'service.kubernetes.io/topology-mode': 'Auto' }),
  }
  const addresses = service.loadBalancerIps ?? []
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      ...(type !== 'ClusterIP' && { type }),
      ...(type === 'ExternalName' && { externalName: 'unknown.invalid' }),
      ...(clusterIps.length > 0 && { clusterIP: clusterIps[0] }),
      ...(clusterIps.length > 1 && { clusterIPs: clusterIps }),
      ...(Object.keys(selector).length > 0 && { selector }),
      ...listField(
        'ports',
        ports.map(({ name: portName, ...port }) => ({ ...(portName !== '' && { name: portName }), ...port })),
      ),
      ...settings(service),
    },
    ...(addresses.length > 0 && { status: { loadBalancer: { ingress: addresses.map(ip => ({ ip })) } } }),
  }
}

function settings(service: ServiceFact): Written {
  const { affinitySeconds, externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, topology } = service
  return {
    ...listField('externalIPs', service.externalIps ?? []),
    ...(affinitySeconds !== undefined && {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } },
    }),
    ...(externalTrafficPolicy !== undefined && { externalTrafficPolicy }),
    ...(internalTrafficPolicy !== undefined && { internalTrafficPolicy }),
    ...listField('loadBalancerSourceRanges', service.loadBalancerSourceRanges ?? []),
    ...(healthCheckNodePort !== undefined && { healthCheckNodePort }),
    ...(service.publishNotReadyAddresses === true && { publishNotReadyAddresses: true }),
    ...(topology !== undefined && topology !== 'Auto' && { trafficDistribution: topology }),
  }
}

const healthAnnotations = (check: HealthCheck): Readonly<Record<string, string>> => ({
  'weir.io/health-check': check.path === undefined ? check.kind : `${check.kind}:${check.path}`,
  'weir.io/health-check-interval': String(check.intervalSeconds),
  'weir.io/health-check-timeout': String(check.timeoutSeconds),
  'weir.io/health-check-failures': String(check.failures),
  'weir.io/health-check-successes': String(check.successes),
})

/** A discovery.k8s.io/v1 EndpointSlice. */
export function writtenEndpointSlice(slice: EndpointSliceFact): WrittenObject {
  const { namespace, name, service, endpoints, ports } = slice
  const isSix = endpoints.some(({ addresses }) => addresses.some(address => address.includes(':')))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      ...(service !== '' && { labels: { 'kubernetes.io/service-name': service } }),
    },
    addressType: isSix ? 'IPv6' : 'IPv4',
    endpoints: endpoints.map(endpoint(namespace)),
    ...listField(
      'ports',
      ports.map(({ name: portName, ...port }) => ({ ...(portName !== '' && { name: portName }), ...port })),
    ),
  }
}

const endpoint =
  (namespace: string) =>
  ({ addresses, ready, serving, terminating, node, zone, hints, pod }: SliceEndpoint): Written => ({
    addresses,
    conditions: { ready, serving, terminating },
    ...(node !== undefined && { nodeName: node }),
    ...(zone !== undefined && { zone }),
    ...(hints !== undefined && {
      hints: {
        ...listField(
          'forZones',
          hints.zones.map(each => ({ name: each })),
        ),
        ...listField(
          'forNodes',
          hints.nodes.map(each => ({ name: each })),
        ),
      },
    }),
    ...(pod !== undefined && { targetRef: { kind: 'Pod', namespace, name: pod } }),
  })
