import type { EventBody, NamedPort, PodFact, WeirEvent } from '@weir/core/event/event.js'
import fc from 'fast-check'
import type { TimedBody } from '../cluster.js'
import { oracleFromManifest } from '../manifest.js'
import { nodeAddresses, observedAddresses, podAddresses } from './addresses.js'
import {
  anyNamespace,
  labels,
  labelValues,
  namespaceLabelKeys,
  namespaceNames,
  nodeNames,
  pick,
  podLabelKeys,
  podNames,
  policyNames,
  portedProtocols,
  portNames,
  portNumbers,
} from './names.js'
import { anyRawPolicy } from './policies.js'

const containerPorts: fc.Arbitrary<readonly NamedPort[]> = fc
  .uniqueArray(
    fc.record({
      name: pick(['', ...portNames, ...portNames]),
      protocol: pick(['TCP' as const, ...portedProtocols]),
      port: pick(portNumbers),
    }),
    { maxLength: 4, size: 'max', selector: port => JSON.stringify(port) },
  )
  .map(ports => [...ports].sort(comparePorts))

function comparePorts(a: NamedPort, b: NamedPort): number {
  return compare(a.protocol, b.protocol) || a.port - b.port || compare(a.name, b.name)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Labels that a pod may give itself and that say nothing of where it is. */
const spoofs: fc.Arbitrary<Record<string, string>> = fc.oneof(
  pick(namespaceNames).map(namespace => ({ 'io.kubernetes.pod.namespace': namespace })),
  pick(namespaceNames).map(namespace => ({ 'kubernetes.io/metadata.name': namespace })),
  pick(labelValues).map(value => ({ 'io.cilium.k8s.namespace.labels.team': value })),
  pick(['reserved:host', 'reserved:world', 'reserved:node']).map(key => ({ [key]: '' })),
)

/** Pods of this node mostly; some of the other, some not scheduled yet, some that are the node. */
const pod: fc.Arbitrary<PodFact> = fc.tuple(anyNamespace, pick(podNames)).chain(([namespace, name]) =>
  fc
    .record({
      labels: fc.oneof(
        { weight: 9, arbitrary: labels(podLabelKeys) },
        { weight: 1, arbitrary: fc.tuple(labels(podLabelKeys), spoofs).map(([own, spoof]) => ({ ...own, ...spoof })) },
      ),
      node: fc.oneof(
        { weight: 6, arbitrary: fc.constant('here') },
        { weight: 3, arbitrary: fc.constant('there') },
        { weight: 1, arbitrary: fc.constant('') },
      ),
      hostNetwork: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      addresses: podAddresses(namespace, name),
      ports: containerPorts,
      serviceAccount: pick(['default', 'robot']),
    })
    .map(drawn => ({
      namespace,
      name,
      ...drawn,
      addresses: drawn.hostNetwork && drawn.node !== '' ? nodeAddresses(drawn.node) : drawn.addresses,
    })),
)

/** A pod of which nobody has told, while its interface is here. */
const initPod: fc.Arbitrary<PodFact> = fc.tuple(anyNamespace, pick(podNames)).chain(([namespace, name]) =>
  podAddresses(namespace, name).map(addresses => ({
    ...{
      namespace,
      name,
      addresses,
      labels: {},
      serviceAccount: 'default',
      node: 'here',
      hostNetwork: false,
      ports: [],
    },
    init: true as const,
  })),
)

const objectName = (names: readonly string[]) => fc.record({ namespace: anyNamespace, name: pick(names) })

/** One thing that happens to a cluster. Deletions name objects that may not exist: the log may say so twice. */
export const eventBodies: fc.Arbitrary<EventBody> = fc.oneof(
  { weight: 12, arbitrary: pod.map(drawn => ({ kind: 'pod.upserted' as const, pod: drawn })) },
  { weight: 1, arbitrary: initPod.map(drawn => ({ kind: 'pod.upserted' as const, pod: drawn })) },
  { weight: 3, arbitrary: objectName(podNames).map(object => ({ kind: 'pod.deleted' as const, ...object })) },
  {
    weight: 12,
    arbitrary: anyRawPolicy.map(raw => ({ kind: 'networkpolicy.upserted' as const, policy: oracleFromManifest(raw) })),
  },
  {
    weight: 3,
    arbitrary: objectName(policyNames).map(object => ({ kind: 'networkpolicy.deleted' as const, ...object })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ name: pick(namespaceNames), labels: labels(namespaceLabelKeys) })
      .map(namespace => ({ kind: 'namespace.upserted' as const, namespace })),
  },
  { weight: 1, arbitrary: pick(namespaceNames).map(name => ({ kind: 'namespace.deleted' as const, name })) },
  {
    weight: 3,
    arbitrary: fc.tuple(pick(nodeNames), labels(['zone'])).map(([name, drawn]) => ({
      kind: 'node.upserted' as const,
      node: { name, labels: drawn, addresses: nodeAddresses(name), podCidrs: [] },
    })),
  },
  { weight: 1, arbitrary: pick(nodeNames).map(name => ({ kind: 'node.deleted' as const, name })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(pick(['here', 'here', 'there']), pick([[], ['app'], ['!pod-template-hash']]))
      .map(([node, labelFilter]) => ({
        kind: 'agent.configured' as const,
        agent: { node, cluster: 'test', labelFilter },
      })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ object: objectName(podNames), ifindex: fc.integer({ min: 2, max: 4 }) })
      .map(({ object, ifindex }) => ({
        kind: 'endpoint.attached' as const,
        endpoint: {
          namespace: object.namespace,
          pod: object.name,
          ifindex,
          ifname: `weir${ifindex}`,
          hostMac: '02:00:00:00:00:01',
          podMac: `02:00:00:00:01:0${ifindex}`,
        },
      })),
  },
  {
    weight: 1,
    arbitrary: objectName(podNames).map(({ namespace, name }) => ({
      kind: 'endpoint.detached' as const,
      namespace,
      pod: name,
    })),
  },
  {
    weight: 1,
    arbitrary: observedAddresses.map(addresses => ({ kind: 'host.observed' as const, host: { addresses } })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 5000 }).map(until => ({ kind: 'time.passed' as const, until })) },
)

