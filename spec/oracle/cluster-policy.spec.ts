import type { ClusterPolicyFact, ClusterPolicyRule, NamespacedPods } from '@weir/core/event/cluster-policy.js'
import { expect } from 'chai'
import type { OracleCluster } from './cluster.js'
import { domainMatches } from './dns.js'
import { oracleFromManifest } from './manifest.js'
import { addressOf, type Attempt, attempt, cnp, ICMP, onB, stage, TCP, UDP } from './stage.js'

const everyone: NamespacedPods = { kind: 'namespaces', selector: [] }
const is = (key: string, value: string) => [{ key, operator: 'In', values: [value] }] as const
const team = (value: string): NamespacedPods => ({ kind: 'namespaces', selector: is('team', value) })
const podsOf = (name: string, value: string): NamespacedPods => ({
  kind: 'pods',
  namespaceSelector: is('team', value),
  podSelector: is('app', name),
})

type Entry = Omit<ClusterPolicyRule, 'path'>
const say = (action: ClusterPolicyRule['action'], ...peers: ClusterPolicyRule['peers']): Entry => ({
  action,
  peers: peers.length > 0 ? peers : [everyone],
})

const policy = (
  head: Partial<ClusterPolicyFact>,
  rules: { readonly ingress?: readonly Entry[]; readonly egress?: readonly Entry[] },
): ClusterPolicyFact => ({
  kind: 'ClusterNetworkPolicy',
  name: 'p',
  tier: 'admin',
  priority: 10,
  subject: everyone,
  ...head,
  ingress: (rules.ingress ?? []).map((rule, index) => ({ ...rule, path: `spec.ingress[${index}]` })),
  egress: (rules.egress ?? []).map((rule, index) => ({ ...rule, path: `spec.egress[${index}]` })),
})

const admin = (...ingress: readonly Entry[]) => policy({}, { ingress })
const baseline = (...ingress: readonly Entry[]) => policy({ name: 'b', tier: 'baseline' }, { ingress })
const under = (clusterPolicies: readonly ClusterPolicyFact[], how: Attempt = {}, extra: Partial<OracleCluster> = {}) =>
  attempt(stage({ clusterPolicies, ...extra }), how)

const networkPolicy = (ingress: readonly object[]) =>
  oracleFromManifest({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'n', namespace: 'default' },
    spec: { podSelector: {}, ingress },
  })
const openPolicy = { policies: [networkPolicy([{}])] }
const closedPolicy = { policies: [networkPolicy([])] }

