import { expect } from 'chai'
import type { PeerSelector, Rule } from '@weir/core'
import type {
  CiliumDirectionRule,
  CiliumPeers,
  CiliumPolicyFact,
  CiliumPortRule,
  CiliumRule,
} from '@weir/core/event/cilium.js'
import type { ServiceFact } from '@weir/core/event/service.js'
import { compilePeers } from '@weir/core/policy/cilium/peers.js'
import { compileCiliumPolicy } from '@weir/core/policy/cilium/policy.js'
import { peerText } from '@weir/core/policy/text.js'
import { objectKey } from '@weir/core/state/state.js'
import { is } from '../log.js'

const exists = (key: string) => ({ key, operator: 'Exists', values: [] }) as const
const tcp = (port: number, more: Partial<CiliumPortRule> = {}): CiliumPortRule => ({
  ranges: [{ protocol: 6, first: port, last: port }],
  named: [],
  serverNames: [],
  ...more,
})

const service = (path: string, selector: ServiceFact['selector'], more: Partial<ServiceFact> = {}) => {
  const [namespace, name] = path.split('/') as [string, string]
  const fact: ServiceFact = { namespace, name, type: 'ClusterIP', clusterIps: [], selector, ports: [], ...more }
  return [objectKey(namespace, name), { fact, seq: 1 }] as const
}
const services = new Map([
  service('a/web', { tier: 'front', app: 'web' }, { labels: { team: 'x' } }),
  service('b/db', {}, { labels: { team: 'x' } }),
  service('b/away', { app: 'away' }, { type: 'ExternalName', labels: { team: 'x' } }),
  service('b/plain', { app: 'plain' }),
])
const context = { services, cidrScope: 'outside' } as const

const peersOf = (peers: CiliumPeers, namespace = 'a'): readonly string[] | 'any' => {
  const compiled = compilePeers(peers, namespace, context)
  return compiled === 'any' ? 'any' : compiled.map(peerText)
}