/** The agent that a history usually starts with; without one nothing is local. */
export const configured: EventBody = {
  kind: 'agent.configured',
  agent: { node: 'here', cluster: 'test', labelFilter: [] },
}

/** A history in the batches in which it arrives, each of at least one event. */
export type Batches = readonly (readonly TimedBody[])[]

/** Clusters that know NetworkPolicy alone. */
export const histories = (maxEvents: number): fc.Arbitrary<Batches> => batchesOf(eventBodies, maxEvents)

export function batchesOf(bodies: fc.Arbitrary<TimedBody>, maxEvents: number): fc.Arbitrary<Batches> {
  return fc
    .record({
      begun: fc.oneof({ weight: 19, arbitrary: fc.constant([configured]) }, { weight: 1, arbitrary: fc.constant([]) }),
      batches: fc.array(fc.array(bodies, { minLength: 1, maxLength: 6, size: 'max' }), {
        maxLength: Math.ceil(maxEvents / 4),
        size: 'max',
      }),
    })
    .map(({ begun, batches }) => (begun.length > 0 ? [begun, ...batches] : batches))
}

/**
 * Numbers bodies as the log would. Sources, and times where a body has none of its own, are told from the numbers: the
 * fold must not look at them.
 */
export function numbered(bodies: readonly TimedBody[], firstSeq = 1): readonly WeirEvent[] {
  return bodies.map((body, index) => ({
    time: 1_700_000_000_000 + (firstSeq + index) * 37,
    ...body,
    seq: firstSeq + index,
    source: `test:${firstSeq + index}`,
  }))
}

/** The same events in batches that carry their numbers. */
export function numberedBatches(batches: Batches): readonly (readonly WeirEvent[])[] {
  let next = 1
  return batches.map(batch => {
    const events = numbered(batch, next)
    next += batch.length
    return events
  })
}

