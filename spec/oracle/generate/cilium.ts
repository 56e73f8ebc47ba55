import type { Entity } from '@weir/core/event/cilium.js'
import fc from 'fast-check'
import type {
  RawCidrRule,
  RawCiliumPolicy,
  RawCiliumPort,
  RawCiliumRule,
  RawDirectionRule,
  RawIcmp,
  RawPortRule,
  RawService,
} from '../cilium-manifest.js'
import type { RawSelector } from '../manifest.js'
import { blocks } from './addresses.js'
import { cidrGroupNames, dnsNames, dnsPatterns, serviceNames } from './mixed-names.js'
import {
  anyNamespace,
  labelValues,
  namespaceNames,
  nodeNames,
  pick,
  policyNames,
  portNames,
  portNumbers,
} from './names.js'
import { optionally, podSelectors } from './policies.js'

const pinned = pick(['', '', 'k8s:', 'any:'])

/** Keys of the surroundings, which confine a selector or lift its confinement. */
const placed: fc.Arbitrary<RawSelector> = fc
  .tuple(
    pinned,
    fc.oneof(
      pick(namespaceNames).map(value => ['io.kubernetes.pod.namespace', value] as const),
      pick(labelValues).map(value => ['io.cilium.k8s.namespace.labels.team', value] as const),
      pick(namespaceNames).map(value => ['io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name', value] as const),
      pick(['default', 'robot']).map(value => ['io.cilium.k8s.policy.serviceaccount', value] as const),
      pick(['test', 'elsewhere']).map(value => ['io.cilium.k8s.policy.cluster', value] as const),
    ),
    fc.boolean(),
    podSelectors,
  )
  .map(([source, [key, value], alone, { matchLabels, matchExpressions }]) => ({
    matchLabels: { ...(alone ? {} : matchLabels), [source + key]: value },
    ...(matchExpressions && !alone && { matchExpressions }),
  }))

const everywhere: fc.Arbitrary<RawSelector> = pick(['Exists', 'NotIn'] as const).map(operator => ({
  matchExpressions: [
    { key: 'k8s:io.kubernetes.pod.namespace', operator, ...(operator === 'NotIn' && { values: ['default'] }) },
  ],
}))

/** The labels of pods, with a source now and then. */
const sourced: fc.Arbitrary<RawSelector> = fc.tuple(pinned, podSelectors).map(([source, raw]) => ({
  ...raw,
  ...(raw.matchLabels && {
    matchLabels: Object.fromEntries(Object.entries(raw.matchLabels).map(([key, value]) => [source + key, value])),
  }),
}))

/** Labels of who is no pod; the API server's stands alone. */
const reserved: fc.Arbitrary<RawSelector> = fc.oneof(
  pick(['host', 'remote-node', 'world', 'world-ipv4', 'world-ipv6', 'kube-apiserver', 'health', 'init'] as const).map(
    name => ({ matchLabels: { [`reserved:${name}`]: '' } }),
  ),
  fc.tuple(pick(['host', 'remote-node', 'world'] as const), pick(labelValues)).map(([name, zone]) => ({
    matchLabels: { 'node:zone': zone },
    matchExpressions: [{ key: `reserved:${name}`, operator: 'Exists' as const }],
  })),
  fc.tuple(pick(['host', 'kube-apiserver'] as const), pick(['', 'k8s:']), fc.boolean()).map(([name, source, all]) => ({
    matchExpressions: [
      { key: `reserved:${name}`, operator: 'DoesNotExist' as const },
      ...(all ? [{ key: `${source}io.kubernetes.pod.namespace`, operator: 'Exists' as const }] : []),
    ],
  })),
)

export const endpointSelectors: fc.Arbitrary<RawSelector> = fc.oneof(
  { weight: 6, arbitrary: sourced },
  { weight: 4, arbitrary: placed },
  { weight: 1, arbitrary: everywhere },
  { weight: 2, arbitrary: reserved },
)

/** Whatever would select many pods is worth more than what selects none. */
const subjects: fc.Arbitrary<RawSelector> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: sourced },
  { weight: 1, arbitrary: placed },
)

