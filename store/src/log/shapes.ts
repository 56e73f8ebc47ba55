/**
 * The property lists that records of schema version 1 refer to by number. They are code, not data: a record can be
 * decoded from any copy of a log, whatever part of it was lost, because there is no table that could be lost with it.
 *
 * The list of a version never changes once a log was written with it. An object of another shape (a field more, another
 * order) is still encoded in full, with its names beside it; it only takes more room.
 */
export function shapesOf(version: number): string[][] {
  return (byVersion.get(version) ?? []).map(shape => [...shape])
}

/** What each kind carries besides its envelope. */
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

/** The two orders in which a draft is naturally written: envelope around the body, and envelope first. */
const envelopes = bodies.flatMap(body => [
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

const byVersion: ReadonlyMap<number, readonly (readonly string[])[]> = new Map([[1, [...envelopes, ...facts]]])
