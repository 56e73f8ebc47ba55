import { expect } from 'chai'
import { understood } from '../read.js'
import { clusterwide, egress, portsEntry, refusedEgress, refusedEntry, refusedRule, ruleOf } from './write.js'

const one = (port: unknown) => portsEntry({ ports: [port] })
const refusedPort = (port: unknown) => refusedEntry({ ports: [port] })
const spans = (port: unknown) => one(port)?.ranges.map(({ protocol, first, last }) => [protocol, first, last])

describe('input: toPorts of a Cilium policy', () => {
  describe('ports', () => {
    it('are numbers in quotes, of one protocol', () => {
      expect(spans({ port: '80', protocol: 'TCP' })).to.deep.equal([[6, 80, 80]])
      expect(refusedPort({ port: 80 })['ports[0].port']?.expected).to.equal('a string: what stands there, in quotes')
    })
    it('are of TCP, UDP and SCTP where the protocol is ANY or not given', () => {
      for (const protocol of ['ANY', undefined])
        expect(spans({ port: '53', protocol })).to.deep.equal([
          [6, 53, 53],
          [17, 53, 53],
          [132, 53, 53],
        ])
    })
    it('are all of them where the port is 0 or not given', () => {
      for (const port of ['0', undefined]) expect(spans({ port, protocol: 'UDP' })).to.deep.equal([[17, 0, 65535]])
    })
    it('are no empty strings, nor is what has a fixed set of words', () => {
      expect(refusedEntry({ ports: [{ port: '' }] })).to.have.key('ports[0].port')
      expect(refusedEntry({ ports: [{ port: '1', protocol: '' }] })).to.have.key('ports[0].protocol')
      expect(refusedEgress({ icmps: [{ fields: [{ family: '', type: 8 }] }] })).to.have.key('icmps[0].fields[0].family')
    })
    it('make a range by endPort, both ends included', () => {
      expect(spans({ port: '80', endPort: 444, protocol: 'TCP' })).to.deep.equal([[6, 80, 444]])
      for (const endPort of [0, 80])
        expect(spans({ port: '80', endPort, protocol: 'TCP' })).to.deep.equal([[6, 80, 80]])
      expect(refusedPort({ port: '80', endPort: 79 })['ports[0].endPort']?.expected).to.equal(
        'a number from 80 to 65535',
      )
      expect(refusedPort({ port: 'http', endPort: 90 })['ports[0].endPort']?.message).to.include('named port')
      for (const port of ['0', undefined]) expect(refusedPort({ port, endPort: 90 })).to.have.key('ports[0].port')
      expect(refusedPort({ port: '1', endPort: 65536 })).to.have.key('ports[0].endPort')
    })
    it('are names in lower case, each for its protocols', () => {
      expect(one({ port: 'HTTP', protocol: 'TCP' })).to.deep.equal({
        ranges: [],
        named: [{ name: 'http', protocol: 6 }],
        serverNames: [],
      })
      expect(one({ port: 'http-8080' })?.named.map(({ protocol }) => protocol)).to.deep.equal([6, 17, 132])
    })
    it('are refused where they are neither', () => {
      for (const port of ['65536', '007', '-1', '80-90', 'a--b', 'http_', 'x'.repeat(16), ' 80'])
        expect(refusedPort({ port }), port).to.have.key('ports[0].port')
    })
    it('VRRP and IGMP have none', () => {
      expect(spans({ protocol: 'VRRP' })).to.deep.equal([[112, 0, 65535]])
      expect(spans({ protocol: 'IGMP', port: '0' })).to.deep.equal([[2, 0, 65535]])
      for (const more of [{ port: '1' }, { port: 'http' }, { endPort: 5 }])
        expect(refusedPort({ protocol: 'VRRP', ...more })['ports[0].port']?.message).to.equal('VRRP has no ports')
    })
    it('of ICMP are no ports', () => {
      for (const protocol of ['ICMP', 'ICMPv6'])
        expect(refusedPort({ protocol })['ports[0].protocol']?.expected).to.include('icmps')
      expect(refusedPort({ port: '1', protocol: 'tcp' })['ports[0].protocol']?.expected).to.equal('TCP')
    })
  })

  describe('an entry', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => ({ port: `${index + 1}` }))
    it('has 1 to 40 ports, also in a deny', () => {
      expect(portsEntry({ ports: many(40) })?.ranges).to.have.length(120)
      expect(refusedEntry({ ports: many(41) }).ports?.message).to.equal('there are 41 ports')
      expect(refusedRule({ egressDeny: [{ toPorts: [{ ports: many(41) }] }] })).to.have.key(
        'spec.egressDeny[0].toPorts[0].ports',
      )
      for (const entry of [{}, { ports: [] }]) expect(refusedEntry(entry)).to.have.key('ports')
    })
    it('is canonical', () => {
      const entry = (ports: readonly object[]) => portsEntry({ ports })
      const ports = [{ port: 'b' }, { port: '80' }, { port: 'a' }, { port: '80', protocol: 'TCP' }]
      expect(entry(ports)).to.deep.equal(entry([...ports].reverse()))
    })
    it('none at all means every port', () => {
      expect(egress({ toEndpoints: [{}], toPorts: [] })).to.not.have.property('ports')
    })
    it('of a deny has ports alone', () => {
      const deny = (entry: object) =>
        refusedRule({ ingressDeny: [{ toPorts: [{ ports: [{ port: '80' }], ...entry }] }] })
      for (const [name, value] of Object.entries({
        rules: { http: [{}] },
        serverNames: ['a'],
        listener: { name: 'a' },
        terminatingTLS: {},
        originatingTLS: {},
      }))
        expect(deny({ [name]: value })[`spec.ingressDeny[0].toPorts[0].${name}`]?.message).to.include(
          'a deny rule has no',
        )
      const fact = ruleOf({ ingressDeny: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }] }] }] })
      expect(fact.ingressDeny?.[0]?.ports?.[0]?.ranges).to.deep.equal([{ protocol: 6, first: 80, last: 80 }])
    })
  })

  describe('above ports', () => {
    const ports = [{ port: '443', protocol: 'TCP' }]
    it('server names are carried in lower case, each once', () => {
      expect(portsEntry({ ports, serverNames: ['**.B.example', 'a.example.'] })?.serverNames).to.deep.equal([
        '**.b.example',
        'a.example',
      ])
      expect(refusedEntry({ ports, serverNames: [] })).to.have.key('serverNames')
      expect(refusedEntry({ ports, serverNames: ['a', 'a'] }).serverNames?.message).to.include('twice')
      for (const name of ['a*.example', '***.a', 'a b', ''])
        expect(refusedEntry({ ports, serverNames: [name] })).to.have.key('serverNames[0]')
    })
    it('a listener is carried with its configuration, of the policy’s own scope where it names none', () => {
      const listener = { name: 'l', priority: 3, envoyConfig: { name: 'e' } }
      expect(portsEntry({ ports, listener })?.listener).to.deep.equal({
        name: 'l',
        config: 'CiliumEnvoyConfig/e',
        priority: 3,
      })
      const rule = { endpointSelector: {}, egress: [{ toPorts: [{ ports, listener }] }] }
      const [first] = understood(clusterwide({ spec: rule })).rules
      expect(first?.egress?.[0]?.ports?.[0]?.listener?.config).to.equal('CiliumClusterwideEnvoyConfig/e')
      expect(refusedEntry({ ports, listener: { name: '', priority: 101 } })).to.have.all.keys(
        'listener.name',
        'listener.priority',
        'listener.envoyConfig',
      )
    })
    it('TLS contexts are carried, and need a secret', () => {
      const entry = portsEntry({
        ports,
        terminatingTLS: { secret: { namespace: 'a', name: 's' }, trustedCA: 'ca' },
        originatingTLS: { secret: { name: 's' }, certificate: 'c', privateKey: 'k' },
      })
      expect(entry).to.deep.include({
        tls: true,
        terminatingTls: { secret: { namespace: 'a', name: 's' }, trustedCa: 'ca' },
        originatingTls: { secret: { namespace: '', name: 's' }, certificate: 'c', privateKey: 'k' },
      })
      expect(refusedEntry({ ports, terminatingTLS: {} })).to.have.key('terminatingTLS.secret')
    })
  })
})

