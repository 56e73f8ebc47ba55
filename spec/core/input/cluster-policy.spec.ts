import {
  parseAdminNetworkPolicy,
  parseBaselineAdminNetworkPolicy,
  parseClusterNetworkPolicy,
} from '@weir/core/input/cluster-policy/policy.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const parsers = {
  ClusterNetworkPolicy: parseClusterNetworkPolicy,
  AdminNetworkPolicy: parseAdminNetworkPolicy,
  BaselineAdminNetworkPolicy: parseBaselineAdminNetworkPolicy,
}
type Kind = keyof typeof parsers

const object = (kind: Kind, spec: object, name = 'default') => ({
  apiVersion: `policy.networking.k8s.io/${kind === 'ClusterNetworkPolicy' ? 'v1alpha2' : 'v1alpha1'}`,
  kind,
  metadata: { name },
  spec: {
    ...(kind === 'ClusterNetworkPolicy' ? { tier: 'Admin' } : {}),
    ...(kind === 'BaselineAdminNetworkPolicy' ? {} : { priority: 5 }),
    subject: { namespaces: {} },
    ...spec,
  },
})
const read = (kind: Kind, spec: object) => understood(parsers[kind](object(kind, spec)))
const refused = (kind: Kind, spec: object) => problemsOf(parsers[kind](object(kind, spec)))

const cnp = (spec: object) => read('ClusterNetworkPolicy', spec)
const refusedCnp = (spec: object) => refused('ClusterNetworkPolicy', spec)
const egressOf = (rule: object) => ({ egress: [{ action: 'Accept', to: [{ namespaces: {} }], ...rule }] })