/** Names the object whose state an event sets; events of different objects may change places without a difference. */
export function objectOf(body: EventBody): string {
  switch (body.kind) {
    case 'agent.configured':
      return 'agent'
    case 'host.observed':
      return 'host'
    case 'namespace.upserted':
      return `namespace ${body.namespace.name}`
    case 'namespace.deleted':
      return `namespace ${body.name}`
    case 'node.upserted':
      return `node ${body.node.name}`
    case 'node.deleted':
      return `node ${body.name}`
    case 'pod.upserted':
      return `pod ${body.pod.namespace}/${body.pod.name}`
    case 'pod.deleted':
      return `pod ${body.namespace}/${body.name}`
    case 'service.upserted':
      return `service ${body.service.namespace}/${body.service.name}`
    case 'service.deleted':
      return `service ${body.namespace}/${body.name}`
    case 'networkpolicy.upserted':
      return `policy ${body.policy.namespace}/${body.policy.name}`
    case 'networkpolicy.deleted':
      return `policy ${body.namespace}/${body.name}`
    case 'ciliumpolicy.upserted':
      return `${body.policy.kind} ${body.policy.namespace}/${body.policy.name}`
    case 'ciliumpolicy.deleted':
      return `${body.policyKind} ${body.namespace}/${body.name}`
    case 'clusterpolicy.upserted':
      return `${body.policy.kind} ${body.policy.name}`
    case 'clusterpolicy.deleted':
      return `${body.policyKind} ${body.name}`
    case 'cidrgroup.upserted':
      return `cidr group ${body.group.name}`
    case 'cidrgroup.deleted':
      return `cidr group ${body.name}`
    case 'endpointslice.upserted':
      return `slice ${body.slice.namespace}/${body.slice.name}`
    case 'endpointslice.deleted':
      return `slice ${body.namespace}/${body.name}`
    case 'localredirect.upserted':
      return `redirect ${body.redirect.namespace}/${body.redirect.name}`
    case 'localredirect.deleted':
      return `redirect ${body.namespace}/${body.name}`
    case 'egressgateway.upserted':
      return `egress gateway ${body.policy.name}`
    case 'egressgateway.deleted':
      return `egress gateway ${body.name}`
    case 'ipmasq.configured':
    case 'ipmasq.withdrawn':
      return 'ip-masq'
    case 'devices.observed':
      return 'devices'
    case 'backend.configured':
      return `backend ${JSON.stringify(body.backend.target)}`
    case 'backend.checked':
      return `check ${body.check.address} ${body.check.port} ${body.check.protocol}`
    case 'dns.answered':
      return `answers for ${body.answer.name}`
    // Wiring belongs to its pod: whether it outlives the pod's deletion depends on which came first.
    case 'endpoint.attached':
      return `pod ${body.endpoint.namespace}/${body.endpoint.pod}`
    case 'endpoint.detached':
      return `pod ${body.namespace}/${body.pod}`
    case 'address.allocated':
    case 'address.released':
      return 'addresses'
    case 'input.refused':
    case 'input.accepted':
      return `input ${body.object.kind} ${body.object.namespace}/${body.object.name}`
    case 'time.passed':
      return 'time'
  }
}

/**
 * Another history with the same end: each object's own events in their order, the objects' interleaving drawn anew by
 * `choices` (any numbers; used in turn).
 */
export function reordered(bodies: readonly TimedBody[], choices: readonly number[]): readonly TimedBody[] {
  const byObject = new Map<string, TimedBody[]>()
  for (const body of bodies) byObject.set(objectOf(body), [...(byObject.get(objectOf(body)) ?? []), body])
  const queues = [...byObject.values()]
  const result: TimedBody[] = []
  for (let turn = 0; result.length < bodies.length; turn++) {
    const open = queues.filter(queue => queue.length > 0)
    const chosen = open[(choices[turn % Math.max(choices.length, 1)] ?? 0) % open.length]
    const body = chosen?.shift()
    if (body) result.push(body)
  }
  return result
}
