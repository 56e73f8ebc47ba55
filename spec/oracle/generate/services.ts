import type { EventBody, HostPort, PodFact } from '@weir/core/event/event.js'
import type {
  BackendFact,
  BackendCheckFact,
  EndpointSliceFact,
  HealthCheck,
  LocalRedirectPolicyFact,
  ServiceFact,
  ServicePort,
  SliceEndpoint,
} from '@weir/core/event/service.js'
import fc from 'fast-check'
import { nodeAddresses, ownAddresses, podAddresses } from './addresses.js'
import { type Batches, batchesOf } from './history.js'
import { labels, nodeNames, pick, podLabelKeys, podNames } from './names.js'

/*
 * Few addresses, ports and names, so that services claim each other's addresses, slices speak of one endpoint twice,
 * and what is said of a backend meets one that is there.
 */

const serviceNames = ['s', 's', 's', 't'] as const
const virtualAddresses = ['10.96.0.1', '10.96.0.2', 'fd00:96::1'] as const
const outerAddresses = ['198.51.100.1', '2001:db8:5::1', ...virtualAddresses, '192.168.0.1'] as const
/** Blocks of clients: one within another, and one of the other family, so that some services are for nobody of a family. */
const sourceBlocks = ['198.51.100.0/24', '203.0.113.0/24', '203.0.113.0/25', '2001:db8:c::/48'] as const
const zones = ['z1', 'z2'] as const
const protocols = ['TCP', 'TCP', 'TCP', 'UDP'] as const
const portNumbers = [80, 81] as const
const portNames = ['', '', '', 'http'] as const

const anyNamespace = pick(['default', 'default', 'default', 'default', 'default', 'dev'])

const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { freq: 3, nil: undefined })
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** Fields that hold something. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

const servicePort: fc.Arbitrary<ServicePort> = fc
  .record({
    name: pick(portNames),
    protocol: pick(protocols),
    port: pick(portNumbers),
    nodePort: often(pick([30080, 30081])),
  })
  .map(({ nodePort, ...port }) => ({ ...port, targetPort: 80, ...present({ nodePort }) }))

const someOf = <T>(values: readonly T[], most: number) => fc.uniqueArray(pick(values), { maxLength: most })
const filled = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list)

const aCheck: HealthCheck = { kind: 'tcp', intervalSeconds: 10, timeoutSeconds: 1, failures: 3, successes: 1 }

const service: fc.Arbitrary<ServiceFact> = fc
  .record({
    namespace: anyNamespace,
    name: pick(serviceNames),
    type: pick(['ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName'] as const),
    clusterIps: fc.oneof(
      { weight: 8, arbitrary: someOf(virtualAddresses, 2) },
      { weight: 1, arbitrary: fc.constant(['None']) },
    ),
    ports: fc.uniqueArray(servicePort, {
      minLength: 1,
      maxLength: 2,
      selector: ({ protocol, port }) => `${protocol} ${port}`,
    }),
    externalIps: someOf(outerAddresses, 2),
    loadBalancerIps: someOf(outerAddresses, 2),
    affinitySeconds: seldom(pick([60, 10_800])),
    externalTrafficPolicy: often(fc.constant('Local' as const)),
    internalTrafficPolicy: seldom(fc.constant('Local' as const)),
    loadBalancerSourceRanges: seldom(fc.subarray([...sourceBlocks], { minLength: 1 })),
    publishNotReadyAddresses: seldom(fc.constant(true as const)),
    topology: often(pick(['Auto', 'PreferSameNode', 'PreferSameNode'] as const)),
    healthCheck: often(fc.constant(aCheck)),
  })
  .map(({ namespace, name, type, clusterIps, ports, externalIps, loadBalancerIps, ...rest }) => ({
    namespace,
    name,
    type,
    clusterIps,
    selector: {},
    ports,
    ...present({ externalIps: filled(externalIps), loadBalancerIps: filled(loadBalancerIps), ...rest }),
  }))

const target = fc.record({ namespace: anyNamespace, pod: pick(podNames) })

const hints = fc.record({
  zones: fc.uniqueArray(pick(zones), { minLength: 1, maxLength: 2 }),
  nodes: fc.oneof(
    { weight: 3, arbitrary: pick(nodeNames).map(name => [name]) },
    { weight: 1, arbitrary: fc.constant([]) },
  ),
})

/** Mostly good ones: every endpoint must have a hint for any to count. */
const endpoint = (six: boolean): fc.Arbitrary<SliceEndpoint> =>
  fc
    .record({
      at: target,
      ready: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      node: fc.oneof({ weight: 4, arbitrary: pick(nodeNames) }, { weight: 1, arbitrary: fc.constant(undefined) }),
      zone: often(pick(zones)),
      hints: fc.oneof({ weight: 9, arbitrary: hints }, { weight: 1, arbitrary: fc.constant(undefined) }),
      named: fc.boolean(),
    })
    .map(({ at, ready, serving, terminating, named, ...rest }) => ({
      addresses: [ownAddresses(at.namespace, at.pod, 0)[six ? 1 : 0]],
      ready,
      serving: ready || serving,
      terminating: !ready && terminating,
      ...present({ ...rest, pod: named ? at.pod : undefined }),
    }))

