import { expect } from 'chai'
import type { RawDirectionRule } from './cilium-manifest.js'
import { app, ccnp, cnp, egress, ICMP, ingress, onB, SCTP, TCP, tcp, UDP, under, type Attempt } from './stage.js'

describe('oracle: which packets a Cilium rule means', () => {
  describe('ports', () => {
    const to = (how: Attempt, ...ports: NonNullable<RawDirectionRule['toPorts']>) =>
      under([ingress({ toPorts: ports })], how)
    it('of protocol ANY or none are TCP, UDP and SCTP, not ICMP', () => {
      for (const protocol of [TCP, UDP, SCTP]) {
        expect(to({ protocol }, { ports: [{ port: '80', protocol: 'ANY' }] })).equals('allow')
        expect(to({ protocol }, { ports: [{ port: '80' }] })).equals('allow')
      }
      expect(to({ protocol: ICMP, port: 80 }, { ports: [{ port: '80' }] })).equals('deny')
      expect(to({ protocol: UDP }, tcp(80))).equals('deny')
    })
    it('0 is all of the protocol', () => {
      expect(to({ port: 9999 }, tcp(0))).equals('allow')
      expect(to({ port: 9999, protocol: UDP }, tcp(0))).equals('deny')
      expect(to({ port: 8 << 8, protocol: ICMP }, { ports: [{ port: '0' }] })).equals('deny')
    })
    it('make an inclusive range with endPort', () => {
      expect([79, 80, 85, 90, 91].map(port => to({ port }, tcp(80, 90)))).deep.equals([
        'deny',
        'allow',
        'allow',
        'allow',
        'deny',
      ])
    })
    it('of two entries are joined by or', () => {
      expect([80, 81, 82].map(port => to({ port }, tcp(80), tcp(81)))).deep.equals(['allow', 'allow', 'deny'])
    })
    it('by name resolve at the destination, per protocol', () => {
      const web = { ports: [{ port: 'web' }] }
      expect(to({ port: 80 }, web)).equals('allow')
      expect(to({ port: 5300, protocol: UDP }, web)).equals('allow')
      expect(to({ port: 80, protocol: UDP }, web)).equals('deny')
      expect(to({ port: 80 }, { ports: [{ port: 'web', protocol: 'UDP' }] })).equals('deny')
      const out = egress({ toPorts: [web] })
      expect([
        under([out]),
        under([out], { to: 'c', port: 8080 }),
        under([out], { to: 'c' }),
        under([out], { to: 'world' }),
      ]).deep.equals(['allow', 'allow', 'deny', 'deny'])
    })
    it('are no concern of protocols without ports', () => {
      const vrrp = { ports: [{ protocol: 'VRRP' as const }] }
      expect(to({ protocol: 112, port: 0 }, vrrp)).equals('allow')
      expect(to({ protocol: 2, port: 0 }, vrrp)).equals('deny')
      expect(to({}, vrrp)).equals('deny')
    })
    it('absent or empty are every packet, ICMP too', () => {
      for (const ports of [{}, { toPorts: [] }]) {
        const all = ingress({ fromEndpoints: [{}], ...ports })
        expect(under([all], { port: 9999, protocol: SCTP })).equals('allow')
        expect(under([all], { port: 8 << 8, protocol: ICMP })).equals('allow')
      }
    })
  })

  describe('icmps', () => {
    const types = (...fields: NonNullable<RawDirectionRule['icmps']>[number]['fields'][number][]) =>
      ingress({ icmps: [{ fields }] })
    it('are a family, IPv4 unless said, and a type with all its codes', () => {
      const echo = [types({ type: 8 })]
      expect(under(echo, { protocol: ICMP, port: 8 << 8 })).equals('allow')
      expect(under(echo, { protocol: ICMP, port: (8 << 8) | 255 })).equals('allow')
      expect(under(echo, { protocol: ICMP, port: 9 << 8 })).equals('deny')
      expect(under(echo, { protocol: 58, port: 8 << 8, from: 'a6', to: 'b6' })).equals('deny')
      expect(under(echo)).equals('deny')
    })
    it('of two fields are joined by or', () => {
      const two = [types({ type: 8 }, { type: 3 })]
      expect([8, 3, 0].map(type => under(two, { protocol: ICMP, port: type << 8 }))).deep.equals([
        'allow',
        'allow',
        'deny',
      ])
    })
    it('have names that differ by family', () => {
      const four = [types({ type: 'EchoRequest' })]
      const six = [types({ family: 'IPv6', type: 'EchoRequest' })]
      expect(under(four, { protocol: ICMP, port: 8 << 8 })).equals('allow')
      expect(under(six, { protocol: 58, port: 128 << 8, from: 'a6', to: 'b6' })).equals('allow')
      expect(under(six, { protocol: 58, port: 8 << 8, from: 'a6', to: 'b6' })).equals('deny')
    })
  })

  describe('what needs a proxy', () => {
    const http = { ...tcp(80), rules: { http: [{ method: 'GET' }] } }
    it('does not pass until one runs', () => {
      expect(under([ingress({ toPorts: [http] })])).equals('proxy')
      expect(under([ingress({ toPorts: [{ ...tcp(80), rules: { http: [] } }] })])).equals('proxy')
      expect(under([ingress({ toPorts: [{ ...tcp(80), serverNames: ['example.com'] }] })])).equals('proxy')
      expect(under([ingress({ toPorts: [http] })], { port: 81 })).equals('deny')
    })
    it('is a listener or TLS to take apart, too', () => {
      const plain = ingress({ toPorts: [tcp(80)] })
      const rule = plain.rules[0]!
      const [port] = rule.ingress?.[0]?.ports ?? []
      for (const extra of [{ listener: { name: 'l' } }, { tls: true }]) {
        const asking = { ...rule, ingress: [{ ...rule.ingress![0]!, ports: [{ ...port!, ...extra }] }] }
        expect(under([{ ...plain, rules: [asking] }])).equals('proxy')
      }
    })
    it('passes where a plain allowance of the same peer and port makes the check moot', () => {
      const plain = [
        [ingress({ toPorts: [http] }, { toPorts: [tcp(80)] })],
        [ingress({ toPorts: [http, tcp(80)] })],
        [ingress({ toPorts: [http] }), cnp({ endpointSelector: onB, ingress: [{ fromEndpoints: [app('a')] }] }, 'q')],
        [ingress({ toPorts: [http] }), ccnp({ endpointSelector: {}, ingress: [{ fromEntities: ['all'] }] }, 'q')],
      ]
      for (const policies of plain) expect(under(policies)).equals('allow')
    })
    it('stays where the plain allowance is of another peer or port', () => {
      const other = [
        [ingress({ toPorts: [http] }, { toPorts: [tcp(81)] })],
        [ingress({ toPorts: [http] }, { fromEntities: ['world'], toPorts: [tcp(80)] })],
      ]
      for (const policies of other) expect(under(policies)).equals('proxy')
    })
    it('is beaten by a deny', () => {
      expect(
        under([
          ingress({ toPorts: [http] }),
          cnp({ endpointSelector: onB, ingressDeny: [{ toPorts: [tcp(80)] }] }, 'q'),
        ]),
      ).equals('denylisted')
    })
    it("does not stop the kubelet's probes", () => {
      expect(under([ingress({ toPorts: [http] })], { from: 'n1' })).equals('allow')
      expect(under([ingress({ toPorts: [http] })], { from: 'n2' })).equals('proxy')
    })
    it('is authentication too', () => {
      const must = (mode: 'required' | 'disabled' | 'test-always-fail') =>
        under([ingress({ fromEndpoints: [{}], authentication: { mode } })])
      expect([must('required'), must('disabled'), must('test-always-fail')]).deep.equals(['proxy', 'allow', 'proxy'])
    })
  })
})
