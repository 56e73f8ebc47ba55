import { parsePod } from '@weir/core/input/pod.js'
import { parseService } from '@weir/core/input/service.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const service = (spec: object, rest: { metadata?: object; status?: object } = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', ...rest.metadata },
  spec: { ports: [{ port: 80 }], ...spec },
  ...(rest.status && { status: rest.status }),
})
const read = (spec: object, rest = {}) => understood(parseService(service(spec, rest)))
const refused = (spec: object, rest = {}) => problemsOf(parseService(service(spec, rest)))

describe('input: what a Service says of its frontends', () => {
  it('is not there where it is the default', () => {
    const defaults = {
      sessionAffinity: 'None',
      externalTrafficPolicy: '',
      internalTrafficPolicy: 'Cluster',
      publishNotReadyAddresses: false,
      healthCheckNodePort: 0,
      externalIPs: [],
      loadBalancerSourceRanges: [],
      trafficDistribution: null,
    }
    expect(read(defaults, { status: { loadBalancer: {} } })).to.deep.equal(read({}))
    expect(Object.keys(read({}))).to.have.members(['namespace', 'name', 'type', 'clusterIps', 'selector', 'ports'])
  })
  it('is read in canonical form', () => {
    const spec = {
      type: 'LoadBalancer',
      externalIPs: ['2001:DB8::1', '192.0.2.9', '192.0.2.9'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      loadBalancerSourceRanges: ['198.51.100.7/24', '10.0.0.0/8'],
      healthCheckNodePort: 30100,
      publishNotReadyAddresses: true,
      trafficDistribution: 'PreferSameNode',
    }
    const ingress = [
      { ip: '203.0.113.2' },
      { ip: '203.0.113.1', ipMode: 'VIP' },
      { ip: '203.0.113.3', ipMode: 'Proxy' },
      { hostname: 'lb.example' },
    ]
    expect(read(spec, { metadata: { labels: { a: 'b' } }, status: { loadBalancer: { ingress } } })).to.deep.include({
      labels: { a: 'b' },
      externalIps: ['192.0.2.9', '2001:db8::1'],
      loadBalancerIps: ['203.0.113.1', '203.0.113.2'],
      affinitySeconds: 60,
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      loadBalancerSourceRanges: ['10.0.0.0/8', '198.51.100.0/24'],
      healthCheckNodePort: 30100,
      publishNotReadyAddresses: true,
      topology: 'PreferSameNode',
    })
  })
  it('keeps a client for three hours unless told otherwise', () => {
    expect(read({ sessionAffinity: 'ClientIP' }).affinitySeconds).to.equal(10_800)
    expect(read({ sessionAffinity: 'ClientIP', sessionAffinityConfig: {} }).affinitySeconds).to.equal(10_800)
  })
  it('takes the address of a load balancer from services of that type only', () => {
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.2' }] } }
    expect(read({ type: 'NodePort' }, { status }).loadBalancerIps).to.equal(undefined)
  })
  it('lets an annotation ask for hints, before the field', () => {
    const asked = (value: string, name = 'service.kubernetes.io/topology-mode') =>
      read({ trafficDistribution: 'PreferClose' }, { metadata: { annotations: { [name]: value } } }).topology
    expect(asked('Auto')).to.equal('Auto')
    expect(asked('auto', 'service.kubernetes.io/topology-aware-hints')).to.equal('Auto')
    expect(asked('Disabled')).to.equal('PreferClose')
  })
  it('programs nothing for another name', () => {
    const spec = { type: 'ExternalName', externalName: 'a.example', externalIPs: ['192.0.2.1'] }
    expect(read(spec).externalIps).to.equal(undefined)
  })
  for (const [title, spec, path, expected] of [
    ['a loopback address', { externalIPs: ['192.0.2.1', '127.0.0.1'] }, 'spec.externalIPs[1]', 'route'],
    ['an unspecified address', { externalIPs: ['::'] }, 'spec.externalIPs[0]', 'route'],
    ['a link-local address', { externalIPs: ['fe80::1'] }, 'spec.externalIPs[0]', 'route'],
    ['a multicast address', { externalIPs: ['224.0.0.1'] }, 'spec.externalIPs[0]', 'route'],
    ['the loopback of IPv6', { externalIPs: ['::1'] }, 'spec.externalIPs[0]', 'route'],
    [
      'an affinity of two days',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 172_800 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
      '86400',
    ],
    [
      'an affinity of no time',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
      '1 to',
    ],
    ['a setting of no affinity', { sessionAffinityConfig: {} }, 'spec.sessionAffinityConfig', 'ClientIP'],
    ['a misspelt policy', { internalTrafficPolicy: 'local' }, 'spec.internalTrafficPolicy', 'Local'],
    [
      'an external policy of nothing external',
      { externalTrafficPolicy: 'Local' },
      'spec.externalTrafficPolicy',
      'type',
    ],
    [
      'source ranges of no load balancer',
      { type: 'NodePort', loadBalancerSourceRanges: ['10.0.0.0/8'] },
      'spec.loadBalancerSourceRanges',
      'LoadBalancer',
    ],
    [
      'a range that is none',
      { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'] },
      'spec.loadBalancerSourceRanges[0]',
      '10.0.0.0/32',
    ],
    [
      'a health port that nobody asks',
      { type: 'LoadBalancer', healthCheckNodePort: 30001 },
      'spec.healthCheckNodePort',
      'Local',
    ],
    [
      'a health port that is a node port',
      {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 30001,
        ports: [{ port: 80, nodePort: 30001 }],
      },
      'spec.healthCheckNodePort',
      'another',
    ],
    [
      'one node port twice',
      {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 1, nodePort: 30001 },
          { name: 'b', port: 2, nodePort: 30001 },
        ],
      },
      'spec.ports[1].nodePort',
      'another',
    ],
    ['an unknown way to distribute', { trafficDistribution: 'PreferFar' }, 'spec.trafficDistribution', 'Prefer'],
  ] as const)
    it(`refuses ${title}`, () => expect(refused(spec)[path]?.expected).to.include(expected))
  it('lets one number be a node port of each protocol', () => {
    const ports = [
      { name: 'a', port: 53, nodePort: 30053, protocol: 'UDP' },
      { name: 'b', port: 53, nodePort: 30053, protocol: 'TCP' },
      { name: 'c', port: 53, nodePort: 30053, protocol: 'SCTP' },
    ]
    expect(read({ type: 'NodePort', ports }).ports).to.have.length(3)
  })
})

