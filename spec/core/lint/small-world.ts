import type { EventBody, NamedPort, NetworkPolicyFact, NetworkPolicyPeer, PodFact } from '@weir/core/event/event.js'
import type { CiliumDirectionRule, CiliumPolicyFact, CiliumPortRule } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact, ClusterPolicyPeer } from '@weir/core/event/cluster-policy.js'
import type { Direction } from '@weir/core/policy/rule.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'
import fc from 'fast-check'
import type { OracleFlow } from '../../oracle/index.js'

/*
 * A world so small that all of it can be tried: whoever policies of these few words could ever tell apart is there,
 * pods of both namespaces with every label, every number of the named port and addresses in and out of every block.
 */

const namespaces = ['a', 'b'] as const
/** Namespaces, labels and numbers that no policy names are among them: one of each kind stands for all. */
const inhabited = [...namespaces, 'c']
const apps = [undefined, 'x', 'y', 'z'] as const
const numbers = [undefined, 80, 9999] as const

/** Outside of all blocks, and in each half of the widest. */
const addressesOf = (host: number): readonly string[] => [`172.16.0.${host}`, `10.0.1.${host}`, `10.0.200.${host}`]

const inhabitants: readonly PodFact[] = inhabited.flatMap((namespace, place) =>
  apps.flatMap((app, label) =>
    numbers.map((number, at): PodFact => {
      const host = place * 16 + label * 4 + at + 1
      return {
        namespace,
        name: `${app ?? 'bare'}-${number ?? 'none'}`,
        labels: app === undefined ? {} : { app },
        serviceAccount: 'default',
        node: 'here',
        addresses: addressesOf(host),
        hostNetwork: false,
        ports: number === undefined ? [] : [{ name: 'http', protocol: 'TCP', port: number } satisfies NamedPort],
      }
    }),
  ),
)

const nodes = { here: addressesOf(100), there: addressesOf(101) }
const others = [...nodes.here, ...nodes.there, ...addressesOf(200)]

export const setting: readonly EventBody[] = [
  { kind: 'agent.configured', agent: { node: 'here', cluster: 'test', labelFilter: [], failSafePorts: [] } },
  { kind: 'node.upserted', node: { name: 'here', labels: {}, addresses: nodes.here, podCidrs: [] } },
  { kind: 'node.upserted', node: { name: 'there', labels: {}, addresses: nodes.there, podCidrs: [] } },
  ...inhabited.map(name => ({ kind: 'namespace.upserted' as const, namespace: { name, labels: {} } })),
  ...inhabitants.map(pod => ({ kind: 'pod.upserted' as const, pod })),
]

const packets = [
  { protocol: 6, port: 80 },
  { protocol: 6, port: 81 },
  { protocol: 6, port: 9999 },
  { protocol: 1, port: 8 << 8 },
]

/**
 * Every flow into pods, or out of them, in no order. Which of its own addresses a pod uses means nothing to its rules,
 * nor do the named ports of a source: one source of each kind is enough, and another one for itself.
 */
export function everyFlow(direction: Direction): readonly OracleFlow[] {
  const flows = inhabitants.flatMap(destination => {
    const isTwin = ({ namespace, labels, ports }: PodFact): boolean =>
      destination.ports.length === 0 &&
      ports[0]?.port === 80 &&
      namespace === destination.namespace &&
      labels.app === destination.labels.app
    const sources = inhabitants.filter(
      source => source !== destination && (source.ports.length === 0 || isTwin(source)),
    )
    const targets = direction === 'ingress' ? [destination.addresses[0]!] : destination.addresses
    const pods = sources.flatMap(source =>
      (direction === 'ingress' ? source.addresses : [source.addresses[0]!]).flatMap(from =>
        targets.map(to => ({ from, to })),
      ),
    )
    return [...pods, ...(direction === 'ingress' ? others.map(from => ({ from, to: targets[0]! })) : [])]
  })
  const outward =
    direction === 'egress'
      ? inhabitants.flatMap(({ addresses }) => others.map(to => ({ from: addresses[0]!, to })))
      : []
  const all = [...flows, ...outward].flatMap(ends => packets.map(packet => ({ ...ends, ...packet })))
  // A step without a divisor in common with the number of flows visits each of them once.
  const step = [7919, 7927].find(prime => all.length % prime !== 0)!
  return all.map((_, at) => all[(at * step) % all.length]!)
}

