import { expect } from 'chai'
import { clusterOf, partyAt, type TimedBody } from './cluster.js'
import { ccnp, cnp, node, onB, pod } from './stage.js'

const service = {
  namespace: 'default',
  name: 's',
  type: 'ClusterIP',
  clusterIps: [],
  selector: {},
  ports: [],
} as const
const slice = { namespace: 'default', name: 's-1', service: 's', endpoints: [], ports: [] } as const
const redirect = {
  namespace: 'default',
  name: 'r',
  frontend: { kind: 'service', service: 's', ports: [] },
  selector: [],
  backendPorts: [{ name: '', protocol: 'TCP', port: 80 }],
  skipRedirectFromBackend: false,
} as const
const target = { kind: 'pod', namespace: 'default', name: 'a' } as const
const admin = {
  kind: 'AdminNetworkPolicy',
  name: 'p',
  tier: 'admin',
  priority: 0,
  subject: { kind: 'namespaces', selector: [] },
  ingress: [],
  egress: [],
} as const
const wired = { ifindex: 1, ifname: 'weir1', hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' }
const tried = { address: '10.0.0.1', port: 80, protocol: 'TCP' } as const
const device = { ifindex: 2, ifname: 'eth0', isOwn: true, hasDefaultRoute: true, addresses: ['192.0.2.7'] }
const leaving = {
  selectors: [{}],
  destinationCidrs: ['0.0.0.0/0'],
  excludedCidrs: [],
  gateways: [{ nodeSelector: [] }],
}
const closed = { endpointSelector: onB, ingress: [{}] }
const networkPolicy = { podSelector: [], policyTypes: [], ingress: [], egress: [] }

const born: readonly TimedBody[] = [
  { kind: 'namespace.upserted', namespace: { name: 'default', labels: {} } },
  { kind: 'node.upserted', node: node('n1', {}) },
  { kind: 'pod.upserted', pod: pod('a', []) },
  { kind: 'host.observed', host: { addresses: ['192.0.2.7'] } },
  { kind: 'networkpolicy.upserted', policy: { namespace: 'default', name: 'p', ...networkPolicy } },
  { kind: 'ciliumpolicy.upserted', policy: cnp(closed) },
  { kind: 'ciliumpolicy.upserted', policy: ccnp(closed) },
  { kind: 'clusterpolicy.upserted', policy: admin },
  { kind: 'clusterpolicy.upserted', policy: { ...admin, kind: 'ClusterNetworkPolicy' } },
  { kind: 'cidrgroup.upserted', group: { name: 'g', labels: {}, cidrs: [] } },
  { kind: 'service.upserted', service },
  { kind: 'endpointslice.upserted', slice },
  { kind: 'localredirect.upserted', redirect },
  { kind: 'backend.configured', backend: { target, state: 'maintenance' } },
  { kind: 'backend.checked', check: { ...tried, healthy: false, reason: 'timeout' } },
  { kind: 'devices.observed', devices: [device] },
  { kind: 'egressgateway.upserted', policy: { name: 'g', ...leaving } },
  { kind: 'endpoint.attached', endpoint: { namespace: 'default', pod: 'a', ...wired } },
]

const gone: readonly TimedBody[] = [
  { kind: 'namespace.deleted', name: 'default' },
  { kind: 'node.deleted', name: 'n1' },
  { kind: 'pod.deleted', namespace: 'default', name: 'a' },
  { kind: 'host.observed', host: { addresses: [] } },
  { kind: 'networkpolicy.deleted', namespace: 'default', name: 'p' },
  { kind: 'ciliumpolicy.deleted', policyKind: 'CiliumNetworkPolicy', namespace: 'default', name: 'p' },
  { kind: 'ciliumpolicy.deleted', policyKind: 'CiliumClusterwideNetworkPolicy', namespace: '', name: 'p' },
  { kind: 'clusterpolicy.deleted', policyKind: 'AdminNetworkPolicy', name: 'p' },
  { kind: 'clusterpolicy.deleted', policyKind: 'ClusterNetworkPolicy', name: 'p' },
  { kind: 'cidrgroup.deleted', name: 'g' },
  { kind: 'service.deleted', namespace: 'default', name: 's' },
  { kind: 'endpointslice.deleted', namespace: 'default', name: 's-1' },
  { kind: 'localredirect.deleted', namespace: 'default', name: 'r' },
  { kind: 'backend.configured', backend: { target, state: 'active' } },
  { kind: 'backend.checked', check: { ...tried, healthy: true } },
  { kind: 'devices.observed', devices: [] },
  { kind: 'egressgateway.deleted', name: 'g' },
  { kind: 'endpoint.detached', namespace: 'default', pod: 'a' },
]

const counts = (events: readonly TimedBody[]) =>
  Object.values(clusterOf(events))
    .filter(list => Array.isArray(list))
    .map(list => list.length)

describe('oracle: the cluster after a history', () => {
  it('holds the last word on each object', () => {
    const again: TimedBody = { kind: 'pod.upserted', pod: pod('a', ['10.0.0.9']) }
    const { pods } = clusterOf([...born, again])
    expect(pods.map(({ addresses }) => addresses)).deep.equals([['10.0.0.9']])
  })
  it('keeps policies of one name and different kinds apart', () => {
    const cluster = clusterOf(born)
    expect(cluster.ciliumPolicies?.map(({ kind }) => kind)).deep.equals([
      'CiliumNetworkPolicy',
      'CiliumClusterwideNetworkPolicy',
    ])
    expect(cluster.clusterPolicies).has.length(2)
  })
  it('holds one of everything that was born, and nothing once it is gone', () => {
    expect(counts(born).sort()).deep.equals([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2])
    expect(counts([...born, ...gone])).deep.equals(counts([]))
  })
  it('loses each of them by its own deletion', () => {
    const sum = (events: readonly TimedBody[]) => counts(events).reduce((total, count) => total + count, 0)
    for (const deletion of gone) expect(sum([...born, deletion]), deletion.kind).equals(sum(born) - 1)
  })
  it('has this node at what its devices have, whoever else says to be there, once there is an agent', () => {
    const agent = { node: 'n2', cluster: 'test', labelFilter: [] }
    const claimed: readonly TimedBody[] = [
      { kind: 'host.observed', host: { addresses: ['192.0.2.7'] } },
      { kind: 'node.upserted', node: node('n1', {}, '192.0.2.7') },
      { kind: 'pod.upserted', pod: pod('a', ['192.0.2.7']) },
    ]
    expect(partyAt(clusterOf(claimed), '192.0.2.7')).deep.equals({ kind: 'node', node: 'n1' })
    const configured = clusterOf([...claimed, { kind: 'agent.configured', agent }])
    expect(partyAt(configured, '192.0.2.7')).deep.equals({ kind: 'node', node: 'n2' })
  })
  it('hears DNS answers when they were given, and never turns time back', () => {
    const answer = { name: 'example.com', addresses: [], ttlSeconds: 1 }
    const cluster = clusterOf([
      { kind: 'dns.answered', answer, time: 7 },
      { kind: 'time.passed', until: 9 },
      { kind: 'time.passed', until: 8 },
    ])
    expect(cluster.answers).deep.equals([{ answer, heardMs: 7 }])
    expect(cluster.timeMs).equals(9)
  })
})