describe('peers of a CiliumNetworkPolicy', () => {
  it('are pods of its namespace, unless a selector names namespaces', () => {
    const selectors = [
      [is('app', 'db')],
      [is('app', 'db'), is('io.kubernetes.pod.namespace', 'b')],
      [is('io.cilium.k8s.namespace.labels.team', 'x')],
      [],
    ]
    expect(peersOf({ kind: 'endpoints', selectors })).to.deep.equal([
      'labels app In (db), io.kubernetes.pod.namespace In (a)',
      'labels app In (db), io.kubernetes.pod.namespace Exists, io.kubernetes.pod.namespace In (b)',
      'labels io.cilium.k8s.namespace.labels.team In (x), io.kubernetes.pod.namespace Exists',
      'labels io.kubernetes.pod.namespace In (a)',
    ])
    expect(peersOf({ kind: 'endpoints', selectors }, '').slice(0, 1)).to.deep.equal([
      'labels app In (db), io.kubernetes.pod.namespace Exists',
    ])
  })
  it('are whoever has a reserved label, when a selector asks for one', () => {
    const api = exists('reserved:kube-apiserver')
    const selectors = [
      [exists('reserved:remote-node')],
      [is('reserved:host', '')],
      [{ key: 'reserved:host', operator: 'DoesNotExist', values: [] } as const],
      [{ key: 'reserved:host', operator: 'NotIn', values: [''] } as const],
      [api],
      [is('app', 'x'), api],
      [api, exists('app')],
    ]
    expect(peersOf({ kind: 'endpoints', selectors })).to.deep.equal([
      'labels reserved:remote-node Exists',
      'labels reserved:host In ()',
      'labels io.kubernetes.pod.namespace In (a), reserved:host DoesNotExist',
      'labels io.kubernetes.pod.namespace In (a), reserved:host NotIn ()',
      'endpoints of default/kubernetes any',
      'labels app In (x), reserved:kube-apiserver Exists',
      'labels app Exists, reserved:kube-apiserver Exists',
    ])
  })
  it('are blocks and groups of blocks, with holes', () => {
    const except = ['10.3.0.1/16', '10.2.0.0/16', '10.3.0.0/16']
    const cidrs = [
      { kind: 'cidr', cidr: '10.1.0.0/8', except },
      { kind: 'group', name: 'g', except: [] },
      { kind: 'groups', selector: [is('team', 'x'), exists('app')], except },
    ] as const
    const holes = 'except 10.2.0.0/16 10.3.0.0/16 outside'
    expect(peersOf({ kind: 'cidrs', cidrs })).to.deep.equal([
      `cidr 10.0.0.0/8 ${holes}`,
      'CIDR group g outside',
      `CIDR groups with app Exists, team In (x) ${holes}`,
    ])
    expect(compilePeers({ kind: 'cidrs', cidrs }, 'a', { services, cidrScope: 'any' })).to.deep.include({
      kind: 'cidr',
      cidr: '10.0.0.0/8',
      except: ['10.2.0.0/16', '10.3.0.0/16'],
      scope: 'any',
    })
  })
  it('are entities', () => {
    const entities = (...list: (CiliumPeers & { kind: 'entities' })['entities'][number][]) =>
      peersOf({ kind: 'entities', entities: list })
    expect(entities('all')).to.equal('any')
    expect(entities('host', 'all')).to.equal('any')
    expect(entities('none')).to.deep.equal([])
    expect(entities('cluster')).to.deep.equal([
      'labels io.kubernetes.pod.namespace Exists',
      'labels reserved:init Exists',
      'labels reserved:node Exists',
      'endpoints of default/kubernetes any',
    ])
    expect(entities('kube-apiserver', 'world-ipv4')).to.deep.equal([
      'endpoints of default/kubernetes any',
      'labels reserved:world-ipv4 Exists',
    ])
  })
  it('are nodes and DNS names', () => {
    expect(peersOf({ kind: 'nodes', selectors: [[is('zone', 'x')]] })).to.deep.equal([
      'labels node:zone In (x), reserved:node Exists',
    ])
    expect(peersOf({ kind: 'fqdns', fqdns: [{ name: 'x.org' }, { pattern: '*.x.org' }] })).to.deep.equal([
      'name x.org outside',
      'names *.x.org outside',
    ])
  })
  it('are the pods that a service selects, the endpoints of one that selects none, and nobody by an external name', () => {
    const named = (...names: string[]) =>
      peersOf({
        kind: 'services',
        services: names.map(path => {
          const [namespace, name] = path.split('/') as [string, string]
          return { kind: 'name', namespace, name }
        }),
      })
    expect(named('a/web', 'b/db', 'b/away', 'b/none')).to.deep.equal([
      'labels app In (web), io.kubernetes.pod.namespace In (a), tier In (front)',
      'endpoints of b/db outside',
    ])
    const selected = (namespace: string, selector = [is('team', 'x')]) =>
      peersOf({ kind: 'services', services: [{ kind: 'selector', namespace, selector }] })
    expect(selected('')).to.deep.equal(named('a/web', 'b/db'))
    expect(selected('b')).to.deep.equal(named('b/db'))
    expect(selected('c')).to.deep.equal([])
    expect(selected('', [])).to.deep.equal(named('a/web', 'b/db', 'b/plain'))
  })
})

const policyOf = (rule: Partial<CiliumRule>, clusterwide = false): CiliumPolicyFact => ({
  kind: clusterwide ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
  namespace: clusterwide ? '' : 'a',
  name: 'p',
  rules: [
    { path: 'spec', subject: { kind: 'endpoints', selector: [is('app', 'web')] }, enableDefaultDeny: {}, ...rule },
  ],
})
const compiled = (rule: Partial<CiliumRule>, clusterwide = false): readonly Rule[] =>
  compileCiliumPolicy(policyOf(rule, clusterwide), 7, context)
