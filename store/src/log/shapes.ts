/**
 * The property lists that records refer to by number, a table for each schema version. They are code, not data: a record can be
 * decoded from any copy of a log, whatever part of it was lost, because there is no table that could be lost with it.
 *
 * The list of a version never changes once a log was written with it. An object of another shape (a field more, another
 * order) is still encoded in full, with its names beside it; it only takes more room.
 */
export function shapesOf(version: number): string[][] {
  return (byVersion.get(version) ?? []).map(shape => [...shape])
}

/** What each kind carries besides its envelope: version 1. */
const bodies: readonly (readonly string[])[] = [
  ['agent'],
  ['namespace'],
  ['name'],
  ['node'],
  ['pod'],
  ['namespace', 'name'],
  ['service'],
  ['policy'],
  ['endpoint'],
  ['namespace', 'pod'],
  ['object', 'problems'],
  ['object'],
  ['until'],
]

/** What version 2 has besides. */
const laterBodies: readonly (readonly string[])[] = [['slice'], ['backend'], ['redirect']]

/** The two orders in which a draft is naturally written: envelope around the body, and envelope first. */
const envelopesOf = (all: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  all.flatMap(body => [
    ['kind', ...body, 'time', 'source'],
    ['time', 'source', 'kind', ...body],
  ])

const pod = ['namespace', 'name', 'labels', 'serviceAccount', 'node', 'addresses', 'hostNetwork', 'ports']
const service = ['namespace', 'name', 'type', 'clusterIps', 'selector', 'ports']
const servicePort = ['name', 'protocol', 'port', 'targetPort']
const endpoint = ['namespace', 'pod', 'ifindex', 'ifname', 'hostMac', 'podMac']

const facts: readonly (readonly string[])[] = [
  pod,
  [...pod, 'workload'],
  ['name', 'protocol', 'port'],
  ['name', 'labels'],
  ['name', 'labels', 'addresses', 'podCidrs'],
  service,
  servicePort,
  [...servicePort, 'nodePort'],
  ['namespace', 'name', 'podSelector', 'policyTypes', 'ingress', 'egress'],
  ['peers', 'ports'],
  ['kind', 'namespaceSelector', 'podSelector'],
  ['kind', 'namespaceSelector'],
  ['kind', 'podSelector'],
  ['kind', 'cidr', 'except'],
  ['protocol'],
  ['protocol', 'port'],
  ['protocol', 'port', 'endPort'],
  ['key', 'operator', 'values'],
  endpoint,
  ['node', 'cluster', 'labelFilter'],
  ['kind', 'namespace', 'name'],
]

const conditions = ['addresses', 'ready', 'serving', 'terminating']

/** Facts that version 2 has besides. */
const laterFacts: readonly (readonly string[])[] = [
  ['namespace', 'name', 'service', 'endpoints', 'ports'],
  conditions,
  [...conditions, 'node'],
  [...conditions, 'node', 'zone'],
  [...conditions, 'node', 'pod'],
  [...conditions, 'node', 'zone', 'pod'],
  [...conditions, 'node', 'zone', 'hints', 'pod'],
  ['zones', 'nodes'],
  [...service, 'labels'],
  [...service, 'externalTrafficPolicy'],
  [...service, 'loadBalancerIps'],
  ['target', 'state'],
  ['target', 'state', 'weight'],
  ['kind', 'address', 'port', 'protocol'],
]

/** What version 3 has besides, of leaving the cluster. */
const egressBodies: readonly (readonly string[])[] = [['devices'], ['config'], []]

const egressFacts: readonly (readonly string[])[] = [
  ['name', 'selectors', 'destinationCidrs', 'excludedCidrs', 'gateways'],
  ['nodeSelector', 'egressIp'],
  ['nodeSelector', 'interface'],
  ['podSelector'],
  ['podSelector', 'namespaceSelector'],
  ['nonMasqueradeCidrs', 'masqLinkLocal', 'masqLinkLocalIpv6'],
  ['ifindex', 'ifname', 'isOwn', 'hasDefaultRoute', 'addresses'],
]

const first = [...envelopesOf(bodies), ...facts]

const second = [...first, ...envelopesOf(laterBodies), ...laterFacts]

const third = [...second, ...envelopesOf(egressBodies), ...egressFacts]

/** What version 5 has besides: who changed an object, behind the rest. */
const changedBodies = ['namespace', 'node', 'pod', 'service', 'policy', 'slice', 'redirect'].map(body => [body])

const fifth = [
  ...third,
  ...envelopesOf(changedBodies).map(shape => [...shape, 'by']),
  ['manager', 'operation', 'time'],
  ['manager', 'operation'],
]

const byVersion: ReadonlyMap<number, readonly (readonly string[])[]> = new Map([
  [1, first],
  [2, second],
  [3, third],
  // Nothing is written often that version 3 hadn't.
  [4, third],
  [5, fifth],
])
