import type { DeviceFact, EgressGatewayPolicyFact, EgressSelector, IpMasqFact } from '@weir/core/event/egress.js'
import type { EventBody } from '@weir/core/event/event.js'
import type { LabelSelector } from '@weir/core/policy/selector.js'
import fc from 'fast-check'
import { nodeAddresses } from './addresses.js'
import { type Batches, batchesOf, eventBodies } from './history.js'
import { labels, labelValues, namespaceLabelKeys, nodeNames, pick, podLabelKeys } from './names.js'

/** Blocks within each other, of both families, and such as hold pods and nodes. */
const blocks = [
  '0.0.0.0/0',
  '203.0.113.0/24',
  '203.0.113.0/28',
  '203.0.113.7/32',
  '10.0.0.0/8',
  '::/0',
  '2001:db8::/32',
]

/** Destinations that the blocks tell apart. */
export const destinations = ['203.0.113.7', '203.0.113.9', '203.0.113.99', '198.51.100.1', '10.0.9.9', '2001:db8::7']
export const moreDestinations = [...destinations, 'fd00::9:9', '169.254.1.1', 'fe80::5', '10.0.1.1']

const selectorOn = (keys: readonly string[]): fc.Arbitrary<LabelSelector> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(pick(keys), pick(labelValues))
        .map(([key, value]) => [{ key, operator: 'In' as const, values: [value] }]),
    },
    { weight: 1, arbitrary: pick(keys).map(key => [{ key, operator: 'DoesNotExist' as const, values: [] }]) },
  )

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

const selector: fc.Arbitrary<EgressSelector> = fc
  .record({
    podSelector: selectorOn([...podLabelKeys, 'io.kubernetes.pod.namespace']),
    namespaceSelector: maybe(selectorOn([...namespaceLabelKeys, 'kubernetes.io/metadata.name'])),
    nodeSelector: maybe(selectorOn(['zone'])),
  })
  .map(({ podSelector, namespaceSelector, nodeSelector }) => ({
    podSelector,
    ...(namespaceSelector && { namespaceSelector }),
    ...(nodeSelector && { nodeSelector }),
  }))

const gateway = fc
  .record({ nodeSelector: selectorOn(['zone']), leaves: pick(['default', 'eth1', '192.0.2.10', '192.0.2.11']) })
  .map(({ nodeSelector, leaves }) => ({
    nodeSelector,
    ...(leaves === 'eth1' && { interface: leaves }),
    ...(leaves.includes('.') && { egressIp: leaves }),
  }))

const policy: fc.Arbitrary<EgressGatewayPolicyFact> = fc.record({
  name: pick(['e', 'f', 'g']),
  selectors: fc.array(selector, { minLength: 1, maxLength: 2 }),
  destinationCidrs: fc.uniqueArray(pick(blocks), { minLength: 1, maxLength: 3 }),
  excludedCidrs: fc.uniqueArray(pick(blocks), { maxLength: 2 }),
  gateways: fc.uniqueArray(gateway, { minLength: 1, maxLength: 3, selector: each => JSON.stringify(each) }),
})

const device = (ifname: string, ifindex: number): fc.Arbitrary<DeviceFact> =>
  fc.record({
    ifindex: fc.constant(ifindex),
    ifname: fc.constant(ifname),
    isOwn: fc.boolean(),
    hasDefaultRoute: fc.boolean(),
    addresses: fc.uniqueArray(pick(['192.0.2.10', '192.0.2.12', '2001:db8:9::1']), { maxLength: 2 }),
  })

const ipMasq: fc.Arbitrary<IpMasqFact> = fc.record({
  nonMasqueradeCidrs: fc.uniqueArray(pick(blocks.slice(1)), { maxLength: 2 }),
  masqLinkLocal: fc.boolean(),
  masqLinkLocalIpv6: fc.boolean(),
})

/** One thing that happens to a cluster whose traffic leaves in all ways that there are. */
export const leavingBodies: fc.Arbitrary<EventBody> = fc.oneof(
  { weight: 12, arbitrary: eventBodies },
  { weight: 6, arbitrary: policy.map(drawn => ({ kind: 'egressgateway.upserted' as const, policy: drawn })) },
  { weight: 1, arbitrary: pick(['e', 'f']).map(name => ({ kind: 'egressgateway.deleted' as const, name })) },
  {
    weight: 3,
    arbitrary: fc.tuple(pick(nodeNames), labels(['zone']), fc.boolean()).map(([name, drawn, hasPods]) => ({
      kind: 'node.upserted' as const,
      node: { name, labels: drawn, addresses: nodeAddresses(name), podCidrs: hasPods ? ['10.0.1.0/24'] : [] },
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(device('eth0', 2), device('eth1', 3))
      .map(devices => ({ kind: 'devices.observed' as const, devices })),
  },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(pick(['192.0.2.10', '192.168.0.1']), { maxLength: 2 })
      .map(addresses => ({ kind: 'host.observed' as const, host: { addresses } })),
  },
  { weight: 1, arbitrary: ipMasq.map(config => ({ kind: 'ipmasq.configured' as const, config })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'ipmasq.withdrawn' as const }) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        node: pick(['here', 'here', 'there']),
        masquerade: fc.subarray(['ipv4', 'ipv6'] as const),
        nativeRoutingCidrs: fc.subarray(['10.0.0.0/8', 'fd00::/16']),
      })
      .map(drawn => ({ kind: 'agent.configured' as const, agent: { cluster: 'test', labelFilter: [], ...drawn } })),
  },
)

/** Clusters whose traffic leaves in all ways that there are. */
export const leavingHistories = (maxEvents: number): fc.Arbitrary<Batches> => batchesOf(leavingBodies, maxEvents)
