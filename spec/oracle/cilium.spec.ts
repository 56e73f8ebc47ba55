import { expect } from 'chai'
import { ciliumFromManifest } from './cilium-manifest.js'
import { decide } from './decide.js'
import { oracleFromManifest } from './manifest.js'
import { app, ccnp, cnp, egress, ICMP, ingress, onA, onB, stage, TCP, tcp, UDP, under, type Attempt } from './stage.js'

describe('oracle: what a CiliumNetworkPolicy means', () => {
  describe('spec and specs', () => {
    it('are rules side by side', () => {
      const both = ciliumFromManifest({
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumNetworkPolicy',
        metadata: { name: 'p' },
        spec: { endpointSelector: onB, ingress: [{ fromEndpoints: [app('a')] }] },
        specs: [{ endpointSelector: onB, ingress: [{ fromEntities: ['world'] }] }],
      })
      expect(both.rules.map(rule => rule.path)).deep.equals(['spec', 'specs[0]'])
      expect([under([both]), under([both], { from: 'world' }), under([both], { from: 'c' })]).deep.equals([
        'allow',
        'allow',
        'deny',
      ])
    })
  })

  describe('confinement to the namespace', () => {
    it('selects pods of its own namespace only, even if it names another', () => {
      const every = cnp({ endpointSelector: {}, ingress: [{}] })
      expect([under([every]), under([every], { to: 'c' })]).deep.equals(['deny', 'allow'])
      const other = cnp({
        endpointSelector: { matchLabels: { 'io.kubernetes.pod.namespace': 'other' } },
        ingress: [{}],
      })
      expect([under([other]), under([other], { to: 'c' })]).deep.equals(['allow', 'allow'])
    })
    it('means by fromEndpoints: [{}] the endpoints of its own namespace', () => {
      const own = ingress({ fromEndpoints: [{}] })
      expect([under([own]), under([own], { from: 'c' }), under([own], { from: 'world' })]).deep.equals([
        'allow',
        'deny',
        'deny',
      ])
    })
    it('means the same label in its own namespace only', () => {
      expect(under([ingress({ fromEndpoints: [app('c')] })], { from: 'c' })).equals('deny')
    })
    for (const key of [
      'io.kubernetes.pod.namespace',
      'k8s:io.kubernetes.pod.namespace',
      'any:io.kubernetes.pod.namespace',
    ])
      it(`is lifted by ${key}`, () => {
        const there = ingress({ fromEndpoints: [{ matchLabels: { [key]: 'other' } }] })
        expect([under([there]), under([there], { from: 'c' })]).deep.equals(['deny', 'allow'])
        const anywhere = ingress({ fromEndpoints: [{ matchExpressions: [{ key, operator: 'Exists' }] }] })
        expect([under([anywhere]), under([anywhere], { from: 'd' })]).deep.equals(['allow', 'allow'])
        const elsewhere = ingress({
          fromEndpoints: [{ matchExpressions: [{ key, operator: 'NotIn', values: ['default'] }] }],
        })
        expect([under([elsewhere]), under([elsewhere], { from: 'c' })]).deep.equals(['deny', 'allow'])
      })
    it('is lifted by labels of namespaces', () => {
      const team = ingress({ fromEndpoints: [{ matchLabels: { 'io.cilium.k8s.namespace.labels.team': 'y' } }] })
      expect([under([team]), under([team], { from: 'c' })]).deep.equals(['deny', 'allow'])
    })
    it('is not in a clusterwide policy', () => {
      const everywhere = ccnp({ endpointSelector: {}, ingress: [{ fromEndpoints: [app('a')] }] })
      expect([under([everywhere]), under([everywhere], { to: 'c' }), under([everywhere], { from: 'c' })]).deep.equals([
        'allow',
        'allow',
        'deny',
      ])
      const allEndpoints = ccnp({ endpointSelector: onB, ingress: [{ fromEndpoints: [{}] }] })
      const from = (who: Attempt['from'] & string) => under([allEndpoints], { from: who })
      expect([from('a'), from('d'), from('world'), from('n2')]).deep.equals(['allow', 'allow', 'deny', 'deny'])
    })
    it('never makes nodes or the world endpoints, whatever a selector leaves out', () => {
      const unlabelled = ccnp({
        endpointSelector: onB,
        ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: 'nothing', operator: 'DoesNotExist' }] }] }],
      })
      const from = (who: Attempt['from'] & string) => under([unlabelled], { from: who })
      expect([from('c'), from('world'), from('n2')]).deep.equals(['allow', 'deny', 'deny'])
    })
  })

  describe('labels', () => {
    const from = (matchLabels: Record<string, string>, who: Attempt['from'] & string) =>
      under([ccnp({ endpointSelector: onB, ingress: [{ fromEndpoints: [{ matchLabels }] }] })], { from: who })
    it('may name their source or any', () => {
      expect([from({ 'k8s:app': 'a' }, 'a'), from({ 'any:app': 'a' }, 'a'), from({ app: 'a' }, 'a')]).deep.equals([
        'allow',
        'allow',
        'allow',
      ])
      expect(from({ 'k8s:app': 'a' }, 'c')).equals('deny')
    })
    it('of another source than Kubernetes no pod has', () => expect(from({ 'container:app': 'a' }, 'a')).equals('deny'))
    it('hold the service account and the cluster', () => {
      expect(from({ 'io.cilium.k8s.policy.serviceaccount': 'robot' }, 'c')).equals('allow')
      expect(from({ 'io.cilium.k8s.policy.serviceaccount': 'robot' }, 'a')).equals('deny')
      expect(from({ 'io.cilium.k8s.policy.cluster': 'test' }, 'a')).equals('allow')
      expect(from({ 'io.cilium.k8s.policy.cluster': 'else' }, 'a')).equals('deny')
    })
    it('that say where a pod belongs are not believed of the pod itself', () => {
      const spoof = { 'io.cilium.k8s.namespace.labels.team': 'z', 'reserved:host': '' }
      const [a, ...others] = stage().pods
      const pods = [{ ...a!, labels: spoof }, ...others]
      const policies = (key: string, value: string) => [
        ccnp({ endpointSelector: onB, ingress: [{ fromEndpoints: [{ matchLabels: { [key]: value } }] }] }),
      ]
      expect(under(policies('io.cilium.k8s.namespace.labels.team', 'z'), {}, { pods })).equals('deny')
      expect(under(policies('reserved:host', ''), {}, { pods })).equals('deny')
    })
  })

  describe('default deny', () => {
    it('comes with a section of the direction, in that direction only', () => {
      const closed = ingress({ fromEndpoints: [app('x')] })
      expect([under([closed]), under([closed], { from: 'b', to: 'a' })]).deep.equals(['deny', 'allow'])
      const closedOut = egress({ toEndpoints: [app('x')] })
      expect([under([closedOut]), under([closedOut], { from: 'b', to: 'a' })]).deep.equals(['deny', 'allow'])
    })
    it('comes with an empty rule: ingress: [{}] lets nothing in', () => {
      expect(under([ingress({})])).equals('deny')
      expect(under([ingress({})], { protocol: ICMP, port: 8 << 8 })).equals('deny')
      expect(under([egress({})], { to: 'world' })).equals('deny')
    })
    it('does not come with an empty or absent section', () => {
      expect(under([ingress()])).equals('allow')
      expect(under([cnp({ endpointSelector: onB, ingress: [], egress: [{}] })])).equals('allow')
    })
    it('comes with a section that denies', () => {
      const denying = cnp({ endpointSelector: onB, ingressDeny: [{ fromEndpoints: [app('c')] }] })
      expect(under([denying])).equals('deny')
    })
    it('is stopped by enableDefaultDeny: false, for that rule only', () => {
      const soft = cnp({
        endpointSelector: onB,
        enableDefaultDeny: { ingress: false },
        ingressDeny: [{ fromEntities: ['world'] }],
      })
      expect([under([soft]), under([soft], { from: 'world' })]).deep.equals(['allow', 'denylisted'])
      expect(under([soft, cnp({ endpointSelector: onB, ingress: [{}] }, 'q')])).equals('deny')
    })
    it('stays in the other direction when one is stopped', () => {
      const half = cnp({ endpointSelector: onB, enableDefaultDeny: { egress: false }, ingress: [{}], egress: [{}] })
      expect([under([half]), under([half], { from: 'b', to: 'a' })]).deep.equals(['deny', 'allow'])
    })
    it('comes with enableDefaultDeny: true alone', () => {
      const said = cnp({ endpointSelector: onB, enableDefaultDeny: { ingress: true }, egress: [{}] })
      expect(under([said])).equals('deny')
    })
    it('adds up with the isolation of NetworkPolicy', () => {
      const networkPolicy = oracleFromManifest({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'n', namespace: 'default' },
        spec: { podSelector: { matchLabels: { app: 'b' } }, ingress: [{ from: [{ podSelector: {} }] }] },
      })
      const together = { policies: [networkPolicy] }
      const world = [ingress({ fromEntities: ['world'] })]
      expect([under(world, {}, together), under(world, { from: 'world' }, together)]).deep.equals(['allow', 'allow'])
      expect(under(world, { from: 'c' }, together)).equals('deny')
    })
  })

  describe('peers', () => {
    it('that are absent mean any peer on those ports', () => {
      const anyone = ingress({ toPorts: [tcp(80)] })
      for (const from of ['a', 'c', 'world', 'n2'] as const) expect(under([anyone], { from })).equals('allow')
      expect(under([anyone], { port: 81 })).equals('deny')
    })
    it('that are absent mean any peer with those ICMP types', () => {
      const ping = ingress({ icmps: [{ fields: [{ type: 8 }] }] })
      expect(under([ping], { from: 'world', protocol: ICMP, port: 8 << 8 })).equals('allow')
    })
    for (const list of ['fromEndpoints', 'fromCIDR', 'fromCIDRSet', 'fromEntities', 'fromNodes'] as const)
      it(`that are an empty ${list} mean no peer at all`, () => {
        expect(under([ingress({ [list]: [], toPorts: [tcp(80)] })])).equals('deny')
        expect(under([ingress({ [list]: [], toPorts: [tcp(80)] })], { from: 'world' })).equals('deny')
        expect(under([ingress({ [list]: [] })])).equals('deny')
      })
    it('of two entries are joined by or', () => {
      const two = ingress({ fromEndpoints: [app('a'), app('x')] }, { fromEntities: ['remote-node'] })
      expect([under([two]), under([two], { from: 'n2' }), under([two], { from: 'c' })]).deep.equals([
        'allow',
        'allow',
        'deny',
      ])
    })
    it('and ports of one rule are joined by and', () => {
      const one = ingress({ fromEndpoints: [app('a')], toPorts: [tcp(80)] })
      expect([under([one]), under([one], { port: 81 }), under([one], { from: 'world' })]).deep.equals([
        'allow',
        'deny',
        'deny',
      ])
    })
  })

  describe('deny', () => {
    const allowAll = ingress({ fromEntities: ['all'] })
    it('beats allow, however specific, in one policy or another, of one kind or another', () => {
      const denied = { endpointSelector: onB, ingressDeny: [{ fromEntities: ['all' as const] }] }
      const precise = ingress({ fromEndpoints: [app('a')], toPorts: [tcp(80)] })
      expect(under([precise, cnp(denied, 'q')])).equals('denylisted')
      expect(under([precise, ccnp(denied, 'q')])).equals('denylisted')
      expect(under([cnp({ ...denied, ingress: [{ fromEndpoints: [app('a')] }] })])).equals('denylisted')
      const networkPolicy = oracleFromManifest({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'n', namespace: 'default' },
        spec: { podSelector: {}, ingress: [{}] },
      })
      expect(under([cnp(denied)], {}, { policies: [networkPolicy] })).equals('denylisted')
    })
    it('of a port alone hits every peer', () => {
      const port = cnp({ endpointSelector: onB, ingressDeny: [{ toPorts: [tcp(80)] }] }, 'q')
      for (const from of ['a', 'c', 'world', 'n1', 'n2'] as const)
        expect(under([allowAll, port], { from })).equals('denylisted')
      expect(under([allowAll, port], { port: 81 })).equals('allow')
      expect(under([allowAll, port], { protocol: UDP })).equals('allow')
    })
    it('of nothing in particular, {}, hits nobody', () => {
      expect(under([allowAll, cnp({ endpointSelector: onB, ingressDeny: [{}] }, 'q')])).equals('allow')
    })
    it('works on egress', () => {
      const out = cnp({
        endpointSelector: onA,
        egress: [{ toEntities: ['all'] }],
        egressDeny: [{ toEndpoints: [app('b')] }],
      })
      expect([under([out]), under([out], { to: 'world' })]).deep.equals(['denylisted', 'allow'])
    })
    it('of ICMP types hits those', () => {
      const ping = cnp(
        { endpointSelector: onB, ingressDeny: [{ icmps: [{ fields: [{ type: 'EchoRequest' }] }] }] },
        'q',
      )
      expect(under([allowAll, ping], { protocol: ICMP, port: 8 << 8 })).equals('denylisted')
      expect(under([allowAll, ping], { protocol: ICMP, port: 3 << 8 })).equals('allow')
    })
  })

  it('names the rules that decide', () => {
    const policies = [
      ingress({ fromEndpoints: [app('x')] }, { fromEndpoints: [app('a')] }),
      ccnp({ endpointSelector: onB, ingressDeny: [{ fromEntities: ['world'] }] }, 'q'),
    ]
    const flow = { from: '10.0.0.1', to: '10.0.0.2', protocol: TCP, port: 80 }
    const { ingress: side } = decide(stage({ ciliumPolicies: policies }), flow)
    expect(side.decidedBy).deep.equals([{ policy: 'CiliumNetworkPolicy default/p', path: 'spec.ingress[1]' }])
    expect(side.isolatedBy.map(({ policy }) => policy)).deep.equals([
      'CiliumNetworkPolicy default/p',
      'CiliumClusterwideNetworkPolicy q',
    ])
    const denied = decide(stage({ ciliumPolicies: policies }), { ...flow, from: '203.0.113.1' })
    expect(denied.ingress.decidedBy).deep.equals([
      { policy: 'CiliumClusterwideNetworkPolicy q', path: 'spec.ingressDeny[0]' },
    ])
  })

  it('lets a pod reach itself, whatever is denied', () => {
    const all = ccnp({
      endpointSelector: {},
      ingressDeny: [{ fromEntities: ['all'] }],
      egressDeny: [{ toEntities: ['all'] }],
    })
    expect(under([all], { from: 'b', to: 'b' })).equals('allow')
  })
  it('lets the node reach its own pods at the lowest precedence', () => {
    expect(under([ingress({})], { from: 'n1' })).equals('allow')
    expect(under([ingress({})], { from: 'n2' })).equals('deny')
    const denied = cnp({ endpointSelector: onB, ingressDeny: [{ fromEntities: ['host'] }] })
    expect(under([denied], { from: 'n1' })).equals('denylisted')
  })
})