const entry = (more: Partial<CiliumDirectionRule>): CiliumDirectionRule => ({ path: 'spec.ingress[0]', ...more })

describe('rules of a CiliumNetworkPolicy', () => {
  const subject = [is('app', 'web'), is('io.kubernetes.pod.namespace', 'a')]
  const peers = { kind: 'nodes', selectors: [[]] } as const
  const nodes: readonly PeerSelector[] = [{ kind: 'labels', selector: [exists('reserved:node')] }]
  const shared = { tier: 'namespaced', subject, direction: 'ingress' } as const
  const origin = (path: string) => ({ policy: 'CiliumNetworkPolicy a/p', path, seq: 7 })
  const isolation = (path: string): Rule => ({
    ...shared,
    order: 3,
    action: 'deny',
    peers: 'any',
    ports: 'any',
    origin: origin(path),
  })
  const allowed = (rule: Partial<CiliumDirectionRule>) =>
    compiled({ ingress: [entry(rule)] })
      .filter(({ action }) => action === 'allow')
      .map(({ order, peers: whom, ports, l7, origin: { path } }) => ({ order, peers: whom, ports, l7, path }))

  it('are one per entry, and one that isolates a direction whose section says something', () => {
    const denial = { path: 'spec.egressDeny[0]', peers, ports: [tcp(80)] }
    const ports = { ranges: [{ protocol: 6, first: 80, last: 80 }], named: [] }
    expect(compiled({ ingress: [entry({ peers })], egressDeny: [denial] })).to.deep.equal([
      { ...shared, order: 1, action: 'allow', peers: nodes, ports: 'any', origin: origin('spec.ingress[0]') },
      isolation('spec.ingress'),
      {
        ...shared,
        direction: 'egress',
        order: 0,
        action: 'deny',
        peers: nodes,
        ports,
        origin: origin('spec.egressDeny[0]'),
      },
      { ...isolation('spec.egressDeny'), direction: 'egress' },
    ])
  })
  it('isolate as enableDefaultDeny says, and else by a section that is not empty', () => {
    const isolated = (rule: Partial<CiliumRule>) =>
      compiled(rule).map(({ direction, origin: { path } }) => [direction, path])
    expect(isolated({})).to.deep.equal([])
    expect(isolated({ ingress: [], ingressDeny: [] })).to.deep.equal([])
    expect(isolated({ enableDefaultDeny: { egress: true, ingress: false } })).to.deep.equal([
      ['egress', 'spec.enableDefaultDeny.egress'],
    ])
    const entries = [entry({ peers: { kind: 'endpoints', selectors: [] } })]
    expect(isolated({ ingress: entries, enableDefaultDeny: { ingress: false } })).to.deep.equal([
      ['ingress', 'spec.ingress[0]'],
    ])
    expect(isolated({ ingress: entries, ingressDeny: entries }).at(-1)).to.deep.equal(['ingress', 'spec.ingress'])
  })
  it('select pods of a namespace or of all, or the node that judges', () => {
    const allow = { ingress: [entry({ peers })] }
    const cluster = compiled(allow, true)[0]!
    expect(cluster.subject).to.deep.equal([is('app', 'web'), exists('io.kubernetes.pod.namespace')])
    expect(cluster.origin.policy).to.equal('CiliumClusterwideNetworkPolicy p')
    const host = { ...allow, subject: { kind: 'nodes', selector: [is('zone', 'x')] } } as const
    expect(compiled(host, true)[0]!.subject).to.deep.equal([
      is('node:zone', 'x'),
      exists('reserved:host'),
      exists('reserved:node'),
    ])
  })
  it('mean nobody without peers, ports and icmps, and everybody where one of the last two is there', () => {
    const icmps = [{ protocol: 1, first: 2048, last: 2303 }]
    expect(allowed({}).map(rule => rule.peers)).to.deep.equal([[]])
    expect(allowed({ ports: [tcp(80)] }).map(rule => rule.peers)).to.deep.equal(['any'])
    expect(allowed({ icmps })).to.deep.equal([
      { order: 1, peers: 'any', ports: { ranges: icmps, named: [] }, l7: undefined, path: 'spec.ingress[0]' },
    ])
    expect(allowed({ peers, icmps: [] }).map(rule => rule.ports)).to.deep.equal(['any'])
    expect(allowed({ peers, ports: [] }).map(rule => rule.ports)).to.deep.equal(['any'])
  })
  it('of a denial have its ports, or all', () => {
    const denied = (rule: Partial<CiliumDirectionRule>) =>
      compiled({ ingressDeny: [entry({ peers, ...rule })] })[0]!.ports
    const icmps = [{ protocol: 1, first: 2048, last: 2303 }]
    const http = { name: 'http', protocol: 6 }
    expect(denied({})).to.equal('any')
    expect(denied({ icmps })).to.deep.equal({ ranges: icmps, named: [] })
    expect(denied({ ports: [tcp(80), { ...tcp(1), named: [http] }] })).to.deep.equal({
      ranges: [80, 1].map(port => ({ protocol: 6, first: port, last: port })),
      named: [http],
    })
    expect(denied({ ports: [tcp(80), { ranges: [], named: [], serverNames: [] }] })).to.equal('any')
    expect(denied({ ports: [{ ranges: [], named: [http], serverNames: [] }] })).to.deep.equal({
      ranges: [],
      named: [http],
    })
  })
  it('join ports that ask nothing of a proxy, and part those that do, each with what it asks', () => {
    const secret = { namespace: 'a', name: 's' }
    const demands = [
      { l7: { kind: 'http', http: [] } },
      { serverNames: ['x.org'] },
      { listener: { name: 'l' } },
      { tls: true, terminatingTls: { secret } },
      { tls: true, originatingTls: { secret } },
    ] as const
    const ports = [tcp(1), ...demands.map((demand, index) => tcp(80 + index, demand)), tcp(2)]
    const one = (port: number) => ({ ranges: [{ protocol: 6, first: port, last: port }], named: [] })
    const said = allowed({ peers, ports })
    expect(said.map(({ order, path, ports: each }) => ({ order, path, ports: each }))).to.deep.equal([
      { order: 1, path: 'spec.ingress[0]', ports: { ranges: [1, 2].flatMap(port => one(port).ranges), named: [] } },
      ...demands.map((_, index) => ({
        order: 2,
        path: `spec.ingress[0].toPorts[${index + 1}]`,
        ports: one(80 + index),
      })),
    ])
    expect(said.map(({ l7 }) => l7)).to.deep.equal([
      undefined,
      { rules: { kind: 'http', http: [] } },
      { serverNames: ['x.org'] },
      { listener: { name: 'l' } },
      { tls: true, terminatingTls: { secret } },
      { tls: true, originatingTls: { secret } },
    ])
    expect(compiled({ ingress: [entry({ ports })] })[0]).not.to.have.property('l7')
    expect(allowed({ peers, ports: [tcp(80, demands[0])] })).to.have.length(1)
  })
  it('ask for authentication on every port, unless it is disabled', () => {
    const asked = (rule: Partial<CiliumDirectionRule>) =>
      allowed({ peers, ...rule }).map(({ order, l7 }) => [order, l7])
    const authentication = 'required'
    expect(asked({ authentication })).to.deep.equal([[2, { authentication }]])
    expect(asked({ authentication: 'disabled' })).to.deep.equal([[1, undefined]])
    expect(asked({ authentication, ports: [tcp(80), tcp(81, { serverNames: ['x.org'] })] })).to.deep.equal([
      [2, { authentication }],
      [2, { serverNames: ['x.org'], authentication }],
    ])
    expect(asked({ authentication: 'disabled', ports: [tcp(80)] })).to.deep.equal([[1, undefined]])
  })
})