const pick = <Value>(...values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values)

const requirement: fc.Arbitrary<Requirement> = pick<Requirement>(
  { key: 'app', operator: 'In', values: ['x'] },
  { key: 'app', operator: 'In', values: ['x', 'y'] },
  { key: 'app', operator: 'NotIn', values: ['x'] },
  { key: 'app', operator: 'Exists', values: [] },
  { key: 'app', operator: 'DoesNotExist', values: [] },
)
const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: requirement.map(one => [one]) },
)
const placed = (key: string): fc.Arbitrary<LabelSelector> =>
  fc.oneof(
    fc.constant([]),
    pick(...namespaces).map(name => [{ key, operator: 'In' as const, values: [name] }]),
  )
const ofNamespace = placed('kubernetes.io/metadata.name')
const block = pick('10.0.0.0/16', '10.0.0.0/17', '10.0.128.0/17')
const holes = pick<readonly string[]>([], [], ['10.0.0.0/17'])

const kubernetesPeer: fc.Arbitrary<NetworkPolicyPeer> = fc.oneof(
  selector.map(podSelector => ({ kind: 'pods' as const, podSelector })),
  fc.tuple(ofNamespace, selector).map(([namespaceSelector, podSelector]) => ({
    kind: 'pods' as const,
    namespaceSelector,
    podSelector,
  })),
  fc.tuple(block, holes).map(([cidr, except]) => ({
    kind: 'ipBlock' as const,
    cidr,
    except: cidr === '10.0.0.0/16' ? except : [],
  })),
)
const kubernetesPort = pick(
  { protocol: 'TCP', port: 80 } as const,
  { protocol: 'TCP', port: 80, endPort: 81 } as const,
  { protocol: 'TCP' } as const,
  { protocol: 'TCP', port: 'http' } as const,
)
const kubernetesRule = fc.record({
  peers: fc.array(kubernetesPeer, { maxLength: 2 }),
  ports: fc.array(kubernetesPort, { maxLength: 2 }),
})
const kubernetesPolicy: fc.Arbitrary<NetworkPolicyFact> = fc.record({
  namespace: pick(...namespaces),
  name: pick('p', 'q'),
  podSelector: selector,
  policyTypes: fc.constant(['ingress', 'egress'] as const),
  ingress: fc.array(kubernetesRule, { maxLength: 2 }),
  egress: fc.array(kubernetesRule, { maxLength: 2 }),
})

const tcp = (first: number, last: number) => ({ protocol: 6, first, last })
const ciliumPorts = pick<CiliumPortRule>(
  { ranges: [tcp(80, 80)], named: [], serverNames: [] },
  { ranges: [tcp(0, 65535)], named: [], serverNames: [] },
  { ranges: [], named: [{ name: 'http', protocol: 6 }], serverNames: [] },
  { ranges: [tcp(81, 81)], named: [{ name: 'http', protocol: 6 }], serverNames: [] },
)
const asking = fc.constant<CiliumPortRule>({
  ranges: [tcp(80, 80)],
  named: [],
  serverNames: [],
  l7: { kind: 'http', http: [{ method: 'GET', headers: [], headerMatches: [] }] },
})
const entities = pick('all' as const, 'world' as const, 'cluster' as const, 'host' as const, 'remote-node' as const)
const ciliumPeers: fc.Arbitrary<Pick<CiliumDirectionRule, 'peers'>> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(placed('io.kubernetes.pod.namespace'), selector)
      .map(([place, own]) => ({ peers: { kind: 'endpoints' as const, selectors: [[...own, ...place]] } })),
  },
  { weight: 2, arbitrary: entities.map(entity => ({ peers: { kind: 'entities' as const, entities: [entity] } })) },
  {
    weight: 2,
    arbitrary: block.map(cidr => ({
      peers: { kind: 'cidrs' as const, cidrs: [{ kind: 'cidr' as const, cidr, except: [] }] },
    })),
  },
)
const entry = (ports: fc.Arbitrary<CiliumPortRule>, withPorts: number, maxLength = 2) =>
  fc
    .tuple(ciliumPeers, fc.integer({ min: 0, max: 9 }), fc.array(ports, { minLength: 1, maxLength }))
    .map(([peers, chance, drawn]) => ({ ...peers, ...(chance < withPorts ? { ports: drawn } : {}) }))
