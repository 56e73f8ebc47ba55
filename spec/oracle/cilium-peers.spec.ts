import type { EndpointSliceFact, ServiceFact } from '@weir/core/event/service.js'
import { expect } from 'chai'
import type { RawCidrRule, RawDirectionRule, RawService } from './cilium-manifest.js'
import type { HeardAnswer, OracleCluster } from './cluster.js'
import { decide } from './decide.js'
import { fqdnMatches } from './dns.js'
import { addressOf, type Attempt, attempt, ccnp, cnp, onA, onB, stage } from './stage.js'
import { readyEndpoints } from './slice.js'

type Place = keyof typeof addressOf
const places = ['a', 'c', 'd', 'n1', 'n2', 'world'] as const

/** Who of `places` reaches b? The node's own word for its pods is left aside by asking of b's policy alone. */
const sources = (rule: RawDirectionRule, extra: Partial<OracleCluster> = {}): readonly Place[] =>
  places.filter(
    from =>
      from !== 'n1' &&
      attempt(stage({ ciliumPolicies: [cnp({ endpointSelector: onB, ingress: [rule] })], ...extra }), { from }) ===
        'allow',
  )

/** Whom a deny rule of b turns away: the node shows up too. */
const refused = (rule: RawDirectionRule, extra: Partial<OracleCluster> = {}): readonly Place[] =>
  places.filter(
    from =>
      attempt(
        stage({
          ciliumPolicies: [cnp({ endpointSelector: onB, enableDefaultDeny: { ingress: false }, ingressDeny: [rule] })],
          ...extra,
        }),
        { from },
      ) === 'denylisted',
  )

const reach = (rule: RawDirectionRule, to: Place, extra: Partial<OracleCluster> = {}, how: Attempt = {}) =>
  attempt(stage({ ciliumPolicies: [cnp({ endpointSelector: onA, egress: [rule] })], ...extra }), { to, ...how })

const slice = ({
  addresses,
  ...extra
}: Partial<EndpointSliceFact> & { addresses: readonly string[] }): EndpointSliceFact => ({
  namespace: 'default',
  name: 'kubernetes',
  service: 'kubernetes',
  endpoints: readyEndpoints(addresses),
  ports: [],
  ...extra,
})