describe('input: ClusterNetworkPolicy', () => {
  it('has a tier, a priority and a subject', () => {
    expect(cnp({ tier: 'Baseline', priority: 1000 })).to.deep.equal({
      kind: 'ClusterNetworkPolicy',
      name: 'default',
      tier: 'baseline',
      priority: 1000,
      subject: { kind: 'namespaces', selector: [] },
      ingress: [],
      egress: [],
    })
    expect(cnp({ priority: 0 }).priority).to.equal(0)
    for (const priority of [-1, 1001, 1.5, '5', undefined])
      expect(refusedCnp({ priority })).to.have.key('spec.priority')
    for (const tier of ['admin', undefined]) expect(refusedCnp({ tier })).to.have.key('spec.tier')
    expect(refusedCnp({ subject: undefined })).to.have.key('spec.subject')
  })
  it('belongs to no namespace', () => {
    const raw = { ...object('ClusterNetworkPolicy', {}), metadata: { name: 'a', namespace: 'b' } }
    expect(problemsOf(parseClusterNetworkPolicy(raw))).to.have.key('metadata.namespace')
  })
  it('has exactly one subject; without a namespaceSelector its pods are of every namespace', () => {
    expect(cnp({ subject: { pods: { podSelector: { matchLabels: { a: 'b' } } } } }).subject).to.deep.equal({
      kind: 'pods',
      namespaceSelector: [],
      podSelector: [{ key: 'a', operator: 'In', values: ['b'] }],
    })
    for (const subject of [{}, { namespaces: {}, pods: { podSelector: {} } }])
      expect(refusedCnp({ subject })['spec.subject']?.expected).to.equal('exactly one of namespaces, pods')
    expect(refusedCnp({ subject: { pods: {} } })).to.have.key('spec.subject.pods.podSelector')
  })

  describe('rules', () => {
    it('keep their order, path, name and action', () => {
      const rule = (action: string) => ({ action, from: [{ namespaces: {} }] })
      const fact = cnp({ ingress: [{ ...rule('Pass'), name: 'n' }, rule('Deny'), rule('Accept')] })
      expect(fact.ingress.map(({ path, action }) => [path, action])).to.deep.equal([
        ['spec.ingress[0]', 'pass'],
        ['spec.ingress[1]', 'deny'],
        ['spec.ingress[2]', 'accept'],
      ])
      expect(fact.ingress.map(({ name }) => name)).to.deep.equal(['n', undefined, undefined])
    })
    it('are at most 25, with at most 25 peers and protocols, and one at least', () => {
      const many = <A>(item: A, length: number): A[] => Array.from({ length }, () => item)
      const rule = { action: 'Deny', to: [{ namespaces: {} }] }
      expect(cnp({ egress: many(rule, 25) }).egress).to.have.length(25)
      expect(refusedCnp({ egress: many(rule, 26) })).to.have.key('spec.egress')
      expect(refusedCnp({ ingress: many(rule, 26) })).to.have.key('spec.ingress')
      for (const to of [undefined, [], many({ namespaces: {} }, 26)])
        expect(refusedCnp(egressOf({ to }))).to.have.key('spec.egress[0].to')
      const protocol = { tcp: { destinationPort: { number: 1 } } }
      for (const protocols of [[], many(protocol, 26)])
        expect(refusedCnp(egressOf({ protocols }))).to.have.key('spec.egress[0].protocols')
    })
    it('have a name of at most 100 characters and one of three actions', () => {
      expect(cnp(egressOf({ name: 'x'.repeat(100) })).egress[0]?.name).to.have.length(100)
      expect(refusedCnp(egressOf({ name: 'x'.repeat(101), action: 'Allow' }))).to.have.all.keys(
        'spec.egress[0].name',
        'spec.egress[0].action',
      )
    })
  })

  describe('peers', () => {
    const peer = (fields: object) => cnp(egressOf({ to: [fields] })).egress[0]?.peers[0]
    const refusedPeer = (fields: object) => refusedCnp(egressOf({ to: [fields] }))
    it('are namespaces, pods, nodes, networks or domain names', () => {
      expect(peer({ nodes: { matchLabels: { a: 'b' } } })).to.deep.include({ kind: 'nodes' })
      expect(peer({ networks: ['10.1.2.3/8', '0.0.0.0/0'] })).to.deep.equal({
        kind: 'networks',
        cidrs: ['0.0.0.0/0', '10.0.0.0/8'],
      })
      expect(peer({ domainNames: ['B.example.', '*.a.example'] })).to.deep.equal({
        kind: 'domainNames',
        names: ['*.a.example', 'b.example'],
      })
    })
    it('are exactly one of these each', () => {
      expect(refusedPeer({})['spec.egress[0].to[0]']?.expected).to.include('exactly one of namespaces, pods')
      expect(refusedPeer({ namespaces: {}, nodes: {} })['spec.egress[0].to[0]']?.message).to.equal(
        'namespaces and nodes stand side by side',
      )
    })
    it('of ingress are namespaces or pods', () => {
      for (const name of ['nodes', 'networks', 'domainNames'])
        expect(refusedCnp({ ingress: [{ action: 'Deny', from: [{ [name]: [] }] }] })).to.include.keys(
          `spec.ingress[0].from[0].${name}`,
        )
    })
    it('of networks and domain names are 1 to 25, each once', () => {
      const numbers = Array.from({ length: 26 }, (_, index) => index)
      for (const networks of [[], numbers.map(index => `10.${index}.0.0/16`)])
        expect(refusedPeer({ networks })).to.have.key('spec.egress[0].to[0].networks')
      expect(refusedPeer({ networks: ['10.0.0.0/8', '10.1.0.0/8'] })).to.have.key('spec.egress[0].to[0].networks[1]')
      expect(refusedPeer({ domainNames: ['a.example', 'A.example'] })).to.have.key(
        'spec.egress[0].to[0].domainNames[1]',
      )
      for (const name of ['example', '*', 'a.*.example', '-a.example', `${'a.'.repeat(200)}b`])
        expect(refusedPeer({ domainNames: [name] }), name).to.have.key('spec.egress[0].to[0].domainNames[0]')
    })
    it('of domain names are for Accept alone', () => {
      for (const action of ['Deny', 'Pass']) {
        const found = refusedCnp(egressOf({ action, to: [{ namespaces: {} }, { domainNames: ['a.example'] }] }))
        expect(found['spec.egress[0].to[1].domainNames']?.expected).to.equal('action: Accept')
      }
    })
  })

  describe('protocols', () => {
    const ports = (...protocols: object[]) => cnp(egressOf({ protocols })).egress[0]?.ports
    const refusedPorts = (...protocols: object[]) => refusedCnp(egressOf({ protocols }))
    it('absent, they say nothing', () => {
      expect(cnp(egressOf({})).egress[0]).to.not.have.property('ports')
    })
    it('are numbers and ranges by protocol, and names of whichever', () => {
      const written = [
        { destinationNamedPort: 'http' },
        { udp: { destinationPort: { range: { start: 5, end: 9 } } } },
        { sctp: { destinationPort: { number: 7 } } },
        { tcp: { destinationPort: { number: 80 } } },
        { tcp: { destinationPort: { number: 80 } } },
      ]
      expect(ports(...written)).to.deep.equal({
        ranges: [
          { protocol: 6, first: 80, last: 80 },
          { protocol: 17, first: 5, last: 9 },
          { protocol: 132, first: 7, last: 7 },
        ],
        named: [{ name: 'http', protocol: 0 }],
      })
    })
    it('are exactly one thing each', () => {
      const at = 'spec.egress[0].protocols[0]'
      expect(refusedPorts({})).to.have.key(at)
      expect(refusedPorts({ destinationNamedPort: 'a', tcp: { destinationPort: { number: 1 } } })).to.have.key(at)
      expect(refusedPorts({ tcp: {} })).to.have.key(`${at}.tcp.destinationPort`)
      for (const destinationPort of [{}, { number: 1, range: { start: 1, end: 2 } }])
        expect(refusedPorts({ tcp: { destinationPort } })).to.have.key(`${at}.tcp.destinationPort`)
    })
    it('keep to the numbers of ports, and ranges to their direction', () => {
      const at = 'spec.egress[0].protocols[0].tcp.destinationPort'
      for (const number of [0, 65536, '80'])
        expect(refusedPorts({ tcp: { destinationPort: { number } } })).to.have.key(`${at}.number`)
      for (const end of [4, 5])
        expect(refusedPorts({ tcp: { destinationPort: { range: { start: 5, end } } } })).to.have.key(`${at}.range.end`)
    })
    it('have no names where peers have none', () => {
      const protocols = [{ destinationNamedPort: 'http' }]
      const to = [{ namespaces: {} }, { nodes: {} }, { networks: ['10.0.0.0/8'] }, { domainNames: ['a.example'] }]
      expect(refusedCnp(egressOf({ protocols, to }))).to.have.all.keys(
        'spec.egress[0].to[1].nodes',
        'spec.egress[0].to[2].networks',
        'spec.egress[0].to[3].domainNames',
      )
    })
  })
})

