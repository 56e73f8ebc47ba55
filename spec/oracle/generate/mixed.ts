import type { EventBody } from '@weir/core/event/event.js'
import type { ServiceFact } from '@weir/core/event/service.js'
import fc from 'fast-check'
import { ciliumFromManifest } from '../cilium-manifest.js'
import type { TimedBody } from '../cluster.js'
import { blocks, nodeAddresses, ownAddresses, worldAddresses } from './addresses.js'
import { anyCiliumPolicy, outwardCiliumPolicy } from './cilium.js'
import { anyClusterPolicy, broadClusterPolicy } from './cluster-policies.js'
import { type Batches, batchesOf, eventBodies } from './history.js'
import { cidrGroupNames, dawnMs, dnsNames, serviceNames, sliceNames } from './mixed-names.js'
import { anyNamespace, labelValues, nodeNames, pick, policyNames } from './names.js'
import { readyEndpoints } from '../slice.js'

/** Mostly outside the cluster; some where it shouldn't matter, at pods and nodes. */
const anyAddress: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: pick(worldAddresses) },
  { weight: 1, arbitrary: pick(ownAddresses('default', 'a', 0)) },
  { weight: 2, arbitrary: pick(nodeNames.flatMap(nodeAddresses)) },
)

const selector: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: pick(labelValues).map(app => ({ app })) },
)

const service: fc.Arbitrary<ServiceFact> = fc
  .record({
    namespace: anyNamespace,
    name: pick(serviceNames),
    type: pick(['ClusterIP', 'ClusterIP', 'ClusterIP', 'NodePort', 'ExternalName'] as const),
    selector,
    labels: fc.oneof(
      fc.constant({}),
      pick(labelValues).map(app => ({ labels: { app } })),
    ),
  })
  .map(({ labels, ...rest }) => ({ ...rest, ...labels, clusterIps: [], ports: [] }))

const addressList = fc.uniqueArray(anyAddress, { minLength: 1, maxLength: 3 })

const serviceEvents: fc.Arbitrary<EventBody> = fc.oneof(
  { weight: 3, arbitrary: service.map(drawn => ({ kind: 'service.upserted' as const, service: drawn })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ namespace: anyNamespace, name: pick(serviceNames) })
      .map(object => ({ kind: 'service.deleted' as const, ...object })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        namespace: anyNamespace,
        name: pick(sliceNames),
        service: pick([...serviceNames, 'kubernetes']),
        addresses: addressList,
      })
      .map(({ addresses, ...slice }) => ({
        kind: 'endpointslice.upserted' as const,
        slice: { ...slice, endpoints: readyEndpoints(addresses), ports: [] },
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ namespace: anyNamespace, name: pick(sliceNames) })
      .map(object => ({ kind: 'endpointslice.deleted' as const, ...object })),
  },
)

/** Where the API server is: a node, both, or outside. */
const apiServer: fc.Arbitrary<EventBody> = fc
  .uniqueArray(fc.oneof(pick(nodeNames.flatMap(nodeAddresses)), pick(worldAddresses)), { minLength: 1, maxLength: 2 })
  .map(addresses => ({
    kind: 'endpointslice.upserted',
    slice: {
      namespace: 'default',
      name: 'kubernetes',
      service: 'kubernetes',
      endpoints: readyEndpoints(addresses),
      ports: [],
    },
  }))

const groupEvents: fc.Arbitrary<EventBody> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        name: pick(cidrGroupNames),
        labels: selector,
        cidrs: fc.uniqueArray(
          blocks.map(({ cidr }) => cidr),
          { maxLength: 3 },
        ),
      })
      .map(group => ({ kind: 'cidrgroup.upserted' as const, group })),
  },
  { weight: 1, arbitrary: pick(cidrGroupNames).map(name => ({ kind: 'cidrgroup.deleted' as const, name })) },
)

/** Seconds in a small span, so that answers hold at some moments and not at others, and end as others begin. */
const moment = fc.integer({ min: 0, max: 8 }).map(seconds => dawnMs + seconds * 1000)

const dnsEvents: fc.Arbitrary<TimedBody> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        name: pick(dnsNames),
        addresses: addressList,
        ttlSeconds: pick([0, 1, 2, 4, 300]),
        time: moment,
      })
      .map(({ time, ...answer }) => ({ kind: 'dns.answered' as const, answer, time })),
  },
  { weight: 2, arbitrary: moment.map(until => ({ kind: 'time.passed' as const, until })) },
)