export const nodeSelectors: fc.Arbitrary<RawSelector> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: pick(labelValues).map(zone => ({ matchLabels: { zone } })) },
  {
    weight: 1,
    arbitrary: pick(labelValues).map(value => ({
      matchExpressions: [{ key: 'zone', operator: 'NotIn' as const, values: [value] }],
    })),
  },
  { weight: 1, arbitrary: pick(nodeNames).map(name => ({ matchLabels: { 'kubernetes.io/hostname': name } })) },
)

const entities: fc.Arbitrary<readonly Entity[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: pick<Entity>(['all', 'world', 'cluster', 'host', 'remote-node', 'kube-apiserver', 'kube-apiserver']),
    },
    { weight: 2, arbitrary: pick<Entity>(['world-ipv4', 'world-ipv6']) },
    { weight: 1, arbitrary: pick<Entity>(['init', 'health', 'unmanaged', 'ingress', 'none']) },
  ),
  { minLength: 1, maxLength: 2 },
)

const cidrRules: fc.Arbitrary<RawCidrRule> = fc.oneof(
  { weight: 3, arbitrary: blocks.map(({ cidr, except }) => ({ cidr, ...(except.length > 0 && { except }) })) },
  { weight: 2, arbitrary: pick(cidrGroupNames).map(cidrGroupRef => ({ cidrGroupRef })) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      pick(labelValues).map(value => ({ cidrGroupSelector: { matchLabels: { app: value } } })),
      fc
        .tuple(pick(['In', 'NotIn'] as const), pick(labelValues))
        .map(([operator, value]) => ({ matchExpressions: [{ key: 'app', operator, values: [value] }] }))
        .map(cidrGroupSelector => ({ cidrGroupSelector })),
      pick(['Exists', 'DoesNotExist'] as const)
        .map(operator => ({ matchExpressions: [{ key: 'app', operator }] }))
        .map(cidrGroupSelector => ({ cidrGroupSelector, except: ['203.0.113.4/30', '2001:db8::/96'] })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(pick(cidrGroupNames), pick(['203.0.113.4/30', '10.0.9.9/32', '2001:db8::/96']))
      .map(([cidrGroupRef, hole]) => ({ cidrGroupRef, except: [hole] })),
  },
)

const services: fc.Arbitrary<RawService> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({ serviceName: pick(serviceNames), namespace: anyNamespace })
      .map(k8sService => ({ k8sService })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        selector: fc.oneof(
          fc.constant({}),
          pick(labelValues).map(app => ({ matchLabels: { app } })),
        ),
        namespace: fc.oneof({ weight: 2, arbitrary: anyNamespace }, { weight: 1, arbitrary: fc.constant('') }),
      })
      .map(({ selector, namespace }) => ({
        k8sServiceSelector: { selector, ...(namespace !== '' && { namespace }) },
      })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(pick(serviceNames), anyNamespace).map(([serviceName, namespace]) => ({
      k8sService: { serviceName, namespace },
      k8sServiceSelector: { selector: { matchLabels: { app: 'x' } }, namespace },
    })),
  },
)

const fqdns = fc.oneof(
  pick(dnsNames).map(matchName => ({ matchName })),
  pick(dnsPatterns).map(matchPattern => ({ matchPattern })),
)

const listOf = <Entry>(entry: fc.Arbitrary<Entry>) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.array(entry, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constant([]) },
  )

/** One kind of peers, or none. */
function peers(side: 'from' | 'to', denying: boolean): fc.Arbitrary<RawDirectionRule> {
  const kind = <Entry>(name: string, list: fc.Arbitrary<readonly Entry[]>, weight: number) => ({
    weight,
    arbitrary: list.map(entries => ({ [name]: entries }) as RawDirectionRule),
  })
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    kind(`${side}Endpoints`, listOf(endpointSelectors), 8),
    kind(`${side}CIDR`, listOf(blocks.map(({ cidr }) => cidr)), 2),
    kind(`${side}CIDRSet`, listOf(cidrRules), 4),
    kind(`${side}Entities`, entities, 5),
    kind(`${side}Nodes`, listOf(nodeSelectors), 3),
    ...(side === 'to' ? [kind('toServices', listOf(services), 4)] : []),
    ...(side === 'to' && !denying ? [kind('toFQDNs', listOf(fqdns), 4)] : []),
  )
}