describe('input: icmps of a Cilium policy', () => {
  const icmps = (...fields: unknown[]) => egress({ icmps: [{ fields }] })?.icmps
  const refused = (...fields: unknown[]) => refusedEgress({ icmps: [{ fields }] })
  it('are types by number, with every code; IPv4 unless said otherwise', () => {
    expect(icmps({ type: 8 }, { type: '3', family: 'IPv4' }, { type: 255, family: 'IPv6' })).to.deep.equal([
      { protocol: 1, first: 3 << 8, last: (3 << 8) | 255 },
      { protocol: 1, first: 8 << 8, last: (8 << 8) | 255 },
      { protocol: 58, first: 255 << 8, last: 65535 },
    ])
  })
  it('are types by name, each of its family', () => {
    const type = (name: string, family: string) => icmps({ type: name, family })?.map(({ first }) => first >> 8)
    expect(type('EchoRequest', 'IPv4')).to.deep.equal([8])
    expect(type('EchoRequest', 'IPv6')).to.deep.equal([128])
    expect(type('RedirectMessage', 'IPv6')).to.deep.equal([137])
    expect(refused({ type: 'PacketTooBig' })['icmps[0].fields[0].type']?.message).to.equal(
      'IPv4 has no ICMP type of this name',
    )
    expect(refused({ type: 'EchoRequst' })['icmps[0].fields[0].type']?.expected).to.equal('EchoRequest')
    for (const name of ['constructor', 'toString', '__proto__'])
      expect(refused({ type: name })).to.have.key('icmps[0].fields[0].type')
  })
  it('are refused where they are no types', () => {
    for (const type of [256, -1, 1.5, '256', '0001', true, undefined])
      expect(refused({ type }), `${type}`).to.have.key('icmps[0].fields[0].type')
    expect(refused({ type: 8, family: 'IPv5' })).to.have.key('icmps[0].fields[0].family')
  })
  it('are 1 to 40 of an entry', () => {
    const fields = (count: number) => Array.from({ length: count }, (_, type) => ({ type }))
    expect(icmps(...fields(40))).to.have.length(40)
    expect(refused(...fields(41))['icmps[0].fields']?.expected).to.equal('1 to 40 ICMP types')
    for (const entry of [{}, { fields: [] }]) expect(refusedEgress({ icmps: [entry] })).to.have.key('icmps[0].fields')
  })
  it('share a rule with peers, not with toPorts', () => {
    const rule = { toEntities: ['host'], icmps: [{ fields: [{ type: 8 }] }] }
    expect(egress(rule)).to.have.all.keys('path', 'peers', 'icmps')
    const found = refusedEgress({ ...rule, toPorts: [{ ports: [{ port: '80' }] }] })
    expect(found.icmps?.expected).to.equal('a rule of its own for icmps')
    expect(egress({ ...rule, toPorts: [] })).to.deep.equal(egress(rule))
    expect(ruleOf({ egressDeny: [rule] }).egressDeny?.[0]?.icmps).to.have.length(1)
  })
})
