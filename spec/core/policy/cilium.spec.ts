import { expect } from 'chai'
import { verdicts, type EventBody } from '@weir/core'
import type {
  CiliumDirectionRule,
  CiliumPolicyFact,
  CiliumPortRule,
  CiliumRule,
  Entity,
} from '@weir/core/event/cilium.js'
import { agent, is, namespace, node, pod, policy, Scene } from '../log.js'
import { readyEndpoints } from '../../oracle/slice.js'

const { allow, deny, denylisted, proxy } = verdicts
const web = '10.0.0.1'
const client = '10.0.0.2'
const far = '10.1.0.1'
const here = '192.168.0.1'
const there = '192.168.0.2'
const world = '8.8.8.8'

type Entry = Omit<CiliumDirectionRule, 'path'>
const entries = (path: string, list: readonly Entry[] | undefined) =>
  list?.map((entry, index) => ({ path: `spec.${path}[${index}]`, ...entry }))

interface Sections {
  readonly ingress?: readonly Entry[]
  readonly ingressDeny?: readonly Entry[]
  readonly egress?: readonly Entry[]
  readonly egressDeny?: readonly Entry[]
}

/** In namespace `a`, or clusterwide; selects app=web unless told otherwise. */
function cilium(
  name: string,
  sections: Sections,
  more: Partial<CiliumRule> & { clusterwide?: boolean } = {},
): EventBody {
  const { clusterwide = false, ...rest } = more
  const rule: CiliumRule = {
    path: 'spec',
    subject: { kind: 'endpoints', selector: [is('app', 'web')] },
    enableDefaultDeny: {},
    ...Object.fromEntries(Object.entries(sections).map(([key, list]) => [key, entries(key, list)])),
    ...rest,
  }
  const kind: CiliumPolicyFact['kind'] = clusterwide ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy'
  return { kind: 'ciliumpolicy.upserted', policy: { kind, namespace: clusterwide ? '' : 'a', name, rules: [rule] } }
}

const tcp = (port: number, more: Partial<CiliumPortRule> = {}): CiliumPortRule => ({
  ranges: [{ protocol: 6, first: port, last: port }],
  named: [],
  serverNames: [],
  ...more,
})
const endpoints = (...selectors: readonly (readonly ReturnType<typeof is>[])[]) =>
  ({ kind: 'endpoints', selectors }) as const
const entities = (...list: readonly Entity[]) => ({ kind: 'entities', entities: list }) as const
const exists = (key: string) => ({ key, operator: 'Exists', values: [] }) as const

function scene(...bodies: readonly EventBody[]): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    node('here', [here], { labels: { zone: 'x' } }),
    node('there', [there], { labels: { zone: 'y' } }),
    namespace('b', { team: 'x' }),
    pod('a/web', { app: 'web' }, web),
    pod('a/client', { app: 'client' }, client),
    pod('b/far', { app: 'client' }, far, { node: 'there' }),
    ...bodies,
  )
  return made
}