describe('oracle: whom a Cilium rule means', () => {
  describe('entities', () => {
    const both = (
      entity: NonNullable<RawDirectionRule['fromEntities']>[number],
      extra: Partial<OracleCluster> = {},
    ) => {
      const allowed = sources({ fromEntities: [entity] }, extra)
      const denied = refused({ fromEntities: [entity] }, extra)
      expect(denied.filter(place => place !== 'n1')).deep.equals(allowed)
      return denied
    }
    it('all is everybody', () => expect(both('all')).deep.equals([...places]))
    it('world is whoever is outside the cluster', () => expect(both('world')).deep.equals(['world']))
    it('world has families', () => {
      expect(both('world-ipv4')).deep.equals(['world'])
      expect(both('world-ipv6')).deep.equals([])
      expect(reach({ toEntities: ['world-ipv6'] }, 'world6', {}, { from: 'a6' })).equals('allow')
      expect(reach({ toEntities: ['world-ipv4'] }, 'world6', {}, { from: 'a6' })).equals('deny')
    })
    it('cluster is every pod and every node', () => expect(both('cluster')).deep.equals(['a', 'c', 'd', 'n1', 'n2']))
    it('host is the node of the pod', () => {
      expect(both('host')).deep.equals(['n1'])
      const [a, b, ...others] = stage().pods
      expect(both('host', { pods: [a!, { ...b!, node: 'n2' }, ...others] })).deep.equals(['n2'])
    })
    it('remote-node is every other node', () => {
      expect(both('remote-node')).deep.equals(['n2'])
      const [a, b, ...others] = stage().pods
      expect(refused({ fromEntities: ['remote-node'] }, { pods: [a!, { ...b!, node: 'n2' }, ...others] })).deep.equals([
        'n1',
      ])
    })
    it('host and remote-node have the addresses of hostNetwork pods', () => {
      const hosted = { ...stage().pods[0]!, name: 'h', addresses: [addressOf.n2], hostNetwork: true, node: 'n2' }
      expect(both('remote-node', { nodes: [], pods: [...stage().pods, hosted] })).deep.equals(['n2'])
    })
    it('kube-apiserver is where the service kubernetes has its endpoints', () => {
      expect(both('kube-apiserver')).deep.equals([])
      expect(both('kube-apiserver', { slices: [slice({ addresses: [addressOf.n2] })] })).deep.equals(['n2'])
      expect(both('kube-apiserver', { slices: [slice({ addresses: [addressOf.world] })] })).deep.equals(['world'])
      const others = [
        slice({ addresses: [addressOf.n2], service: 'x' }),
        slice({ addresses: [addressOf.a], namespace: 'other' }),
      ]
      expect(both('kube-apiserver', { slices: others })).deep.equals([])
    })
    it('an API server outside is in the cluster and in the world', () => {
      const slices = [slice({ addresses: [addressOf.world] })]
      expect(both('cluster', { slices })).deep.equals(places)
      expect(both('world', { slices })).deep.equals(['world'])
    })
    it('are reserved labels, too, for selectors of endpoints', () => {
      const label = (name: string, extra: Partial<OracleCluster> = {}) =>
        refused({ fromEndpoints: [{ matchLabels: { [`reserved:${name}`]: '' } }] }, extra)
      expect(label('host')).deep.equals(['n1'])
      expect(label('remote-node')).deep.equals(['n2'])
      expect(label('world')).deep.equals(['world'])
      expect(label('world-ipv6')).deep.equals([])
      expect(label('kube-apiserver', { slices: [slice({ addresses: [addressOf.d] })] })).deep.equals(['d'])
      expect(label('health')).deep.equals([])
      const east = { 'reserved:host': '', 'node:zone': 'east' }
      expect(refused({ fromEndpoints: [{ matchLabels: east }] })).deep.equals(['n1'])
      expect(refused({ fromEndpoints: [{ matchLabels: { ...east, 'node:zone': 'west' } }] })).deep.equals([])
      const noHost = { matchExpressions: [{ key: 'reserved:host', operator: 'DoesNotExist' as const }] }
      expect(refused({ fromEndpoints: [noHost] })).deep.equals(['a'])
    })
    for (const entity of ['init', 'health', 'unmanaged', 'ingress', 'none'] as const)
      it(`${entity} is nobody here`, () => expect(both(entity)).deep.equals([]))
    it('of a list are joined by or', () =>
      expect(refused({ fromEntities: ['host', 'world'] })).deep.equals(['n1', 'world']))
  })

  describe('CIDRs', () => {
    it('are outside the cluster only: not pods, not nodes', () => {
      expect(refused({ fromCIDR: ['0.0.0.0/0'] })).deep.equals(['world'])
      expect(refused({ fromCIDR: ['10.0.0.0/8', '192.168.0.0/16'] })).deep.equals([])
      expect(sources({ fromCIDR: ['10.0.0.0/8', '192.168.0.2/32'] })).deep.equals([])
    })
    it('match nodes or pods too where the agent is told so', () => {
      const told = (cidrMatch: readonly ('nodes' | 'pods')[]) =>
        refused({ fromCIDR: ['0.0.0.0/0'] }, { agent: { node: 'n1', cluster: 'test', labelFilter: [], cidrMatch } })
      expect(told([])).deep.equals(['world'])
      expect(told(['nodes'])).deep.equals(['n1', 'n2', 'world'])
      expect(told(['pods'])).deep.equals(['a', 'c', 'd', 'world'])
      expect(told(['nodes', 'pods'])).deep.equals([...places])
    })
    it('contain: a wider block matches what a narrower one knows', () => {
      const narrow = cnp(
        { endpointSelector: { matchLabels: { app: 'z' } }, ingress: [{ fromCIDR: ['203.0.113.0/31'] }] },
        'q',
      )
      const wide = cnp({ endpointSelector: onB, ingress: [{ fromCIDR: ['203.0.0.0/16'] }] })
      expect(attempt(stage({ ciliumPolicies: [narrow, wide] }), { from: 'world' })).equals('allow')
    })
    it('of /0 are the world of the family', () => {
      expect(reach({ toCIDR: ['0.0.0.0/0'] }, 'world')).equals('allow')
      expect(reach({ toCIDR: ['::/0'] }, 'world')).equals('deny')
      expect(reach({ toCIDR: ['::/0'] }, 'world6', {}, { from: 'a6' })).equals('allow')
    })
    it('may be one address', () => expect(sources({ fromCIDR: ['203.0.113.1'] })).deep.equals(['world']))
    it('have holes by except, which are no deny', () => {
      const holed: RawCidrRule = { cidr: '203.0.113.0/24', except: ['203.0.113.0/28'] }
      expect(sources({ fromCIDRSet: [holed] })).deep.equals([])
      expect(sources({ fromCIDRSet: [{ ...holed, except: ['203.0.113.128/25'] }] })).deep.equals(['world'])
      expect(sources({ fromCIDRSet: [holed, { cidr: '203.0.113.0/30' }] })).deep.equals(['world'])
    })
    it('that deny have holes too', () => {
      expect(refused({ fromCIDRSet: [{ cidr: '203.0.113.0/24', except: ['203.0.113.1/32'] }] })).deep.equals([])
    })
    it('come from groups by name or by labels, with holes', () => {
      const cidrGroups = [
        { name: 'g', labels: { role: 'x' }, cidrs: ['198.51.100.0/24', '203.0.113.0/24'] },
        { name: 'h', labels: {}, cidrs: [] },
      ]
      const by = (rule: RawCidrRule) => sources({ fromCIDRSet: [rule] }, { cidrGroups })
      expect(by({ cidrGroupRef: 'g' })).deep.equals(['world'])
      expect(by({ cidrGroupRef: 'h' })).deep.equals([])
      expect(by({ cidrGroupRef: 'nowhere' })).deep.equals([])
      expect(by({ cidrGroupRef: 'g', except: ['203.0.113.1/32'] })).deep.equals([])
      expect(by({ cidrGroupSelector: { matchLabels: { role: 'x' } } })).deep.equals(['world'])
      expect(by({ cidrGroupSelector: { matchLabels: { role: 'y' } } })).deep.equals([])
      expect(by({ cidrGroupSelector: {} })).deep.equals(['world'])
    })
  })

  describe('nodes', () => {
    it('match by their labels, own or remote', () => {
      expect(refused({ fromNodes: [{ matchLabels: { zone: 'west' } }] })).deep.equals(['n2'])
      expect(refused({ fromNodes: [{}] })).deep.equals(['n1', 'n2'])
      expect(refused({ fromNodes: [{ matchLabels: { zone: 'north' } }] })).deep.equals([])
    })
    it('are never pods', () => expect(refused({ fromNodes: [{ matchLabels: { app: 'a' } }] })).deep.equals([]))
  })

  describe('services', () => {
    const service = (extra: Partial<ServiceFact>): ServiceFact => ({
      namespace: 'other',
      name: 's',
      type: 'ClusterIP',
      clusterIps: ['10.96.0.1'],
      selector: {},
      ports: [],
      ...extra,
    })
    const s: RawService = { k8sService: { serviceName: 's', namespace: 'other' } }
    const to = (place: Place, facts: Partial<OracleCluster>, ref = s) => reach({ toServices: [ref] }, place, facts)
    it('with a selector are the pods that it selects, in its namespace', () => {
      const services = [service({ selector: { app: 'c' } })]
      expect([to('c', { services }), to('d', { services }), to('world', { services })]).deep.equals([
        'allow',
        'deny',
        'deny',
      ])
      expect(to('b', { services: [service({ selector: { app: 'b' } })] })).equals('deny')
    })
    it('with a selector of two labels are the pods that have both', () => {
      const [a, b, c, d] = stage().pods
      const pods = [a!, b!, { ...c!, labels: { app: 'c', role: 'x' } }, { ...d!, labels: { app: 'c' } }]
      const facts = { pods, services: [service({ selector: { app: 'c', role: 'x' } })] }
      expect([to('c', facts), to('d', facts)]).deep.equals(['allow', 'deny'])
    })
    it('with a selector are not what their slices say', () => {
      const slices = [slice({ namespace: 'other', service: 's', addresses: [addressOf.world] })]
      expect(to('world', { services: [service({ selector: { app: 'c' } })], slices })).equals('deny')
    })
    it('without one are the addresses of their slices, outside the cluster', () => {
      const slices = [
        slice({ namespace: 'other', service: 's', addresses: [addressOf.world, addressOf.c, addressOf.n2] }),
      ]
      const facts = { services: [service({})], slices }
      expect([to('world', facts), to('c', facts), to('n2', facts)]).deep.equals(['allow', 'deny', 'deny'])
      expect(to('world', { services: [], slices })).equals('deny')
      expect(to('world', { services: [service({})], slices: [{ ...slices[0]!, namespace: 'default' }] })).equals('deny')
    })
    it('match by their labels', () => {
      const services = [service({ selector: { app: 'c' }, labels: { env: 'x' } })]
      const by = (env: string, namespace = 'other'): RawService => ({
        k8sServiceSelector: { selector: { matchLabels: { env } }, namespace },
      })
      expect([
        to('c', { services }, by('x')),
        to('c', { services }, by('y')),
        to('c', { services }, by('x', 'default')),
        to('c', { services }, by('x', '')),
      ]).deep.equals(['allow', 'deny', 'deny', 'allow'])
    })
    it('of a list are joined by or', () => {
      const services = [service({ selector: { app: 'c' } })]
      const other: RawService = { k8sService: { serviceName: 'else', namespace: 'other' } }
      expect(reach({ toServices: [other, s] }, 'c', { services })).equals('allow')
    })
    it('that are external names are nobody', () => {
      expect(to('c', { services: [service({ type: 'ExternalName', selector: { app: 'c' } })] })).equals('deny')
    })
  })

  describe('DNS names', () => {
    const heard = (name: string, ttlSeconds: number, heardMs: number, ...addresses: string[]): HeardAnswer => ({
      answer: { name, addresses, ttlSeconds },
      heardMs,
    })
    const to = (answers: readonly HeardAnswer[], timeMs = 0, place: Place = 'world') =>
      reach({ toFQDNs: [{ matchName: 'example.com' }] }, place, { answers, timeMs })
    it('match the addresses of answers', () => {
      expect(to([])).equals('deny')
      expect(to([heard('example.com', 60, 1000, addressOf.world)])).equals('allow')
      expect(to([heard('other.org', 60, 1000, addressOf.world)])).equals('deny')
    })
    it('hold until the time to live is over, not longer', () => {
      const answers = [heard('example.com', 60, 1000, addressOf.world)]
      expect([to(answers, 60_999), to(answers, 61_000)]).deep.equals(['allow', 'deny'])
    })
    it('hold as long as the answer that lasts longest', () => {
      const answers = [
        heard('example.com', 60, 1000, addressOf.world),
        heard('example.com', 1, 30_000, addressOf.world),
      ]
      expect(to(answers, 60_000)).equals('allow')
      expect(to([...answers, heard('example.com', 60, 60_000, addressOf.world)], 119_000)).equals('allow')
    })
    it('of a list are joined by or', () => {
      const toFQDNs = [{ matchName: 'other.org' }, { matchName: 'example.com' }]
      const answers = [heard('example.com', 60, 0, addressOf.world)]
      expect(reach({ toFQDNs }, 'world', { answers })).equals('allow')
    })
    it('keep earlier addresses when another answer brings others', () => {
      const answers = [heard('example.com', 60, 0, addressOf.world), heard('example.com', 60, 1, '203.0.113.9')]
      expect(to(answers, 1)).equals('allow')
    })
    it('mean addresses outside the cluster only', () => {
      const answers = [heard('example.com', 60, 0, addressOf.b, addressOf.n2)]
      expect([to(answers, 0, 'b'), to(answers, 0, 'n2')]).deep.equals(['deny', 'deny'])
    })
    it('are not told by capitals or a final dot', () => {
      expect(to([heard('Example.COM.', 60, 0, addressOf.world)])).equals('allow')
    })
    const pattern = (text: string, name: string) => fqdnMatches({ pattern: text }, name)
    it('have * within one label', () => {
      expect(pattern('*.example.com', 'a.example.com')).equals(true)
      expect(pattern('*.example.com', 'x.a.example.com')).equals(false)
      expect(pattern('*.example.com', 'example.com')).equals(false)
      expect(pattern('a*.example.com', 'a.example.com')).equals(true)
      expect(pattern('a*c.example.com', 'abc.example.com')).equals(true)
      expect(pattern('a*c.example.com', 'ac.example.com')).equals(true)
      expect(pattern('a*c.example.com', 'ab.example.com')).equals(false)
      expect(pattern('*a*.example.com', 'bab.example.com')).equals(true)
      expect(pattern('a*x*c.example.com', 'abc.example.com')).equals(false)
      expect(pattern('a*x*c.example.com', 'axxbc.example.com')).equals(true)
      expect(pattern('www.*.com', 'www.example.com')).equals(true)
      expect(pattern('*.example.com', 'a-example.com')).equals(false)
    })
    it('have **. for many labels, one at least', () => {
      expect(pattern('**.example.com', 'a.example.com')).equals(true)
      expect(pattern('**.example.com', 'x.a.example.com')).equals(true)
      expect(pattern('**.example.com', 'example.com')).equals(false)
      expect(pattern('**.example.com', 'aexample.com')).equals(false)
    })
    it('have * alone for every name', () => expect(pattern('*', 'x.a.example.com')).equals(true))
    it('match the name itself by matchName, and nothing below it', () => {
      expect(fqdnMatches({ name: 'example.com' }, 'example.com')).equals(true)
      expect(fqdnMatches({ name: 'example.com' }, 'a.example.com')).equals(false)
    })
  })
})