/** Endpoints that are about to go. */
const ending = (six: boolean): fc.Arbitrary<SliceEndpoint> =>
  fc
    .tuple(endpoint(six), fc.boolean())
    .map(([drawn, serving]) => ({ ...drawn, ready: false, serving, terminating: true }))

const slice: fc.Arbitrary<EndpointSliceFact> = pick([false, false, true]).chain(six =>
  fc.record({
    namespace: anyNamespace,
    name: pick(['s-1', 's-2', 't-1']),
    service: pick(serviceNames),
    endpoints: fc.oneof(
      { weight: 4, arbitrary: fc.array(endpoint(six), { minLength: 1, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.array(ending(six), { maxLength: 3 }) },
    ),
    ports: fc.uniqueArray(fc.record({ name: pick(portNames), protocol: pick(protocols), port: pick([8080, 8081]) }), {
      minLength: 1,
      maxLength: 2,
      selector: each => JSON.stringify(each),
    }),
  }),
)

const hostPort: fc.Arbitrary<HostPort> = fc
  .record({
    protocol: pick(protocols),
    port: pick([80, 30080]),
    containerPort: pick([8080, 8081]),
    address: often(pick(['192.168.0.1', '10.96.0.1', 'fd00:96::1'])),
  })
  .map(({ address, ...rest }) => ({ ...rest, ...present({ address }) }))

const pod: fc.Arbitrary<PodFact> = target.chain(({ namespace, pod: name }) =>
  fc
    .record({
      labels: labels(podLabelKeys),
      node: pick(['here', 'here', 'there', '']),
      addresses: podAddresses(namespace, name),
      hostNetwork: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      hostPorts: often(
        fc.uniqueArray(hostPort, { minLength: 1, maxLength: 2, selector: each => JSON.stringify(each) }),
      ),
      ready: seldom(fc.constant(false as const)),
      terminating: seldom(fc.constant(true as const)),
    })
    .map(({ hostPorts, ready, terminating, ...rest }) => ({
      namespace,
      name,
      serviceAccount: 'default',
      ports: [],
      ...rest,
      ...present({ hostPorts: rest.hostNetwork ? undefined : hostPorts, ready, terminating }),
    })),
)

const redirectPort = fc.record({ name: pick(portNames), protocol: pick(protocols), port: pick([80, 80, 80, 81]) })
const redirectPorts = (least: number) =>
  fc.uniqueArray(redirectPort, { minLength: least, maxLength: 2, selector: ({ name }) => name })

const redirect: fc.Arbitrary<LocalRedirectPolicyFact> = fc.record({
  namespace: anyNamespace,
  name: pick(['q', 'r']),
  frontend: fc.oneof(
    fc.record({
      kind: fc.constant('address' as const),
      address: pick(['169.254.169.254', '10.96.0.1', '10.96.0.1', '10.96.0.1']),
      ports: redirectPorts(1),
    }),
    fc.record({ kind: fc.constant('service' as const), service: pick(serviceNames), ports: redirectPorts(0) }),
  ),
  selector: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: pick(['x', 'y']).map(value => [{ key: 'app', operator: 'In' as const, values: [value] }]),
    },
  ),
  backendPorts: redirectPorts(1),
  skipRedirectFromBackend: pick([true, true, false]),
})

const backend: fc.Arbitrary<BackendFact> = fc
  .record({
    target: fc.oneof(
      fc
        .record({ at: target, six: fc.boolean(), port: pick([8080, 8081, 80]), protocol: pick(protocols) })
        .map(({ at, six, port, protocol }) => ({
          kind: 'address' as const,
          address: ownAddresses(at.namespace, at.pod, 0)[six ? 1 : 0],
          port,
          protocol,
        })),
      target.map(({ namespace, pod: name }) => ({ kind: 'pod' as const, namespace, name })),
    ),
    state: pick(['active', 'active', 'quarantined', 'maintenance'] as const),
    weight: often(pick([0, 1, 7, 65_535])),
  })
  .map(({ weight, ...rest }) => ({ ...rest, ...present({ weight }) }))

/** Mostly what fails: what succeeds takes that back. */
const check: fc.Arbitrary<BackendCheckFact> = fc
  .record({
    at: target,
    six: fc.boolean(),
    port: pick([8080, 8081]),
    protocol: pick(protocols),
    healthy: pick([false, false, true]),
  })
  .map(({ at, six, healthy, ...rest }) => ({
    address: ownAddresses(at.namespace, at.pod, 0)[six ? 1 : 0],
    ...rest,
    healthy,
    ...present({ reason: healthy ? undefined : 'ECONNREFUSED' }),
  }))