describe('oracle: what cluster policies mean', () => {
  describe('tiers', () => {
    it('Admin decides before namespaced policies, either way', () => {
      expect(under([admin(say('deny'))], {}, openPolicy)).equals('denylisted')
      expect(under([admin(say('accept'))], {}, closedPolicy)).equals('allow')
    })
    it('Admin decides before denials of Cilium policies', () => {
      const ciliumPolicies = [cnp({ endpointSelector: onB, ingressDeny: [{ fromEntities: ['all'] }] })]
      expect(under([admin(say('accept'))], {}, { ciliumPolicies })).equals('allow')
      expect(under([admin(say('pass'))], {}, { ciliumPolicies })).equals('denylisted')
    })
    it('Admin that does not match leaves the word to the next', () => {
      expect(under([admin(say('deny', team('y')))])).equals('allow')
      expect(under([admin(say('deny', team('y')))], {}, closedPolicy)).equals('deny')
    })
    it('Pass skips the rest of its tier', () => {
      const passed = [admin(say('pass'), say('deny')), policy({ name: 'q', priority: 20 }, { ingress: [say('deny')] })]
      expect(under(passed)).equals('allow')
      expect(under(passed, {}, closedPolicy)).equals('deny')
      expect(under([...passed, baseline(say('deny'))])).equals('denylisted')
    })
    it('Baseline decides only where nothing isolates the pod in that direction', () => {
      expect(under([baseline(say('deny'))])).equals('denylisted')
      expect(under([baseline(say('deny'))], {}, openPolicy)).equals('allow')
      expect(under([baseline(say('accept'))], {}, closedPolicy)).equals('deny')
      const egress = policy({ tier: 'baseline' }, { egress: [say('deny')] })
      expect(under([egress], {}, openPolicy)).equals('denylisted')
    })
    it('Baseline gives way to a Cilium policy that allows without isolating', () => {
      const ciliumPolicies = [
        cnp({ endpointSelector: onB, enableDefaultDeny: { ingress: false }, ingress: [{ fromEndpoints: [{}] }] }),
      ]
      expect(under([baseline(say('deny'))], {}, { ciliumPolicies })).equals('allow')
      expect(under([baseline(say('deny'))], { from: 'c' }, { ciliumPolicies })).equals('denylisted')
    })
    it('Baseline has an order and Pass too', () => {
      expect(under([baseline(say('accept', podsOf('a', 'x')), say('deny'))])).equals('allow')
      expect(under([baseline(say('pass'), say('deny'))])).equals('allow')
    })
    it('lets everything pass that no tier speaks of', () => expect(under([admin()])).equals('allow'))
    it('asks each side by itself', () => {
      const both = policy({}, { ingress: [say('accept')], egress: [say('deny')] })
      expect(under([both])).equals('denylisted')
    })
  })

  describe('order', () => {
    it('is by priority, lower first', () => {
      const [first, second] = [
        policy({ priority: 1 }, { ingress: [say('accept')] }),
        policy({ name: 'a', priority: 2 }, { ingress: [say('deny')] }),
      ]
      expect([under([first, second]), under([second, first])]).deep.equals(['allow', 'allow'])
    })
    it('is then as the rules stand', () => {
      expect(under([admin(say('accept'), say('deny'))])).equals('allow')
      expect(under([admin(say('deny'), say('accept'))])).equals('denylisted')
    })
    it('is by name between policies of one priority, all rules of one before the next', () => {
      const one = policy({ name: 'a' }, { ingress: [say('accept', team('nobody')), say('accept')] })
      const other = policy({ name: 'b' }, { ingress: [say('deny')] })
      expect([under([one, other]), under([other, one])]).deep.equals(['allow', 'allow'])
    })
    it('is the same for both generations of the API', () => {
      const old = policy({ kind: 'AdminNetworkPolicy', name: 'z', priority: 5 }, { ingress: [say('deny')] })
      expect(under([old, admin(say('accept'))])).equals('denylisted')
      const oldBaseline = policy(
        { kind: 'BaselineAdminNetworkPolicy', name: 'default', tier: 'baseline', priority: 0 },
        { ingress: [say('deny')] },
      )
      expect(under([oldBaseline, baseline(say('accept'))])).equals('denylisted')
    })
  })

  describe('subjects and peers', () => {
    it('select pods by their namespace, or by both', () => {
      const inY = policy({ subject: team('y') }, { ingress: [say('deny')] })
      expect([under([inY]), under([inY], { to: 'c' })]).deep.equals(['allow', 'denylisted'])
      const b = policy({ subject: podsOf('b', 'x') }, { ingress: [say('deny')] })
      expect([under([b]), under([b], { from: 'b', to: 'a' })]).deep.equals(['denylisted', 'allow'])
      const noPod = policy({ subject: podsOf('b', 'y') }, { ingress: [say('deny')] })
      expect(under([noPod])).equals('allow')
    })
    it('are pods only: an empty selector is neither the node nor the world', () => {
      const deny = [admin(say('deny'))]
      expect([under(deny), under(deny, { from: 'world' }), under(deny, { from: 'n2' })]).deep.equals([
        'denylisted',
        'allow',
        'allow',
      ])
      expect(under(deny, { to: 'n1' })).equals('allow')
    })
    it('may be any of several', () => {
      const two = [admin(say('deny', team('y'), podsOf('a', 'x')))]
      expect([under(two), under(two, { from: 'c' }), under(two, { from: 'b', to: 'a' })]).deep.equals([
        'denylisted',
        'denylisted',
        'allow',
      ])
    })
    const out = (
      peer: ClusterPolicyRule['peers'][number],
      to: Attempt['to'] & string,
      extra: Partial<OracleCluster> = {},
    ) => under([policy({}, { egress: [say('deny', peer)] })], { to }, extra)
    it('are nodes by their labels', () => {
      const west = { kind: 'nodes', selector: is('zone', 'west') } as const
      expect([out(west, 'n2'), out(west, 'n1'), out(west, 'b')]).deep.equals(['denylisted', 'allow', 'allow'])
      expect(out({ kind: 'nodes', selector: [] }, 'n1')).equals('denylisted')
    })
    it('are networks whoever has the address', () => {
      const all = { kind: 'networks', cidrs: ['0.0.0.0/0'] } as const
      for (const to of ['b', 'n2', 'world'] as const) expect(out(all, to)).equals('denylisted')
      expect(out({ kind: 'networks', cidrs: ['203.0.113.0/24', '10.0.1.0/24'] }, 'c')).equals('denylisted')
      expect(out({ kind: 'networks', cidrs: ['::/0'] }, 'world')).equals('allow')
    })
    it('are domain names by the answers that hold', () => {
      const answers = [{ answer: { name: 'a.example.com', addresses: [addressOf.world], ttlSeconds: 10 }, heardMs: 0 }]
      const peer = { kind: 'domainNames', names: ['other.org', '*.example.com'] } as const
      const rules = [
        policy({}, { egress: [say('accept', peer), say('deny', { kind: 'networks', cidrs: ['0.0.0.0/0'] })] }),
      ]
      expect(under(rules, { to: 'world' }, { answers })).equals('allow')
      expect(under(rules, { to: 'world' }, { answers, timeMs: 10_000 })).equals('denylisted')
    })
    it('match whole labels by *, one or more', () => {
      expect(domainMatches('*.kubernetes.io', 'www.kubernetes.io')).equals(true)
      expect(domainMatches('*.kubernetes.io', 'latest.blog.kubernetes.io')).equals(true)
      expect(domainMatches('*.kubernetes.io', 'kubernetes.io')).equals(false)
      expect(domainMatches('*.kubernetes.io', 'my-kubernetes.io')).equals(false)
      expect(domainMatches('kubernetes.io', 'kubernetes.io')).equals(true)
      expect(domainMatches('kubernetes.io', 'www.kubernetes.io')).equals(false)
    })
  })

  describe('ports', () => {
    const denyPorts = (ports: NonNullable<ClusterPolicyRule['ports']>, how: Attempt) =>
      under([admin({ ...say('deny'), ports })], how)
    it('absent are every packet, ICMP too', () => {
      expect(under([admin(say('deny'))], { protocol: ICMP, port: 8 << 8 })).equals('denylisted')
    })
    it('are ranges of a protocol', () => {
      const range = { ranges: [{ protocol: TCP, first: 80, last: 90 }], named: [] }
      expect([79, 80, 90, 91].map(port => denyPorts(range, { port }))).deep.equals([
        'allow',
        'denylisted',
        'denylisted',
        'allow',
      ])
      expect(denyPorts(range, { protocol: UDP })).equals('allow')
    })
    it('by name resolve on the destination pod, in any protocol unless one is said', () => {
      const web = { ranges: [], named: [{ name: 'web', protocol: 0 }] }
      expect(denyPorts(web, { port: 80 })).equals('denylisted')
      expect(denyPorts(web, { port: 5300, protocol: UDP })).equals('denylisted')
      expect(denyPorts(web, { port: 80, protocol: UDP })).equals('allow')
      const tcpWeb = { ranges: [], named: [{ name: 'web', protocol: TCP }] }
      expect(denyPorts(tcpWeb, { port: 5300, protocol: UDP })).equals('allow')
    })
  })

  it('can deny the node its own pods only where it can name nodes', () => {
    expect(under([admin(say('deny'))], { from: 'n1' })).equals('allow')
    expect(under([admin(say('deny', { kind: 'networks', cidrs: ['192.168.0.0/16'] }))], { from: 'n1' })).equals(
      'denylisted',
    )
    expect(under([baseline(say('deny', { kind: 'networks', cidrs: ['192.168.0.0/16'] }))], { from: 'n1' })).equals(
      'allow',
    )
  })
  it('lets a pod reach itself, whatever is denied', () =>
    expect(under([admin(say('deny'))], { from: 'b', to: 'b' })).equals('allow'))
})
