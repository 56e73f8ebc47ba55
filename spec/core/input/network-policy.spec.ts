import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const policy = (spec: unknown) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec,
})
const read = (spec: unknown) => understood(parseNetworkPolicy(policy(spec)))
const refused = (spec: unknown) => problemsOf(parseNetworkPolicy(policy(spec)))
const port = (fields: object) => ({ podSelector: {}, ingress: [{ ports: [fields] }] })
const peer = (fields: object) => ({ podSelector: {}, ingress: [{ from: [fields] }] })
const block = (cidr: unknown, ...except: unknown[]) => peer({ ipBlock: { cidr, except } })

describe('input: NetworkPolicy', () => {
  describe('policyTypes', () => {
    it('is Ingress alone when absent and nothing is said of egress', () => {
      expect(read({ podSelector: {} }).policyTypes).to.deep.equal(['ingress'])
      expect(read({ podSelector: {}, policyTypes: [], egress: [] }).policyTypes).to.deep.equal(['ingress'])
    })
    it('is Ingress and Egress when absent and there is an egress rule', () => {
      expect(read({ podSelector: {}, egress: [{}] }).policyTypes).to.deep.equal(['ingress', 'egress'])
    })
    it('is what it says otherwise, and rules of another direction count for nothing', () => {
      const fact = read({ podSelector: {}, policyTypes: ['Egress'], ingress: [{}] })
      expect(fact.policyTypes).to.deep.equal(['egress'])
      expect(fact.ingress).to.deep.equal([])
    })
    it('refuses any other word and more than two', () => {
      expect(refused({ podSelector: {}, policyTypes: ['ingress'] })['spec.policyTypes[0]']?.expected).to.equal(
        'Ingress',
      )
      expect(refused({ podSelector: {}, policyTypes: ['Ingress', 'Egress', 'Egress'] })).to.have.key('spec.policyTypes')
    })
  })

  describe('empty lists', () => {
    it('tells a rule that allows everything from no rule', () => {
      expect(read({ podSelector: {}, ingress: [{}] }).ingress).to.deep.equal([{ peers: [], ports: [] }])
      expect(read({ podSelector: {}, ingress: [] }).ingress).to.deep.equal([])
    })
    it('reads null as absent', () => {
      const spec = { podSelector: { matchLabels: null }, ingress: [{ from: null, ports: null }], policyTypes: null }
      expect(read(spec)).to.deep.include({ podSelector: [], ingress: [{ peers: [], ports: [] }] })
    })
    it('refuses an empty list item, which would allow everything', () => {
      const found = refused({ podSelector: {}, ingress: [null] })['spec.ingress[0]']
      expect(found).to.include({ message: 'the list item is empty', expected: 'a value after the dash' })
    })
    it('reads a policy without a spec as one that isolates every pod of the namespace', () => {
      expect(read(undefined)).to.deep.include({ podSelector: [], policyTypes: ['ingress'], ingress: [] })
    })
  })

  describe('selectors', () => {
    it('folds matchLabels and matchExpressions into one canonical form', () => {
      const written = {
        matchLabels: { b: '1', a: '2' },
        matchExpressions: [
          { key: 'a', operator: 'In', values: ['2'] },
          { key: 'c', operator: 'NotIn', values: ['y', 'x', 'y'] },
        ],
      }
      expect(read({ podSelector: written }).podSelector).to.deep.equal([
        { key: 'a', operator: 'In', values: ['2'] },
        { key: 'b', operator: 'In', values: ['1'] },
        { key: 'c', operator: 'NotIn', values: ['x', 'y'] },
      ])
    })
    for (const operator of ['In', 'NotIn'])
      it(`refuses ${operator} without values`, () => {
        const spec = { podSelector: { matchExpressions: [{ key: 'a', operator }] } }
        expect(refused(spec)).to.have.key('spec.podSelector.matchExpressions[0].values')
      })
    for (const operator of ['Exists', 'DoesNotExist'])
      it(`refuses ${operator} with values`, () => {
        const spec = { podSelector: { matchExpressions: [{ key: 'a', operator, values: ['b'] }] } }
        expect(refused(spec)).to.have.key('spec.podSelector.matchExpressions[0].values')
      })
    it('refuses unknown operators, label keys and label values', () => {
      const expressions = [
        { key: 'a', operator: 'in', values: ['b'] },
        { key: 'a/b/c', operator: 'Exists' },
        { key: 'UP.example/x', operator: 'Exists' },
        { key: 'a', operator: 'In', values: ['-x', 'x'.repeat(64)] },
      ]
      const at = 'spec.podSelector.matchExpressions'
      const found = refused({ podSelector: { matchLabels: { a: 1, '-': 'x' }, matchExpressions: expressions } })
      expect(found[`${at}[0].operator`]?.expected).to.equal('In')
      expect(found).to.include.keys(`${at}[1].key`, `${at}[2].key`, `${at}[3].values[0]`, `${at}[3].values[1]`)
      expect(found['spec.podSelector.matchLabels.a']?.expected).to.equal('a string: what stands there, in quotes')
      expect(found).to.include.keys('spec.podSelector.matchLabels[-]')
    })
  })

  describe('peers', () => {
    it('keeps both selectors of one item together and two items apart', () => {
      const selector = { matchLabels: { a: 'b' } }
      const from = [{ podSelector: selector, namespaceSelector: {} }, { podSelector: selector }]
      const expected = [{ key: 'a', operator: 'In', values: ['b'] }]
      expect(read({ podSelector: {}, ingress: [{ from }] }).ingress[0]?.peers).to.deep.equal([
        { kind: 'pods', podSelector: expected, namespaceSelector: [] },
        { kind: 'pods', podSelector: expected },
      ])
    })
    it('refuses a peer that says nothing, and ipBlock beside a selector', () => {
      expect(refused(peer({}))).to.have.key('spec.ingress[0].from[0]')
      expect(refused(peer({ podSelector: null }))).to.have.key('spec.ingress[0].from[0]')
      const both = { ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }
      expect(refused(peer(both))).to.have.key('spec.ingress[0].from[0].ipBlock')
    })
    it('clears host bits, sorts exceptions and writes IPv6 as RFC 5952 does', () => {
      const peers = (spec: object) => read(spec).ingress[0]?.peers[0]
      expect(peers(block('10.1.2.3/8', '10.9.0.0/16', '10.2.0.0/16', '10.9.1.0/16'))).to.deep.equal({
        kind: 'ipBlock',
        cidr: '10.0.0.0/8',
        except: ['10.2.0.0/16', '10.9.0.0/16'],
      })
      const ipv6 = peers(block('FD00:0:0:0:1:0:0:1/64', 'fd00:0000::0001/128'))
      expect(ipv6).to.deep.include({ cidr: 'fd00::/64', except: ['fd00::1/128'] })
    })
    for (const [cidr, expected] of [
      ['10.0.0.1', '10.0.0.1/32'],
      ['fd00::1', 'fd00::1/128'],
      ['10.0.0.0/33', 'a prefix length from 0 to 32'],
      ['010.0.0.0/8', '10.0.0.0/8'],
      ['::ffff:10.0.0.0/104', 'a prefix length from 0 to 32'],
      ['10.0.0/8', 'such as 10.0.0.0/8 or fd00::/64'],
      ['0x0a.0.0.0/8', 'such as 10.0.0.0/8 or fd00::/64'],
      ['fe80::1%eth0/64', 'such as 10.0.0.0/8 or fd00::/64'],
      ['', 'such as 10.0.0.0/8 or fd00::/64'],
    ] as const)
      it(`refuses the CIDR "${cidr}"`, () => {
        expect(refused(block(cidr))['spec.ingress[0].from[0].ipBlock.cidr']?.expected).to.equal(expected)
      })
    it('tells of every exception that is none', () => {
      expect(refused(block('10.0.0.0/8', '11.0.0.0/16', '10.1.0.0/16', '12.0.0.0/16'))).to.have.all.keys(
        'spec.ingress[0].from[0].ipBlock.except[0]',
        'spec.ingress[0].from[0].ipBlock.except[2]',
      )
    })
    it('tells of values that are missing beside a key that is none', () => {
      const podSelector = { matchExpressions: [{ key: '-', operator: 'In' }] }
      const at = 'spec.ingress[0].from[0].podSelector.matchExpressions[0]'
      expect(refused(peer({ podSelector }))).to.have.all.keys(`${at}.key`, `${at}.values`)
    })
    for (const except of ['11.0.0.0/16', '10.0.0.0/8', '10.0.0.0/7', 'fd00::/64'])
      it(`refuses the exception ${except} of 10.0.0.0/8`, () => {
        expect(refused(block('10.0.0.0/8', except))).to.have.key('spec.ingress[0].from[0].ipBlock.except[0]')
      })
  })

  describe('ports', () => {
    const ports = (fields: object) => read(port(fields)).ingress[0]?.ports
    it('defaults to TCP, and to every port', () => {
      expect(ports({})).to.deep.equal([{ protocol: 'TCP' }])
      expect(ports({ port: 'http', protocol: 'SCTP' })).to.deep.equal([{ protocol: 'SCTP', port: 'http' }])
      expect(ports({ port: 80, endPort: 90 })).to.deep.equal([{ protocol: 'TCP', port: 80, endPort: 90 }])
      expect(ports({ port: 80, endPort: 80 })).to.deep.equal([{ protocol: 'TCP', port: 80 }])
    })
    it('sorts ports and drops repeats', () => {
      const list = [{ port: 'b' }, { port: 90 }, { port: 80, protocol: 'UDP' }, { port: 'a' }, { port: 90 }, {}]
      expect(read({ podSelector: {}, ingress: [{ ports: list }] }).ingress[0]?.ports).to.deep.equal([
        { protocol: 'TCP' },
        { protocol: 'TCP', port: 90 },
        { protocol: 'TCP', port: 'a' },
        { protocol: 'TCP', port: 'b' },
        { protocol: 'UDP', port: 80 },
      ])
    })
    const at = 'spec.ingress[0].ports[0]'
    for (const [fields, path, expected] of [
      [{ port: '80' }, 'port', 'without quotes: 80'],
      [{ port: 0 }, 'port', 'a whole number from 1 to 65535'],
      [{ port: 65536 }, 'port', 'a whole number from 1 to 65535'],
      [{ port: 80.5 }, 'port', 'a whole number from 1 to 65535'],
      [{ port: true }, 'port', 'a whole number from 1 to 65535'],
      [{ port: 80, endPort: 79 }, 'endPort', 'a number from 80 to 65535'],
      [{ port: 'http', endPort: 90 }, 'endPort', 'no endPort, or a numeric port'],
      [{ endPort: 90 }, 'port', 'a port number, as endPort is given'],
      [{ protocol: 'tcp' }, 'protocol', 'TCP'],
      [{ protocol: 'ICMP' }, 'protocol', 'one of TCP, UDP, SCTP'],
    ] as const)
      it(`refuses ${JSON.stringify(fields)}`, () => {
        expect(refused(port(fields))[`${at}.${path}`]?.expected).to.equal(expected)
      })
    for (const name of ['sixteen-chars-xx', 'UP', 'a--b', '-a', 'a-', 'a_b', '12-3', ''])
      it(`refuses the port name "${name}"`, () => expect(refused(port({ port: name }))).to.have.key(`${at}.port`))
  })

  describe('fields', () => {
    it('refuses unknown ones everywhere and suggests the nearest', () => {
      const spec = {
        podSelectr: {},
        podSelector: { matchLables: {} },
        ingress: [{ form: [], ports: [{ prot: 80 }] }, { to: [] }],
      }
      const found = problemsOf(parseNetworkPolicy({ ...policy(spec), sepc: {} }))
      expect(found.sepc?.expected).to.equal('spec')
      expect(found['spec.podSelectr']?.expected).to.equal('podSelector')
      expect(found['spec.podSelector.matchLables']?.expected).to.equal('matchLabels')
      expect(found['spec.ingress[0].form']?.expected).to.equal('from')
      expect(found['spec.ingress[0].ports[0].prot']?.expected).to.equal('port')
      expect(found['spec.ingress[1].to']?.expected).to.equal('one of from, ports')
    })
    it('accepts every field of an object that a server sent', () => {
      const metadata = { ...policy({}).metadata, uid: 'u', managedFields: [], annotations: { a: 'b' }, generation: 1 }
      const sent = { ...policy({ podSelector: {} }), metadata, status: {} }
      expect(understood(parseNetworkPolicy(sent))).to.deep.include({ namespace: 'shop', name: 'p' })
    })
    it('refuses what is no map, and a bad name or namespace', () => {
      expect(refused([])).to.have.key('spec')
      const metadata = { name: 'Under_score', namespace: 'a.b' }
      const found = problemsOf(parseNetworkPolicy({ ...policy({ podSelector: {} }), metadata }))
      expect(found).to.have.keys('metadata.name', 'metadata.namespace')
    })
    it('is in the namespace default when it names none', () => {
      const fact = understood(parseNetworkPolicy({ ...policy({ podSelector: {} }), metadata: { name: 'p' } }))
      expect(fact.namespace).to.equal('default')
    })
  })
})