const nodeEvents: fc.Arbitrary<EventBody> = fc.tuple(pick(nodeNames), pick(labelValues)).map(([name, zone]) => ({
  kind: 'node.upserted',
  node: {
    name,
    labels: { zone, 'kubernetes.io/hostname': name },
    addresses: nodeAddresses(name),
    podCidrs: [],
  },
}))

/** An agent that is told more than the defaults. */
const agentEvents: fc.Arbitrary<EventBody> = fc
  .record({
    node: pick(['here', 'here', 'here', 'there']),
    cidrMatch: pick([[], ['nodes'], ['pods'], ['nodes', 'pods']] as const),
    failSafePorts: pick([[], [80], [22, 53]]),
  })
  .map(told => ({ kind: 'agent.configured', agent: { cluster: 'test', labelFilter: [], ...told } }))

const ciliumUpserted = (policies: typeof anyCiliumPolicy): fc.Arbitrary<EventBody> =>
  policies.map(raw => ({ kind: 'ciliumpolicy.upserted', policy: ciliumFromManifest(raw) }))

const ciliumDeleted: fc.Arbitrary<EventBody> = fc.oneof(
  fc.record({ namespace: anyNamespace, name: pick(policyNames) }).map(object => ({
    kind: 'ciliumpolicy.deleted' as const,
    policyKind: 'CiliumNetworkPolicy' as const,
    ...object,
  })),
  pick(policyNames).map(name => ({
    kind: 'ciliumpolicy.deleted' as const,
    policyKind: 'CiliumClusterwideNetworkPolicy' as const,
    namespace: '',
    name,
  })),
)

const clusterUpserted = (policies: typeof anyClusterPolicy): fc.Arbitrary<EventBody> =>
  policies.map(policy => ({ kind: 'clusterpolicy.upserted', policy }))

const clusterDeleted: fc.Arbitrary<EventBody> = anyClusterPolicy.map(({ kind, name }) => ({
  kind: 'clusterpolicy.deleted',
  policyKind: kind,
  name,
}))

/** One thing that happens to a cluster that speaks every dialect. */
export const mixedBodies: fc.Arbitrary<TimedBody> = fc.oneof(
  { weight: 40, arbitrary: eventBodies },
  { weight: 20, arbitrary: ciliumUpserted(anyCiliumPolicy) },
  { weight: 3, arbitrary: ciliumDeleted },
  { weight: 8, arbitrary: clusterUpserted(anyClusterPolicy) },
  { weight: 2, arbitrary: clusterDeleted },
  { weight: 6, arbitrary: groupEvents },
  { weight: 6, arbitrary: serviceEvents },
  { weight: 2, arbitrary: apiServer },
  { weight: 7, arbitrary: dnsEvents },
  { weight: 6, arbitrary: nodeEvents },
  { weight: 1, arbitrary: agentEvents },
)

/** To a cluster whose pods go out to names and services. */
const outward: fc.Arbitrary<TimedBody> = fc.oneof(
  { weight: 15, arbitrary: eventBodies },
  { weight: 8, arbitrary: ciliumUpserted(outwardCiliumPolicy) },
  { weight: 1, arbitrary: ciliumDeleted },
  { weight: 10, arbitrary: dnsEvents },
  { weight: 10, arbitrary: serviceEvents },
  { weight: 2, arbitrary: clusterUpserted(broadClusterPolicy) },
)

/** To one where many cluster policies have a word. */
const orderly: fc.Arbitrary<TimedBody> = fc.oneof(
  { weight: 15, arbitrary: eventBodies },
  { weight: 2, arbitrary: ciliumUpserted(anyCiliumPolicy) },
  { weight: 12, arbitrary: clusterUpserted(broadClusterPolicy) },
  { weight: 4, arbitrary: clusterUpserted(anyClusterPolicy) },
  { weight: 2, arbitrary: clusterDeleted },
  { weight: 4, arbitrary: dnsEvents },
  { weight: 3, arbitrary: nodeEvents },
)

/** A history of a cluster that speaks every dialect, in the batches in which it arrives. */
export const mixedHistories = (maxEvents: number): fc.Arbitrary<Batches> =>
  fc.oneof(
    { weight: 5, arbitrary: batchesOf(mixedBodies, maxEvents) },
    { weight: 2, arbitrary: batchesOf(outward, maxEvents) },
    { weight: 2, arbitrary: batchesOf(orderly, maxEvents) },
  )