describe('oracle: what policies mean for the node itself', () => {
  const onNode = (rest: Parameters<typeof ccnp>[0], name = 'p') => ccnp({ nodeSelector: {}, ...rest }, name)
  const at = (policies: readonly ReturnType<typeof ccnp>[], how: Attempt) =>
    attempt(stage({ ciliumPolicies: policies }), how)
  const closed = onNode({ ingress: [{}] })
  it('isolates the nodes that a nodeSelector selects, by their labels', () => {
    expect(at([closed], { from: 'world', to: 'n1' })).equals('deny')
    const west = ccnp({ nodeSelector: { matchLabels: { zone: 'west' } }, ingress: [{}] })
    expect([at([west], { from: 'world', to: 'n1' }), at([west], { from: 'world', to: 'n2' })]).deep.equals([
      'allow',
      'deny',
    ])
  })
  it('has no say over pods, nor do endpointSelectors over nodes', () => {
    expect(at([closed], { from: 'world', to: 'b' })).equals('allow')
    expect(at([ccnp({ endpointSelector: {}, ingress: [{}] })], { from: 'world', to: 'n1' })).equals('allow')
  })
  it('judges pods that talk to the node, local ones too', () => {
    expect([at([closed], { from: 'a', to: 'n1' }), at([closed], { from: 'd', to: 'n1' })]).deep.equals(['deny', 'deny'])
    const open = onNode({ ingress: [{ fromEndpoints: [{ matchLabels: { app: 'a' } }] }] })
    expect([at([open], { from: 'a', to: 'n1' }), at([open], { from: 'c', to: 'n1' })]).deep.equals(['allow', 'deny'])
  })
  it('sees itself never, and other nodes as remote', () => {
    const remote = onNode({ ingress: [{ fromEntities: ['remote-node'] }] })
    expect([
      at([remote], { from: 'n2', to: 'n1' }),
      at([remote], { from: 'world', to: 'n1' }),
      at([closed], { from: 'n1', to: 'n1' }),
    ]).deep.equals(['allow', 'deny', 'allow'])
  })
  it('lets an isolated node reach its own pods, not those of others', () => {
    const out = onNode({ egress: [{}] })
    expect([
      at([out], { from: 'n1', to: 'b' }),
      at([out], { from: 'n1', to: 'd' }),
      at([out], { from: 'n1', to: 'world' }),
    ]).deep.equals(['allow', 'deny', 'deny'])
    const denied = onNode({ egressDeny: [{ toEndpoints: [{ matchLabels: { app: 'b' } }] }] })
    expect(at([denied], { from: 'n1', to: 'b' })).equals('denylisted')
  })
  it('is enforced by that node alone', () => {
    const facts = stage({ ciliumPolicies: [closed] })
    const from = (to: 'n1' | 'n2') =>
      decide(facts, { from: addressOf.world, to: addressOf[to], protocol: 6, port: 80 }).ingress
    expect([from('n1').enforcedHere, from('n2').enforcedHere]).deep.equals([true, false])
    expect([from('n1').verdict, from('n2').verdict]).deep.equals(['deny', 'deny'])
    const here = (to: 'n1' | 'n2') =>
      decide(facts, { from: addressOf.world, to: addressOf[to], protocol: 6, port: 80 }).verdictHere
    expect([here('n1'), here('n2')]).deep.equals(['deny', 'allow'])
  })
  it('has no say over hostNetwork pods that no node runs yet', () => {
    const hosted = { ...stage().pods[0]!, addresses: [addressOf.n2], hostNetwork: true, node: '' }
    const facts = { nodes: [], pods: [hosted], ciliumPolicies: [closed] }
    expect(attempt(stage(facts), { from: 'world', to: 'n2' })).equals('allow')
  })
  it('leaves other ports open if the agent is told so, or none', () => {
    const agent = { node: 'n1', cluster: 'test', labelFilter: [] }
    const at = (failSafePorts: readonly number[], port: number) =>
      attempt(stage({ agent: { ...agent, failSafePorts }, ciliumPolicies: [closed] }), {
        from: 'world',
        to: 'n1',
        port,
      })
    expect([at([2222], 2222), at([2222], 22), at([], 22)]).deep.equals(['allow', 'deny', 'deny'])
  })
  it('leaves ssh and the API server open to whoever comes, unless a rule denies it', () => {
    for (const port of [22, 6443]) {
      expect(at([closed], { from: 'world', to: 'n1', port })).equals('allow')
      expect(at([closed], { from: 'world', to: 'n1', port, protocol: 17 })).equals('deny')
      const said = onNode({ ingressDeny: [{ fromEntities: ['world'] }] }, 'q')
      expect(at([closed, said], { from: 'world', to: 'n1', port })).equals('denylisted')
      expect(at([onNode({ egress: [{}] })], { from: 'n1', to: 'world', port })).equals('deny')
    }
  })
})