const port: fc.Arbitrary<RawCiliumPort> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(optionally('protocol', pick(['ANY', 'TCP', 'TCP', 'UDP', 'SCTP'] as const)), pick([0, ...portNumbers]))
      .map(([protocol, number]) => ({ ...protocol, port: `${number}` })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(optionally('protocol', pick(['ANY', 'TCP', 'UDP'] as const)), pick(portNames))
      .map(([protocol, name]) => ({ ...protocol, port: name })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        optionally('protocol', pick(['ANY', 'TCP', 'UDP'] as const)),
        fc.subarray(portNumbers as readonly number[] as number[], { minLength: 2, maxLength: 2 }),
      )
      .map(([protocol, [first = 1, last = 2]]) => ({ ...protocol, port: `${first}`, endPort: last })),
  },
  { weight: 3, arbitrary: pick(['VRRP', 'IGMP'] as const).map(protocol => ({ protocol })) },
)

const plainPorts: fc.Arbitrary<RawPortRule> = fc.array(port, { minLength: 1, maxLength: 2 }).map(ports => ({ ports }))

/** Layer 7 rules stand beside ports of protocols that carry them. */
const streamPorts: fc.Arbitrary<RawPortRule> = fc.oneof(
  fc.record({
    ports: fc.array(
      pick(portNumbers).map(number => ({ port: `${number}`, protocol: 'TCP' as const })),
      { minLength: 1, maxLength: 2 },
    ),
    rules: pick([
      { http: [] },
      { http: [{ method: 'GET' }] },
      { kafka: [{ topic: 't' }] },
      { l7proto: 'own', l7: [{ a: 'b' }] },
    ]),
  }),
  fc.record({
    ports: pick([[{ port: '80', protocol: 'TCP' as const }], [{ port: '81', protocol: 'TCP' as const }]]),
    serverNames: fc.constant(['a.example.com']),
  }),
  fc
    .tuple(
      pick([
        { listener: { name: 'l', envoyConfig: { kind: 'CiliumClusterwideEnvoyConfig', name: 'e' } } },
        { terminatingTLS: { secret: { name: 's' } } },
      ]),
      pick(['80', 'http', '81']),
    )
    .map(([how, port]) => ({ ports: [{ port, protocol: 'TCP' as const }], ...how })),
)

/** Questions to DNS are asked on the way out. */
const proxiedPorts: Readonly<Record<'from' | 'to', fc.Arbitrary<RawPortRule>>> = {
  from: streamPorts,
  to: fc.oneof(
    { weight: 5, arbitrary: streamPorts },
    {
      weight: 1,
      arbitrary: fc.constant({
        ports: [{ port: '53', protocol: 'UDP' as const }],
        rules: { dns: [{ matchPattern: '*' }] },
      }),
    },
  ),
}

const icmp: fc.Arbitrary<RawIcmp> = fc
  .tuple(
    optionally('family', pick(['IPv4', 'IPv6', 'IPv6'] as const)),
    pick([8, 0, 3, 128, 'EchoRequest' as const, 'EchoReply' as const]),
  )
  .map(([family, type]) => ({ ...family, type }))

/** Ports, ICMP types, or every packet. */
function packets(side: 'from' | 'to', denying: boolean): fc.Arbitrary<RawDirectionRule> {
  const ports = denying
    ? plainPorts
    : fc.oneof({ weight: 7, arbitrary: plainPorts }, { weight: 3, arbitrary: proxiedPorts[side] })
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant({}) },
    { weight: 7, arbitrary: fc.array(ports, { minLength: 1, maxLength: 2 }).map(toPorts => ({ toPorts })) },
    { weight: 1, arbitrary: pick([{ toPorts: [] }, { icmps: [] }]) },
    {
      weight: 2,
      arbitrary: fc.array(icmp, { minLength: 1, maxLength: 2 }).map(fields => ({ icmps: [{ fields }] })),
    },
  )
}

const authentication = fc.oneof(
  { weight: 14, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: pick(['required', 'disabled', 'test-always-fail'] as const).map(mode => ({ authentication: { mode } })),
  },
)

function entry(side: 'from' | 'to', denying: boolean): fc.Arbitrary<RawDirectionRule> {
  return fc
    .tuple(peers(side, denying), packets(side, denying), denying ? fc.constant({}) : authentication)
    .map(([whom, what, how]) => ({ ...whom, ...what, ...how }))
}

