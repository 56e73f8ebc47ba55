import { expect } from 'chai'
import { portsEntry, refusedEntry, refusedIngress } from './write.js'

const tcp = { port: '80', protocol: 'TCP' }
const rules = (fields: unknown, port: object = tcp) => portsEntry({ ports: [port], rules: fields })?.l7
const refused = (fields: unknown, port: object = tcp) => refusedEntry({ ports: [port], rules: fields })
const http = (rule: unknown) => {
  const l7 = rules({ http: [rule] })
  return l7?.kind === 'http' ? l7.http[0] : undefined
}
const kafka = (rule: unknown) => {
  const l7 = rules({ kafka: [rule] })
  return l7?.kind === 'kafka' ? l7.kafka[0] : undefined
}

describe('input: L7 rules of a Cilium policy', () => {
  describe('kinds', () => {
    it('are exactly one; an empty list of one is there', () => {
      expect(rules({ http: [] })).to.deep.equal({ kind: 'http', http: [] })
      expect(refused({}).rules?.expected).to.equal('exactly one of http, kafka, dns, l7proto')
      expect(refused({ http: [], dns: [] }).rules?.message).to.equal('http and dns stand side by side')
    })
    it('may be another proxy’s, with rules of keys and values', () => {
      expect(rules({ l7proto: 'r2d2', l7: [{ cmd: 'READ' }] })).to.deep.equal({
        kind: 'generic',
        protocol: 'r2d2',
        rules: [{ cmd: 'READ' }],
      })
      expect(refused({ l7: [{}] })).to.have.key('rules.l7proto')
    })
  })

  describe('places', () => {
    it('are certain TCP ports, for all but DNS', () => {
      for (const fields of [{ http: [{}] }, { kafka: [{}] }, { l7proto: 'x' }]) {
        for (const protocol of ['UDP', 'SCTP', 'ANY', undefined])
          expect(refused(fields, { port: '80', protocol })['ports[0].protocol']?.expected).to.equal('TCP')
        expect(refused(fields, { port: '0', protocol: 'TCP' })).to.have.key('ports[0].port')
      }
    })
    it('may be a range for HTTP, and not for DNS', () => {
      const range = { port: '80', endPort: 90, protocol: 'TCP' }
      expect(rules({ http: [{}] }, range)).to.be.an('object')
      expect(refused({ dns: [{ matchPattern: '*' }] }, range)['ports[0].endPort']?.message).to.include('no range')
    })
    it('of DNS are UDP, TCP or both, in egress', () => {
      const dns = { dns: [{ matchPattern: '*' }] }
      for (const protocol of ['UDP', 'TCP', 'ANY']) expect(rules(dns, { port: '53', protocol })?.kind).to.equal('dns')
      expect(refused(dns, { port: '53', protocol: 'SCTP' })).to.have.key('ports[0].protocol')
      const entry = { ports: [{ port: '53', protocol: 'UDP' }], rules: dns }
      expect(refusedIngress({ toPorts: [entry] })['toPorts[0].rules.dns']?.expected).to.equal('DNS rules in egress')
    })
    it('are each told of', () => {
      const found = refusedEntry({ ports: [tcp, { port: '1' }, { port: '2', protocol: 'UDP' }], rules: { http: [{}] } })
      expect(found).to.have.all.keys('ports[1].protocol', 'ports[2].protocol')
    })
    it('are where TLS ends, if server names are wanted too', () => {
      const entry = { ports: [tcp], serverNames: ['a.example'], rules: { http: [{}] } }
      expect(refusedEntry(entry)).to.have.key('serverNames')
      expect(portsEntry({ ...entry, terminatingTLS: { secret: { name: 's' } } })?.l7?.kind).to.equal('http')
    })
  })

  describe('HTTP', () => {
    it('takes path, method and host as regular expressions; the empty one is none', () => {
      expect(http({ path: '/public$', method: 'GET|HEAD', host: '^a\\.example$' })).to.deep.equal({
        path: '/public$',
        method: 'GET|HEAD',
        host: '^a\\.example$',
        headers: [],
        headerMatches: [],
      })
      expect(http({ path: '', method: '' })).to.deep.equal({ headers: [], headerMatches: [] })
    })
    it('refuses expressions that no linear-time engine runs, or that are none', () => {
      for (const expression of ['(', 'a**', '(?=a)', '(a)\\1', 'a{1001}', '(a{1000}){1000}', '[z-a]', '\\'])
        for (const field of ['path', 'method', 'host'])
          expect(refused({ http: [{ [field]: expression }] }), expression).to.have.key(`rules.http[0].${field}`)
      expect(refused({ http: [{ path: 'a'.repeat(4097) }] })['rules.http[0].path']?.message).to.include('longer')
    })
    it('is read in no more time than its length asks for', function () {
      this.timeout(5000)
      const hostile = [
        `(${'a?'.repeat(1000)}){2}`,
        `${'('.repeat(2000)}${')'.repeat(2000)}`,
        '(x+x+)+y',
        '.*'.repeat(2000),
      ]
      const start = performance.now()
      for (const path of hostile) portsEntryOrProblems(path)
      expect(performance.now() - start).to.be.below(4000)
    })
    it('takes headers that must be there, with or without a value', () => {
      expect(http({ headers: ['X-A', 'X-B:  true ', 'X-C: a: b'] })?.headers).to.deep.equal([
        'X-A',
        'X-B: true',
        'X-C: a: b',
      ])
      for (const header of ['', ': a', 'X A: b', 'X-A: a\r\nX-B: b', 'Ä: b'])
        expect(refused({ http: [{ headers: [header] }] }), header).to.have.key('rules.http[0].headers[0]')
    })
    it('takes headers to match, and what to do otherwise', () => {
      const match = { name: 'X-A', value: 'v', mismatch: 'REPLACE', secret: { name: 's' } }
      expect(http({ headerMatches: [match, { name: 'X-B' }] })?.headerMatches).to.deep.equal([
        { name: 'X-A', mismatch: 'REPLACE', value: 'v', secret: { namespace: '', name: 's' } },
        { name: 'X-B', mismatch: 'reject' },
      ])
      const found = refused({ http: [{ headerMatches: [{ name: '', mismatch: 'log', secret: {} }] }] })
      expect(found['rules.http[0].headerMatches[0].mismatch']?.expected).to.equal('LOG')
      expect(found).to.include.keys('rules.http[0].headerMatches[0].name', 'rules.http[0].headerMatches[0].secret.name')
    })
    it('refuses unknown fields with the nearest name', () => {
      expect(refused({ http: [{ methods: 'GET' }] })['rules.http[0].methods']?.expected).to.equal('method')
    })
  })

  describe('Kafka', () => {
    it('takes a role or the key of a request, version, client and topic', () => {
      expect(kafka({ role: 'produce', topic: 'a.b-c_d', clientID: 'x y' })).to.deep.equal({
        role: 'produce',
        topic: 'a.b-c_d',
        clientId: 'x y',
      })
      expect(kafka({ apiKey: 'ApiVersions', apiVersion: '3' })).to.deep.equal({
        apiKey: 'apiversions',
        apiVersion: '3',
      })
      expect(kafka({})).to.deep.equal({})
      expect(refused({ kafka: [{ role: 'produce', apiKey: 'fetch' }] })).to.have.key('rules.kafka[0].role')
    })
    it('refuses what Kafka has not', () => {
      const found = refused({
        kafka: [{ role: 'Produce' }, { apiKey: 'createtopic' }, { apiVersion: '-1' }, { topic: 'a b' }],
      })
      expect(found['rules.kafka[0].role']?.expected).to.equal('produce')
      expect(found['rules.kafka[1].apiKey']?.expected).to.equal('createtopics')
      expect(found).to.include.keys('rules.kafka[2].apiVersion', 'rules.kafka[3].topic')
    })
    it('bounds topics at 255 characters and versions at 32767', () => {
      expect(kafka({ topic: 'a'.repeat(255), apiVersion: '32767' })?.topic).to.have.length(255)
      expect(refused({ kafka: [{ topic: 'a'.repeat(256), apiVersion: '32768' }] })).to.have.all.keys(
        'rules.kafka[0].topic',
        'rules.kafka[0].apiVersion',
      )
    })
  })

  describe('DNS', () => {
    it('takes names and patterns', () => {
      const l7 = rules({ dns: [{ matchName: 'A.example.' }, { matchPattern: '*' }] }, { port: '53' })
      expect(l7).to.deep.equal({ kind: 'dns', dns: [{ name: 'a.example' }, { pattern: '*' }] })
    })
  })
})

/** Reads a path, whether it is understood or not. */
const portsEntryOrProblems = (path: string): unknown => {
  try {
    return http({ path })
  } catch (error) {
    return error
  }
}