describe('input: what a Pod says of services', () => {
  const pod = (ports: readonly object[], rest: { spec?: object; metadata?: object; status?: object } = {}) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...rest.metadata },
    spec: { containers: [{ name: 'c', ports }], ...rest.spec },
    ...(rest.status && { status: rest.status }),
  })
  const parsed = (ports: readonly object[], rest = {}) => understood(parsePod(pod(ports, rest)))

  it('names the ports of the node that lead to it', () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 53, hostPort: 53, protocol: 'UDP', hostIP: '192.0.2.1' },
      { containerPort: 443, hostPort: 443, hostIP: '0.0.0.0' },
      { containerPort: 9 },
    ]
    expect(parsed(ports).hostPorts).to.deep.equal([
      { protocol: 'TCP', port: 443, containerPort: 443 },
      { protocol: 'TCP', port: 8080, containerPort: 80 },
      { protocol: 'UDP', port: 53, containerPort: 53, address: '192.0.2.1' },
    ])
    expect(parsed(ports).ports).to.have.length(4)
    expect(parsed(ports, { spec: { hostNetwork: true } })).not.to.have.property('hostPorts')
    expect(parsed([{ containerPort: 9 }])).not.to.have.property('hostPorts')
  })
  it('refuses a host port or address that is none', () => {
    const problems = problemsOf(parsePod(pod([{ containerPort: 1, hostPort: 70_000, hostIP: 'eth0' }])))
    expect(problems).to.have.all.keys('spec.containers[0].ports[0].hostPort', 'spec.containers[0].ports[0].hostIP')
  })
  it('is ready unless its status says otherwise, and terminates once its deletion was asked for', () => {
    const status = (ready: string) => ({ status: { conditions: [{ type: 'Ready', status: ready }] } })
    expect(parsed([])).not.to.have.any.keys('ready', 'terminating')
    expect(parsed([], { status: { phase: 'Running' } })).not.to.have.property('ready')
    expect(parsed([], status('True'))).not.to.have.property('ready')
    expect(parsed([], status('False')).ready).to.equal(false)
    expect(parsed([], status('Unknown')).ready).to.equal(false)
    expect(parsed([], { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }).terminating).to.equal(true)
  })
})
