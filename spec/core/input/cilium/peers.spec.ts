import { expect } from 'chai'
import { egress, ingress, refusedEgress, refusedIngress, refusedRule, ruleOf } from './write.js'

/** One legal list for each kind of peers of egress. */
const lists: Readonly<Record<string, unknown>> = {
  toEndpoints: [{}],
  toCIDR: ['10.0.0.0/8'],
  toCIDRSet: [{ cidr: '10.0.0.0/8' }],
  toEntities: ['world'],
  toNodes: [{}],
  toServices: [{ k8sService: { namespace: 'a', serviceName: 'b' } }],
  toFQDNs: [{ matchName: 'example.com' }],
}

describe('input: peers of a Cilium policy', () => {
  describe('kinds', () => {
    it('are absent, or empty, or there: any, nobody, those', () => {
      expect(ingress({ toPorts: [{ ports: [{ port: '80' }] }] })).to.not.have.property('peers')
      expect(ingress({ fromEndpoints: [] })?.peers).to.deep.equal({ kind: 'endpoints', selectors: [] })
      expect(ingress({ fromEndpoints: [{}] })?.peers).to.deep.equal({ kind: 'endpoints', selectors: [[]] })
    })
    for (const [name, list] of Object.entries(lists))
      it(`${name} is read alone, and its empty list as nobody`, () => {
        expect(egress({ [name]: list })?.peers).to.be.an('object')
        const nobody = egress({ [name]: [] })?.peers
        const { kind: _kind, ...rest } = nobody!
        expect(Object.values(rest)).to.deep.equal([[]])
      })
    for (const [index, first] of Object.keys(lists).entries())
      for (const second of Object.keys(lists).slice(index + 1))
        it(`${first} and ${second} don't mix`, () => {
          const found = refusedEgress({ [first]: lists[first], [second]: lists[second] })
          expect(found).to.have.key(second)
          expect(found[second]?.message).to.equal(`${second} stands beside ${first}`)
        })
    it('name each field that is one too many', () => {
      expect(refusedEgress(lists)).to.have.all.keys(Object.keys(lists).slice(1))
    })
    it('are told not to mix beside what else is wrong with them', () => {
      const found = refusedEgress({ toCIDR: ['x'], toEntities: ['host'], toPorts: [{}], icmps: [{}] })
      expect(found).to.have.all.keys('toCIDR[0]', 'toEntities', 'toPorts[0].ports', 'icmps[0].fields', 'icmps')
    })
    it('that are empty beside another add nobody', () => {
      expect(egress({ toEndpoints: [], toEntities: ['host'] })?.peers).to.deep.equal({
        kind: 'entities',
        entities: ['host'],
      })
    })
  })

  describe('reserved labels', () => {
    const peer = (selector: object) => refusedEgress({ toEndpoints: [selector] })['toEndpoints[0]']
    it('are a closed set without values', () => {
      expect(egress({ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] })?.peers).to.deep.equal({
        kind: 'endpoints',
        selectors: [[{ key: 'reserved:host', operator: 'In', values: [''] }]],
      })
      const strange = {
        matchLabels: { 'reserved:hots': '' },
        matchExpressions: [{ key: 'reserved:own-pod', operator: 'Exists' }],
      }
      const found = refusedEgress({ toEndpoints: [strange] })
      expect(found['toEndpoints[0].matchLabels["reserved:hots"]']?.expected).to.equal('host')
      expect(found['toEndpoints[0].matchExpressions[0].key']?.message).to.equal('there is no such reserved label')
      expect(peer({ matchLabels: { 'reserved:host': 'yes' } })?.message).to.equal('reserved labels have no value')
    })
    it('of the API server stand alone, as it is known by its addresses', () => {
      const key = 'reserved:kube-apiserver'
      expect(peer({ matchLabels: { [key]: '', app: 'web' } })?.expected).to.equal(
        `${key} alone, or the entity kube-apiserver`,
      )
      const without = { matchLabels: { app: 'web' }, matchExpressions: [{ key, operator: 'DoesNotExist' }] }
      expect(egress({ toEndpoints: [{ matchLabels: { [key]: '' } }, without] })?.peers).to.have.property('kind')
    })
  })

  describe('direction and action', () => {
    it('FQDNs and services are peers of egress alone', () => {
      expect(refusedIngress({ fromFQDNs: [{ matchName: 'a' }] }).fromFQDNs?.message).to.include('egress')
      expect(refusedIngress({ fromServices: [{}] }).fromServices?.expected).to.equal('toServices, in egress')
      expect(refusedIngress({ toEndpoints: [{}] })).to.have.key('toEndpoints')
    })
    it('a deny takes every kind but FQDNs', () => {
      for (const [name, list] of Object.entries(lists)) {
        const rule = { egressDeny: [{ [name]: list }] }
        if (name === 'toFQDNs')
          expect(refusedRule(rule)['spec.egressDeny[0].toFQDNs']?.message).to.include('deny rule has no FQDNs')
        else expect(ruleOf(rule).egressDeny?.[0]?.peers).to.be.an('object')
      }
    })
    it('a deny has no authentication; an allow has one of three', () => {
      expect(egress({ authentication: { mode: 'required' } })?.authentication).to.equal('required')
      expect(refusedEgress({ authentication: { mode: 'require' } })['authentication.mode']?.expected).to.equal(
        'required',
      )
      expect(refusedEgress({ authentication: {} })).to.have.key('authentication.mode')
      const denied = refusedRule({ ingressDeny: [{ authentication: { mode: 'required' } }] })
      expect(denied).to.have.key('spec.ingressDeny[0].authentication')
    })
    it('points from a cut field name to the whole one', () => {
      expect(refusedEgress({ auth: { type: 'null' } }).auth?.expected).to.equal('authentication')
    })
  })

  describe('what nobody enforces', () => {
    it('groups of cloud providers are refused with the reason', () => {
      for (const found of [refusedIngress({ fromGroups: [] }), refusedEgress({ toGroups: [{ aws: {} }] })])
        expect(Object.values(found)[0]?.message).to.include('no cloud provider')
    })
    it('requirements are refused, unless there are none', () => {
      expect(refusedIngress({ fromRequires: [{ matchLabels: { a: 'b' } }] }).fromRequires?.message).to.include(
        'not enforced',
      )
      expect(egress({ toRequires: [] })).to.deep.equal({ path: 'spec.egress[0]' })
    })
  })

  describe('CIDR', () => {
    it('is canonical: host bits cleared, in order, each once', () => {
      const cidrs = ['fd00::1/64', '10.1.2.3/8', '10.0.0.0/8', '0.0.0.0/0']
      expect(egress({ toCIDR: cidrs })?.peers).to.deep.equal({
        kind: 'cidrs',
        cidrs: ['0.0.0.0/0', '10.0.0.0/8', 'fd00::/64'].map(cidr => ({ kind: 'cidr', cidr, except: [] })),
      })
    })
    it('is refused where it is none, with the one that was meant', () => {
      expect(refusedEgress({ toCIDR: ['10.0.0.1'] })['toCIDR[0]']?.expected).to.equal('10.0.0.1/32')
      expect(refusedEgress({ toCIDR: ['10.0.0.0/33'] })['toCIDR[0]']?.value).to.equal('"10.0.0.0/33"')
    })
  })

  describe('CIDRSet', () => {
    const set = (rule: unknown) => egress({ toCIDRSet: [rule] })?.peers
    const refused = (rule: unknown) => refusedEgress({ toCIDRSet: [rule] })
    it('is a block with holes, a group, or groups by labels', () => {
      expect(set({ cidr: '10.0.0.0/8', except: ['10.2.0.0/16', '10.1.9.9/16'] })).to.deep.equal({
        kind: 'cidrs',
        cidrs: [{ kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] }],
      })
      expect(set({ cidrGroupRef: 'offices' })).to.deep.equal({
        kind: 'cidrs',
        cidrs: [{ kind: 'group', name: 'offices', except: [] }],
      })
      expect(set({ cidrGroupSelector: {}, except: ['10.0.0.0/8'] })).to.deep.equal({
        kind: 'cidrs',
        cidrs: [{ kind: 'groups', selector: [], except: ['10.0.0.0/8'] }],
      })
    })
    it('is exactly one of the three', () => {
      expect(refused({})['toCIDRSet[0]']?.expected).to.equal('exactly one of cidr, cidrGroupRef, cidrGroupSelector')
      expect(refused({ cidr: '10.0.0.0/8', cidrGroupRef: 'a' })['toCIDRSet[0]']?.message).to.equal(
        'cidr and cidrGroupRef stand side by side',
      )
    })
    it('has its holes inside the block: each one that is not is named', () => {
      const found = refused({ cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/16', 'fd00::/64'] })
      expect(found).to.have.all.keys('toCIDRSet[0].except[1]', 'toCIDRSet[0].except[2]')
      expect(found['toCIDRSet[0].except[1]']?.expected).to.equal('a CIDR inside 10.0.0.0/8')
    })
    it('names a group as objects are named', () => {
      expect(refused({ cidrGroupRef: 'Offices' })).to.have.key('toCIDRSet[0].cidrGroupRef')
    })
  })

  describe('entities', () => {
    it('are each once, in one order', () => {
      const all = ['none', 'health', 'world-ipv6', 'world', 'host', 'world', 'all']
      expect(egress({ toEntities: all })?.peers).to.deep.equal({
        kind: 'entities',
        entities: ['all', 'world', 'world-ipv6', 'host', 'health', 'none'],
      })
    })
    it('are of a closed set', () => {
      expect(refusedEgress({ toEntities: ['Host'] })['toEntities[0]']?.expected).to.equal('host')
      expect(refusedEgress({ toEntities: ['internet'] })['toEntities[0]']?.expected).to.include('one of all, world')
    })
  })

  describe('services', () => {
    const services = (service: unknown) => egress({ toServices: [service] })?.peers
    it('are by name, by labels, or by either', () => {
      const byName = { namespace: 'a', serviceName: 'b' }
      expect(services({ k8sService: byName, k8sServiceSelector: { selector: {} } })).to.deep.equal({
        kind: 'services',
        services: [
          { kind: 'name', namespace: 'a', name: 'b' },
          { kind: 'selector', namespace: '', selector: [] },
        ],
      })
    })
    it('need what makes them one', () => {
      const refused = (service: unknown) => refusedEgress({ toServices: [service] })
      expect(refused({})['toServices[0]']?.expected).to.equal('k8sService or k8sServiceSelector')
      expect(refused({ k8sService: { serviceName: 'b' } })).to.have.key('toServices[0].k8sService.namespace')
      expect(refused({ k8sServiceSelector: { namespace: 'b' } })).to.have.key(
        'toServices[0].k8sServiceSelector.selector',
      )
    })
  })

  describe('FQDNs', () => {
    const names = (...list: unknown[]) => egress({ toFQDNs: list })?.peers
    it('are names or patterns, in lower case and without the final dot', () => {
      expect(names({ matchName: 'Example.COM.' }, { matchPattern: '**.Example.com' })).to.deep.equal({
        kind: 'fqdns',
        fqdns: [{ name: 'example.com' }, { pattern: '**.example.com' }],
      })
    })
    it('are one of the two, of legal characters and length', () => {
      const refused = (selector: unknown) => refusedEgress({ toFQDNs: [selector] })
      expect(refused({})).to.have.key('toFQDNs[0]')
      expect(refused({ matchName: 'a', matchPattern: 'a' })).to.have.key('toFQDNs[0]')
      expect(refused({ matchName: '*.example.com' })['toFQDNs[0].matchName']?.expected).to.include('matchPattern')
      for (const pattern of ['a b', 'a..b', '.a', 'ä.example', 'x'.repeat(256), ''])
        expect(refused({ matchPattern: pattern }), pattern).to.have.key('toFQDNs[0].matchPattern')
    })
  })
})