const nodeEvents: fc.Arbitrary<EventBody> = fc
  .record({ name: pick(nodeNames), zone: seldom(pick(zones)), bare: fc.nat(5) })
  .map(({ name, zone, bare }) => ({
    kind: 'node.upserted',
    node: {
      name,
      labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone },
      addresses: bare === 0 ? [] : nodeAddresses(name),
      podCidrs: [],
    },
  }))

const agentEvents: fc.Arbitrary<EventBody> = fc
  .record({
    node: pick(['here', 'here', 'there']),
    nodePortAddresses: often(pick([[], ['192.168.0.0/16'], ['fd00::/8']])),
  })
  .map(({ nodePortAddresses, node }) => ({
    kind: 'agent.configured',
    agent: { node, cluster: 'test', labelFilter: [], ...present({ nodePortAddresses }) },
  }))

const attached: fc.Arbitrary<EventBody> = target.map(at => ({
  kind: 'endpoint.attached',
  endpoint: { ...at, ifindex: 2, ifname: 'weir2', hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' },
}))

const named = (
  kind: 'service.deleted' | 'endpointslice.deleted' | 'localredirect.deleted' | 'pod.deleted',
  names: readonly string[],
) => fc.record({ namespace: anyNamespace, name: pick(names) }).map((object): EventBody => ({ kind, ...object }))

/** One thing that happens to a cluster that balances load. */
export const serviceBodies: fc.Arbitrary<EventBody> = fc.oneof(
  { weight: 12, arbitrary: service.map(drawn => ({ kind: 'service.upserted' as const, service: drawn })) },
  { weight: 3, arbitrary: named('service.deleted', serviceNames) },
  { weight: 14, arbitrary: slice.map(drawn => ({ kind: 'endpointslice.upserted' as const, slice: drawn })) },
  { weight: 3, arbitrary: named('endpointslice.deleted', ['s-1', 's-2', 't-1']) },
  { weight: 14, arbitrary: pod.map(drawn => ({ kind: 'pod.upserted' as const, pod: drawn })) },
  { weight: 2, arbitrary: named('pod.deleted', podNames) },
  { weight: 12, arbitrary: redirect.map(drawn => ({ kind: 'localredirect.upserted' as const, redirect: drawn })) },
  { weight: 1, arbitrary: named('localredirect.deleted', ['r', 'q']) },
  { weight: 5, arbitrary: backend.map(drawn => ({ kind: 'backend.configured' as const, backend: drawn })) },
  { weight: 8, arbitrary: check.map(drawn => ({ kind: 'backend.checked' as const, check: drawn })) },
  { weight: 4, arbitrary: nodeEvents },
  { weight: 1, arbitrary: pick(nodeNames).map(name => ({ kind: 'node.deleted' as const, name })) },
  { weight: 1, arbitrary: agentEvents },
  { weight: 1, arbitrary: attached },
  {
    weight: 1,
    arbitrary: target.map(at => ({ kind: 'endpoint.detached' as const, ...at })),
  },
)

/** One of two that mostly want the same. */
const rival: fc.Arbitrary<LocalRedirectPolicyFact> = redirect.map(drawn => ({
  ...drawn,
  namespace: 'default',
  frontend: { kind: 'address', address: '10.96.0.1', ports: [{ name: '', protocol: 'TCP', port: 80 }] },
  selector: [],
  backendPorts: [{ name: '', protocol: 'TCP', port: 80 }],
}))

/** A node in its zone, and something to talk to. */
const beginning: fc.Arbitrary<readonly EventBody[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant<EventBody>({
        kind: 'node.upserted',
        node: {
          name: 'here',
          labels: { 'topology.kubernetes.io/zone': 'z1' },
          addresses: nodeAddresses('here'),
          podCidrs: [],
        },
      }),
      service.map(drawn => ({ kind: 'service.upserted' as const, service: drawn })),
      slice.map(drawn => ({ kind: 'endpointslice.upserted' as const, slice: drawn })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      service.map(drawn => ({ kind: 'service.upserted' as const, service: drawn })),
      pod.map(drawn => ({ kind: 'pod.upserted' as const, pod: { ...drawn, node: 'here' } })),
      ...(['q', 'r'] as const).map(name =>
        rival.map(drawn => ({ kind: 'localredirect.upserted' as const, redirect: { ...drawn, name } })),
      ),
    ),
  },
  { weight: 1, arbitrary: fc.constant([]) },
)

/** Histories of a cluster that balances load, in the batches in which they arrive. */
export const serviceHistories = (maxEvents: number): fc.Arbitrary<Batches> =>
  fc
    .tuple(beginning, batchesOf(serviceBodies, maxEvents))
    .map(([begun, batches]) => (begun.length === 0 ? batches : [begun, ...batches]))