const sectionOf = (name: string, entries: fc.Arbitrary<Omit<CiliumDirectionRule, 'path'>>, weight: number) =>
  fc.oneof(
    { weight: 10 - weight, arbitrary: fc.constant({}) },
    {
      weight,
      arbitrary: fc
        .array(entries, { minLength: 1, maxLength: 2 })
        .map(list => ({ [name]: list.map((each, index) => ({ ...each, path: `spec.${name}[${index}]` })) })),
    },
  )
const allowances = fc.oneof(
  { weight: 4, arbitrary: entry(ciliumPorts, 5) },
  { weight: 1, arbitrary: entry(asking, 10, 1) },
)
const denials = entry(ciliumPorts, 4)
const ciliumPolicy: fc.Arbitrary<CiliumPolicyFact> = fc
  .tuple(
    pick('CiliumNetworkPolicy' as const, 'CiliumClusterwideNetworkPolicy' as const),
    pick(...namespaces),
    pick('p', 'q'),
    selector,
    sectionOf('ingress', allowances, 7),
    sectionOf('ingressDeny', denials, 6),
    sectionOf('egress', allowances, 6),
    sectionOf('egressDeny', denials, 5),
  )
  .map(([kind, namespace, name, own, ...sections]) => ({
    kind,
    namespace: kind === 'CiliumNetworkPolicy' ? namespace : '',
    name,
    rules: [
      {
        path: 'spec',
        subject: { kind: 'endpoints', selector: own },
        enableDefaultDeny: {},
        ...Object.assign({}, ...sections),
      },
    ],
  }))

const clusterPeer: fc.Arbitrary<ClusterPolicyPeer> = fc.oneof(
  ofNamespace.map(own => ({ kind: 'namespaces' as const, selector: own })),
  fc.tuple(ofNamespace, selector).map(([namespaceSelector, podSelector]) => ({
    kind: 'pods' as const,
    namespaceSelector,
    podSelector,
  })),
  fc.uniqueArray(block, { minLength: 1, maxLength: 2 }).map(cidrs => ({ kind: 'networks' as const, cidrs })),
)
const clusterPorts = pick(
  {},
  {},
  { ports: { ranges: [tcp(80, 80)], named: [] } },
  { ports: { ranges: [tcp(0, 65535)], named: [] } },
  { ports: { ranges: [], named: [{ name: 'http', protocol: 6 }] } },
)
const clusterRule = fc
  .tuple(
    pick('accept' as const, 'deny' as const, 'pass' as const),
    fc.array(clusterPeer, { minLength: 1, maxLength: 2 }),
    clusterPorts,
  )
  .map(([action, peers, ports]) => ({ action, peers, ...ports }))
const clusterSection = (direction: 'ingress' | 'egress') =>
  fc
    .array(clusterRule, { maxLength: 3 })
    .map(rules => rules.map((each, index) => ({ ...each, path: `spec.${direction}[${index}]` })))
const clusterPolicy: fc.Arbitrary<ClusterPolicyFact> = fc.record({
  kind: fc.constant('ClusterNetworkPolicy' as const),
  name: pick('p', 'q'),
  tier: pick('admin' as const, 'baseline' as const),
  priority: pick(0, 5),
  subject: clusterPeer.filter(
    (peer): peer is Extract<ClusterPolicyPeer, { kind: 'namespaces' | 'pods' }> => peer.kind !== 'networks',
  ),
  ingress: clusterSection('ingress'),
  egress: clusterSection('egress'),
})

/** One to five policies of any dialect. */
export const smallPolicies: fc.Arbitrary<readonly EventBody[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: kubernetesPolicy.map(policy => ({ kind: 'networkpolicy.upserted' as const, policy })) },
    { weight: 4, arbitrary: ciliumPolicy.map(policy => ({ kind: 'ciliumpolicy.upserted' as const, policy })) },
    { weight: 3, arbitrary: clusterPolicy.map(policy => ({ kind: 'clusterpolicy.upserted' as const, policy })) },
  ),
  { minLength: 1, maxLength: 5 },
)