describe('CiliumNetworkPolicy', () => {
  it('confines endpoint selectors to its namespace, unless they name one', () => {
    const all = scene(cilium('p', { ingress: [{ peers: endpoints([]) }] }))
    expect([client, far, here, there, world].map(from => all.verdict(from, web))).to.deep.equal([
      allow,
      deny,
      allow,
      deny,
      deny,
    ])
    const named = scene(
      cilium('p', { ingress: [{ peers: endpoints([is('io.kubernetes.pod.namespace', 'b'), is('app', 'client')]) }] }),
    )
    expect([client, far].map(from => named.verdict(from, web))).to.deep.equal([deny, allow])
    const labelled = scene(
      cilium('p', { ingress: [{ peers: endpoints([is('io.cilium.k8s.namespace.labels.team', 'x')]) }] }),
    )
    expect([client, far].map(from => labelled.verdict(from, web))).to.deep.equal([deny, allow])
  })
  it('means all pods of the cluster when clusterwide, and nodes by their reserved label', () => {
    const all = scene(cilium('p', { ingress: [{ peers: endpoints([]) }] }, { clusterwide: true }))
    expect([client, far, there, world].map(from => all.verdict(from, web))).to.deep.equal([allow, allow, deny, deny])
    const remote = scene(cilium('p', { ingress: [{ peers: endpoints([exists('reserved:remote-node') as never]) }] }))
    expect([client, there, world].map(from => remote.verdict(from, web))).to.deep.equal([deny, allow, deny])
  })
  it('isolates by an entry that allows nothing, and not where default deny is off', () => {
    expect(scene(cilium('p', { ingress: [{}] })).verdict(client, web)).to.equal(deny)
    const off = cilium('p', { ingress: [{ peers: endpoints([]) }] }, { enableDefaultDeny: { ingress: false } })
    expect(scene(off).verdict(world, web)).to.equal(allow)
    const on = cilium('p', {}, { enableDefaultDeny: { egress: true } })
    expect(scene(on).verdict(web, client)).to.equal(deny)
  })
  it('means anybody without peers but with ports, and nobody by an empty list', () => {
    const anybody = scene(cilium('p', { ingress: [{ ports: [tcp(80)] }] }))
    expect([anybody.verdict(world, web), anybody.verdict(world, web, 81)]).to.deep.equal([allow, deny])
    expect(scene(cilium('p', { ingress: [{ peers: endpoints(), ports: [tcp(80)] }] })).verdict(client, web)).to.equal(
      deny,
    )
  })
  it('lets a deny win over every allowance, of NetworkPolicy too, and says so', () => {
    const made = scene(
      cilium('p', {
        ingressDeny: [{ peers: endpoints([is('app', 'client')]) }],
        ingress: [{ peers: entities('all') }],
      }),
      policy('q', { ingress: [{ peers: [], ports: [] }] }),
    )
    expect([client, world].map(from => made.verdict(from, web))).to.deep.equal([denylisted, allow])
    const { ingress } = made.engine.explain({ from: client, to: web, protocol: 6, port: 80 })
    expect([ingress.reason, ingress.decidedBy?.origin]).to.deep.equal([
      'rule',
      { policy: 'CiliumNetworkPolicy a/p', path: 'spec.ingressDeny[0]', seq: 8 },
    ])
  })
  it('matches addresses outside the cluster only by CIDR, unless the agent adds nodes or pods', () => {
    const cidr = { kind: 'cidr', cidr: '0.0.0.0/0', except: ['8.8.0.0/16'] } as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'cidrs', cidrs: [cidr] } }] }))
    const seen = () => [client, there, '9.9.9.9', world].map(to => made.verdict(web, to))
    expect(seen()).to.deep.equal([deny, deny, allow, deny])
    const configured = { node: 'here', cluster: 'default', labelFilter: [] }
    made.apply({ kind: 'agent.configured', agent: { ...configured, cidrMatch: ['nodes'] } })
    expect(seen()).to.deep.equal([deny, allow, allow, deny])
    made.apply({ kind: 'agent.configured', agent: { ...configured, cidrMatch: ['pods'] } })
    expect(seen()).to.deep.equal([allow, deny, allow, deny])
  })
  it('knows entities', () => {
    const reached = (...list: readonly Entity[]) => {
      const endpoints = readyEndpoints([there, '1.1.1.1'])
      const slice = { namespace: 'default', name: 's', service: 'kubernetes', endpoints, ports: [] }
      const made = scene(
        { kind: 'endpointslice.upserted', slice },
        cilium('p', { egress: [{ peers: entities(...list) }] }),
      )
      return [client, here, there, world, '1.1.1.1', '2001:db8::1'].filter(to => made.verdict(web, to) === allow)
    }
    expect(reached('world')).to.deep.equal([world, '1.1.1.1', '2001:db8::1'])
    expect(reached('world-ipv6')).to.deep.equal(['2001:db8::1'])
    expect(reached('host')).to.deep.equal([here])
    expect(reached('remote-node')).to.deep.equal([there])
    expect(reached('kube-apiserver')).to.deep.equal([there, '1.1.1.1'])
    expect(reached('cluster')).to.deep.equal([client, here, there, '1.1.1.1'])
    expect(reached('none', 'init', 'health', 'unmanaged', 'ingress')).to.deep.equal([])
  })
  it('knows nodes by their labels', () => {
    const peers = { kind: 'nodes', selectors: [[is('zone', 'y')]] } as const
    const made = scene(cilium('p', { egress: [{ peers }] }))
    expect([here, there, client].map(to => made.verdict(web, to))).to.deep.equal([deny, allow, deny])
    made.apply(node('here', [here], { labels: { zone: 'y' } }))
    expect(made.verdict(web, here)).to.equal(allow)
  })
  it('denies for want of a proxy what only asks for one, and lets a plain allowance win', () => {
    const http = tcp(80, { l7: { kind: 'http', http: [{ method: 'GET', headers: [], headerMatches: [] }] } })
    const made = scene(cilium('p', { ingress: [{ ports: [http, tcp(81, { serverNames: ['x.org'] }), tcp(82)] }] }))
    expect([80, 81, 82, 83].map(port => made.verdict(world, web, port))).to.deep.equal([proxy, proxy, allow, deny])
    expect(made.verdict(here, web)).to.equal(allow)
    expect(made.engine.explain({ from: world, to: web, protocol: 6, port: 80 }).ingress).to.include({ reason: 'proxy' })
    made.apply(cilium('q', { ingress: [{ ports: [tcp(80)] }] }))
    expect(made.verdict(world, web)).to.equal(allow)
    const login = scene(cilium('p', { ingress: [{ peers: entities('all'), authentication: 'required' }] }))
    expect(login.verdict(world, web)).to.equal(proxy)
  })
  it('follows CIDR groups by name and labels, with holes', () => {
    const group = (name: string, labels: Record<string, string>, ...cidrs: string[]): EventBody => ({
      kind: 'cidrgroup.upserted',
      group: { name, labels, cidrs },
    })
    const cidrs = [
      { kind: 'group', name: 'g', except: ['8.8.8.0/24'] },
      { kind: 'groups', selector: [is('team', 'x')], except: [] },
    ] as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'cidrs', cidrs } }] }))
    const seen = () => [world, '8.8.9.9', '9.9.9.9'].map(to => made.verdict(web, to))
    expect(seen()).to.deep.equal([deny, deny, deny])
    made.apply(group('g', {}, '8.8.0.0/16', '8.0.0.0/8'), group('h', { team: 'x' }, '9.9.9.9/32'))
    expect(seen()).to.deep.equal([deny, allow, allow])
    made.apply(group('g', {}, '8.0.0.0/8'), group('h', { team: 'y' }, '9.9.9.9/32'))
    expect(seen()).to.deep.equal([deny, allow, deny])
    made.apply({ kind: 'cidrgroup.deleted', name: 'g' })
    expect(seen()).to.deep.equal([deny, deny, deny])
    expect(made.engine.tables.prefixes.get('8.0.0.0/8')).to.equal(undefined)
  })
  it('means the pods of a service, or the addresses of one without selector', () => {
    const service = (name: string, selector: Record<string, string>): EventBody => ({
      kind: 'service.upserted',
      service: { namespace: 'b', name, type: 'ClusterIP', clusterIps: [], selector, ports: [] },
    })
    const services = [{ kind: 'name', namespace: 'b', name: 's' }] as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'services', services } }] }))
    const seen = () => [far, client, world].map(to => made.verdict(web, to))
    expect(seen()).to.deep.equal([deny, deny, deny])
    made.apply(service('s', { app: 'client' }))
    expect(seen()).to.deep.equal([allow, deny, deny])
    const endpoints = readyEndpoints([world, client])
    const slice = { namespace: 'b', name: 'x', service: 's', endpoints, ports: [] }
    made.apply(service('s', {}), { kind: 'endpointslice.upserted', slice })
    expect(seen()).to.deep.equal([deny, deny, allow])
  })
  it('means the pods of services by their labels, as services come, change and go', () => {
    const service = (namespaceOf: string, name: string, team: string, selector: Record<string, string>): EventBody => ({
      kind: 'service.upserted',
      service: {
        namespace: namespaceOf,
        name,
        type: 'ClusterIP',
        clusterIps: [],
        selector,
        labels: { team },
        ports: [],
      },
    })
    const services = [
      { kind: 'selector', namespace: 'b', selector: [is('team', 'x')] },
      { kind: 'name', namespace: 'a', name: 'own' },
    ] as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'services', services } }] }))
    const seen = () => [far, client].map(to => made.verdict(web, to))
    made.apply(service('b', 's', 'y', { app: 'client' }), service('b', 'own', 'y', { app: 'client' }))
    expect(seen()).to.deep.equal([deny, deny])
    made.apply(service('b', 's', 'x', { app: 'client' }))
    expect(seen()).to.deep.equal([allow, deny])
    made.apply(service('a', 'own', 'y', { app: 'client' }))
    expect(seen()).to.deep.equal([allow, allow])
    made.apply({ kind: 'service.deleted', namespace: 'b', name: 's' })
    expect(seen()).to.deep.equal([deny, allow])
  })
  it('follows the services that labels alone name', () => {
    const service = (team: string): EventBody => ({
      kind: 'service.upserted',
      service: {
        namespace: 'b',
        name: 's',
        type: 'ClusterIP',
        clusterIps: [],
        selector: { app: 'client' },
        labels: { team },
        ports: [],
      },
    })
    const services = [{ kind: 'selector', namespace: 'b', selector: [is('team', 'x')] }] as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'services', services } }] }))
    for (const [team, verdict] of [
      ['y', deny],
      ['x', allow],
      ['y', deny],
    ] as const) {
      made.apply(service(team))
      expect(made.verdict(web, far), team).to.equal(verdict)
    }
  })
  it('tells of each rule whom its sets of addresses mean now, beside its other peers', () => {
    const answer: EventBody = { kind: 'dns.answered', answer: { name: 'y.org', addresses: [world], ttlSeconds: 60 } }
    const made = scene(
      cilium('p', { egress: [{ peers: { kind: 'fqdns', fqdns: [{ name: 'y.org' }] } }] }),
      cilium('q', { egress: [{ peers: entities('kube-apiserver', 'host') }] }),
      answer,
    )
    const endpointsOf = readyEndpoints(['1.1.1.1'])
    made.apply({
      kind: 'endpointslice.upserted',
      slice: { namespace: 'default', name: 's', service: 'kubernetes', endpoints: endpointsOf, ports: [] },
    })
    const cidrs = (name: string) =>
      [...made.engine.rules()]
        .filter(({ origin }) => origin.policy === `CiliumNetworkPolicy a/${name}`)
        .flatMap(({ peers }) => (peers === 'any' ? [] : peers))
        .flatMap(peer => (peer.kind === 'set' ? peer.cidrs : []))
    expect(cidrs('p')).to.deep.equal([`${world}/32`])
    expect(cidrs('q')).to.deep.equal(['1.1.1.1/32'])
  })
  it('allows ICMP types by icmps', () => {
    const icmps = [{ protocol: 1, first: 8 << 8, last: (8 << 8) + 255 }]
    const made = scene(cilium('p', { ingress: [{ icmps }] }))
    expect([made.verdict(world, web, 'icmp/2048'), made.verdict(world, web, 'icmp/0')]).to.deep.equal([allow, deny])
  })
  it('knows addresses by name as long as an answer holds, and touches only what asks for the name', () => {
    const answer = (name: string, address: string, ttlSeconds: number): EventBody => ({
      kind: 'dns.answered',
      answer: { name, addresses: [address], ttlSeconds },
    })
    const fqdns = [{ pattern: '*.x.org' }, { name: 'y.org' }] as const
    const made = scene(cilium('p', { egress: [{ peers: { kind: 'fqdns', fqdns } }] }))
    const delta = made.apply(answer('z.org', world, 60))
    expect([delta.cells, delta.rows, delta.prefixes, delta.addresses].flat()).to.deep.equal([])
    made.apply(answer('a.x.org', world, 60), answer('a.b.x.org', '9.9.9.9', 60), answer('y.org', '6.6.6.6', 30))
    expect([world, '9.9.9.9'].map(to => made.verdict(web, to))).to.deep.equal([allow, deny])
    const second = made.apply(answer('b.x.org', '7.7.7.7', 90))
    expect([second.cells, second.rows, second.addresses].flat()).to.deep.equal([])
    made.apply({ kind: 'time.passed', until: 59_999 })
    expect(made.verdict(web, world)).to.equal(allow)
    made.apply({ kind: 'time.passed', until: 60_000 })
    expect([world, '7.7.7.7'].map(to => made.verdict(web, to))).to.deep.equal([deny, allow])
  })
  it('makes the node a subject while a policy selects it, and leaves its pods and fail-safe ports reachable', () => {
    const subject = { kind: 'nodes', selector: [is('zone', 'x')] } as const
    const host = (sections: Sections) => cilium('h', sections, { clusterwide: true, subject })
    const made = scene(host({ ingress: [{}], egress: [{}] }))
    expect(made.engine.tables.addresses.get(here)).to.include({ endpoint: 0 })
    expect(made.subjectOf(here)).to.be.greaterThan(0)
    expect(made.subjectOf(there)).to.equal(0)
    expect([22, 6443, 80].map(port => made.verdict(world, here, port))).to.deep.equal([allow, allow, deny])
    expect([web, far, world, here].map(to => made.verdict(here, to))).to.deep.equal([allow, deny, deny, allow])
    made.apply(host({ egressDeny: [{ peers: entities('cluster') }] }))
    expect(made.verdict(here, web)).to.equal(denylisted)
    made.apply({ kind: 'ciliumpolicy.deleted', policyKind: 'CiliumClusterwideNetworkPolicy', namespace: '', name: 'h' })
    expect(made.subjectOf(here)).to.equal(0)
  })
})