describe('input: AdminNetworkPolicy and BaselineAdminNetworkPolicy', () => {
  const rule = { action: 'Allow', to: [{ namespaces: {} }] }
  it('have the form of a ClusterNetworkPolicy', () => {
    expect(read('AdminNetworkPolicy', { egress: [rule] })).to.deep.equal({
      kind: 'AdminNetworkPolicy',
      name: 'default',
      tier: 'admin',
      priority: 5,
      subject: { kind: 'namespaces', selector: [] },
      ingress: [],
      egress: [{ path: 'spec.egress[0]', action: 'accept', peers: [{ kind: 'namespaces', selector: [] }] }],
    })
    expect(read('BaselineAdminNetworkPolicy', {})).to.include({ tier: 'baseline', priority: 0 })
  })
  it('have one baseline, called default, without priority, Pass and domain names', () => {
    const other = parseBaselineAdminNetworkPolicy(object('BaselineAdminNetworkPolicy', {}, 'other'))
    expect(problemsOf(other)['metadata.name']?.expected).to.equal('default')
    const found = refused('BaselineAdminNetworkPolicy', {
      priority: 1,
      egress: [{ action: 'Pass', to: [{ domainNames: ['a.example'] }] }],
    })
    expect(found).to.include.keys('spec.priority', 'spec.egress[0].action', 'spec.egress[0].to[0].domainNames')
  })
  it('spell actions and ports their own way', () => {
    const ports = [
      { portNumber: { port: 80 } },
      { portRange: { protocol: 'UDP', start: 1, end: 3 } },
      { namedPort: 'http' },
    ]
    expect(read('AdminNetworkPolicy', { egress: [{ ...rule, ports }] }).egress[0]?.ports).to.deep.equal({
      ranges: [
        { protocol: 6, first: 80, last: 80 },
        { protocol: 17, first: 1, last: 3 },
      ],
      named: [{ name: 'http', protocol: 0 }],
    })
    const found = refused('AdminNetworkPolicy', {
      egress: [
        { ...rule, action: 'Accept' },
        { ...rule, protocols: [] },
        { ...rule, ports: [{}, { namedPort: 'a', portNumber: { port: 1 } }, { portRange: { start: 2, end: 2 } }] },
      ],
    })
    expect(found).to.have.all.keys(
      'spec.egress[0].action',
      'spec.egress[1].protocols',
      'spec.egress[2].ports[0]',
      'spec.egress[2].ports[1]',
      'spec.egress[2].ports[2].portRange.end',
    )
  })
  it('want both selectors of pods, and take 100 rules', () => {
    expect(refused('AdminNetworkPolicy', { subject: { pods: { podSelector: {} } } })).to.have.key(
      'spec.subject.pods.namespaceSelector',
    )
    const rules = (length: number) => ({ egress: Array.from({ length }, () => rule) })
    expect(read('AdminNetworkPolicy', rules(100)).egress).to.have.length(100)
    expect(refused('AdminNetworkPolicy', rules(101))).to.have.key('spec.egress')
  })
  it('let domain names be allowed, not denied', () => {
    const to = [{ domainNames: ['*.a.example'] }]
    expect(read('AdminNetworkPolicy', { egress: [{ ...rule, to }] }).egress[0]?.peers[0]?.kind).to.equal('domainNames')
    const denied = refused('AdminNetworkPolicy', { egress: [{ action: 'Deny', to }] })
    expect(denied['spec.egress[0].to[0].domainNames']?.expected).to.equal('action: Allow')
  })
})