/** A section is left out, empty, or holds entries; one in ten of these is `{}`. */
function section(name: string, entries: fc.Arbitrary<RawDirectionRule>, weight: number): fc.Arbitrary<object> {
  return fc.oneof(
    { weight: 12 - weight, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ [name]: [] }) },
    { weight, arbitrary: fc.array(entries, { minLength: 1, maxLength: 2 }).map(list => ({ [name]: list })) },
  )
}

const sections = fc
  .tuple(
    section('ingress', entry('from', false), 7),
    section('ingressDeny', entry('from', true), 3),
    section('egress', entry('to', false), 6),
    section('egressDeny', entry('to', true), 3),
    optionally(
      'enableDefaultDeny',
      fc
        .tuple(optionally('ingress', fc.boolean()), optionally('egress', fc.boolean()))
        .map(([ingress, egress]) => ({ ...ingress, ...egress })),
      4,
    ),
  )
  .map(parts => Object.assign({}, ...parts) as RawCiliumRule)
  // The API asks that a rule say something.
  .map(rule =>
    [rule.ingress, rule.ingressDeny, rule.egress, rule.egressDeny].some(list => list && list.length > 0)
      ? rule
      : { ...rule, ingress: [{}] },
  )

const podRule: fc.Arbitrary<RawCiliumRule> = fc
  .tuple(subjects, sections)
  .map(([endpointSelector, rest]) => ({ endpointSelector, ...rest }))

/** Layer 7 rules, named ports and DNS names have no place in a rule for nodes. */
const nodeRule: fc.Arbitrary<RawCiliumRule> = fc
  .tuple(nodeSelectors, sections)
  .map(([nodeSelector, rest]) => ({ nodeSelector, ...rest }))
  .filter(
    rule => !/"rules"|"serverNames"|"listener"|"terminatingTLS"|"toFQDNs"|"authentication"/.test(JSON.stringify(rule)),
  )

function policy(
  kind: RawCiliumPolicy['kind'],
  metadata: fc.Arbitrary<RawCiliumPolicy['metadata']>,
  rule: fc.Arbitrary<RawCiliumRule>,
): fc.Arbitrary<RawCiliumPolicy> {
  const rules = fc.oneof(
    { weight: 4, arbitrary: rule.map(spec => ({ spec })) },
    { weight: 1, arbitrary: fc.array(rule, { minLength: 1, maxLength: 2 }).map(specs => ({ specs })) },
    { weight: 1, arbitrary: fc.tuple(rule, rule).map(([spec, other]) => ({ spec, specs: [other] })) },
  )
  return fc
    .tuple(metadata, rules)
    .map(([named, said]) => ({ apiVersion: 'cilium.io/v2', kind, metadata: named, ...said }))
}

const clusterwideName = fc.record({ name: pick(policyNames) })
const namespacedName = fc.record({ name: pick(policyNames), namespace: anyNamespace })

export const anyCiliumPolicy: fc.Arbitrary<RawCiliumPolicy> = fc.oneof(
  { weight: 5, arbitrary: policy('CiliumNetworkPolicy', namespacedName, podRule) },
  { weight: 3, arbitrary: policy('CiliumClusterwideNetworkPolicy', clusterwideName, podRule) },
  { weight: 2, arbitrary: policy('CiliumClusterwideNetworkPolicy', clusterwideName, nodeRule) },
)

/** Pods that may go out to names and services, to little else. */
const outwardRule: fc.Arbitrary<RawCiliumRule> = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 3, arbitrary: fc.array(fqdns, { minLength: 1, maxLength: 2 }).map(toFQDNs => ({ toFQDNs })) },
        {
          weight: 3,
          arbitrary: fc.array(services, { minLength: 1, maxLength: 2 }).map(toServices => ({ toServices })),
        },
        {
          weight: 1,
          arbitrary: placed.map(raw => ({ toEndpoints: [raw] })),
        },
      ),
      fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: packets('to', false) }),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map(entries => ({ endpointSelector: {}, egress: entries.map(([whom, what]) => ({ ...whom, ...what })) }))

export const outwardCiliumPolicy: fc.Arbitrary<RawCiliumPolicy> = fc.oneof(
  { weight: 3, arbitrary: policy('CiliumNetworkPolicy', namespacedName, outwardRule) },
  { weight: 1, arbitrary: policy('CiliumClusterwideNetworkPolicy', clusterwideName, outwardRule) },
)
