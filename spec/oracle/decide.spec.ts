import type { NamedPort, PodFact } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { type OracleCluster, partyAt } from './cluster.js'
import { decide } from './decide.js'
import { oracleFromManifest, type RawNetworkPolicy, type RawPeer, type RawRule, selectorOf } from './manifest.js'

const TCP = 6
const UDP = 17
const SCTP = 132

const pod = (name: string, address: string, extra: Partial<PodFact> = {}): PodFact => ({
  namespace: 'default',
  name,
  labels: { app: name },
  serviceAccount: 'default',
  node: 'n1',
  addresses: [address],
  hostNetwork: false,
  ports: [],
  ...extra,
})

const policy = (spec: RawNetworkPolicy['spec'], name = 'p', namespace = 'default') =>
  oracleFromManifest({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec })

const a = pod('a', '10.0.0.1')
const b = pod('b', '10.0.0.2')
const c = pod('c', '10.0.1.3', { namespace: 'other' })

const cluster = (extra: Partial<OracleCluster> = {}): OracleCluster => ({
  agent: { node: 'n1', cluster: 'test', labelFilter: [] },
  namespaces: [
    { name: 'default', labels: { team: 'x' } },
    { name: 'other', labels: { team: 'y' } },
  ],
  nodes: [
    { name: 'n1', labels: {}, addresses: ['192.168.0.1'], podCidrs: [] },
    { name: 'n2', labels: {}, addresses: ['192.168.0.2'], podCidrs: [] },
  ],
  pods: [a, b, c],
  policies: [],
  ...extra,
})

/** Does `from` reach `to` under policies that select b? */
const reaches = (
  policies: readonly ReturnType<typeof policy>[],
  { from = '10.0.0.1', to = '10.0.0.2', protocol = TCP, port = 80, extra = {} as Partial<OracleCluster> } = {},
) => decide(cluster({ policies, ...extra }), { from, to, protocol, port }).allowed

const toB = { matchLabels: { app: 'b' } }
const ingress = (...rules: readonly RawRule[]) => policy({ podSelector: toB, ingress: rules })
const from = (...peers: readonly RawPeer[]) => ingress({ from: peers })
const app = (name: string) => ({ podSelector: { matchLabels: { app: name } } })

describe('oracle: what a NetworkPolicy means', () => {
  describe('isolation', () => {
    it('lets everything pass to a pod that no policy selects', () => {
      expect(reaches([policy({ podSelector: { matchLabels: { app: 'a' } } })])).equals(true)
    })
    it('selects every pod of its namespace with an empty selector, and no pod of another', () => {
      const denyAll = policy({ podSelector: {} })
      expect(reaches([denyAll])).equals(false)
      expect(reaches([denyAll], { to: '10.0.1.3' })).equals(true)
    })
    it('isolates for ingress always and for egress only with egress rules when policyTypes is absent', () => {
      const without = policy({ podSelector: {} })
      const empty = policy({ podSelector: {}, egress: [] })
      const withEgress = policy({ podSelector: {}, egress: [{}] })
      expect([without, empty, withEgress].map(it => it.policyTypes)).deep.equals([
        ['ingress'],
        ['ingress'],
        ['ingress', 'egress'],
      ])
    })
    it('isolates exactly in the directions that policyTypes names', () => {
      const egressOnly = policy({ podSelector: {}, policyTypes: ['Egress'], ingress: [] })
      expect(reaches([egressOnly], { from: '10.0.1.3' })).equals(true)
      expect(reaches([egressOnly], { from: '10.0.0.2', to: '10.0.1.3' })).equals(false)
    })
    it('passes the union of what policies allow', () => {
      const union = [from(app('c')), policy({ podSelector: toB, ingress: [{ from: [app('a')] }] }, 'q')]
      expect(reaches(union)).equals(true)
      expect(reaches(union, { from: '10.0.1.3' })).equals(false)
    })
    it('needs both ends to agree', () => {
      const closedSource = policy({ podSelector: { matchLabels: { app: 'a' } }, policyTypes: ['Egress'] })
      const decision = decide(cluster({ policies: [closedSource] }), {
        from: '10.0.0.1',
        to: '10.0.0.2',
        protocol: TCP,
        port: 80,
      })
      expect(decision.egress.allowed).equals(false)
      expect(decision.ingress.allowed).equals(true)
      expect(decision.allowed).equals(false)
    })
    it('names the policies that isolate and the rules that allow', () => {
      const policies = [ingress({ from: [app('c')] }, { from: [app('a')] })]
      const { ingress: side } = decide(cluster({ policies }), {
        from: '10.0.0.1',
        to: '10.0.0.2',
        protocol: TCP,
        port: 80,
      })
      expect(side.isolatedBy).deep.equals([{ policy: 'NetworkPolicy default/p', path: 'spec.policyTypes' }])
      expect(side.allowedBy).deep.equals([{ policy: 'NetworkPolicy default/p', path: 'spec.ingress[1]' }])
    })
  })

  describe('empty and absent lists', () => {
    it('allows everything by an empty rule', () => expect(reaches([ingress({})])).equals(true))
    it('allows nothing by an empty list of rules', () => expect(reaches([ingress()])).equals(false))
    it('allows nothing by an absent or valueless list of rules', () => {
      expect(reaches([policy({ podSelector: toB })])).equals(false)
      expect(reaches([policy({ podSelector: toB, ingress: null })])).equals(false)
    })
    for (const peers of [undefined, null, []]) {
      it(`takes from: ${JSON.stringify(peers)} as every source`, () => {
        const rule = ingress(peers === undefined ? { ports: [{ port: 80 }] } : { from: peers, ports: [{ port: 80 }] })
        for (const source of ['10.0.1.3', '192.168.0.2', '203.0.113.1'])
          expect(reaches([rule], { from: source })).equals(true)
        expect(reaches([rule], { port: 81 })).equals(false)
      })
    }
    for (const ports of [undefined, null, []]) {
      it(`takes ports: ${JSON.stringify(ports)} as every port`, () => {
        const rule = ingress(ports === undefined ? { from: [app('a')] } : { from: [app('a')], ports })
        expect(reaches([rule], { port: 9999, protocol: SCTP })).equals(true)
        expect(reaches([rule], { from: '10.0.1.3' })).equals(false)
      })
    }
  })

  describe('selectors', () => {
    const expression = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', key: string, ...values: string[]) =>
      reaches([from({ podSelector: { matchExpressions: [{ key, operator, values }] } })])
    it('In matches one of the values and needs the key', () => {
      expect(expression('In', 'app', 'x', 'a')).equals(true)
      expect(expression('In', 'app', 'x')).equals(false)
      expect(expression('In', 'role', 'a')).equals(false)
    })
    it('NotIn matches other values and an absent key', () => {
      expect(expression('NotIn', 'app', 'x')).equals(true)
      expect(expression('NotIn', 'app', 'a')).equals(false)
      expect(expression('NotIn', 'role', 'a')).equals(true)
    })
    it('Exists needs the key, whatever its value', () => {
      expect(expression('Exists', 'app')).equals(true)
      expect(expression('Exists', 'role')).equals(false)
    })
    it('DoesNotExist matches an absent key', () => {
      expect(expression('DoesNotExist', 'role')).equals(true)
      expect(expression('DoesNotExist', 'app')).equals(false)
    })
    it('does not take inherited properties for labels', () => {
      expect(expression('Exists', 'constructor')).equals(false)
      expect(expression('DoesNotExist', 'toString')).equals(true)
    })
    it('joins matchLabels and matchExpressions by and', () => {
      const raw = {
        matchLabels: { app: 'a' },
        matchExpressions: [{ key: 'app', operator: 'NotIn' as const, values: ['a'] }],
      }
      expect(selectorOf(raw)).has.length(2)
      expect(reaches([from({ podSelector: raw })])).equals(false)
    })
  })

  describe('peers', () => {
    const foreign = { namespaceSelector: { matchLabels: { team: 'y' } } }
    it('means the own namespace by a podSelector alone', () => {
      expect(reaches([from({ podSelector: {} })])).equals(true)
      expect(reaches([from({ podSelector: {} })], { from: '10.0.1.3' })).equals(false)
    })
    it('means all pods of the namespaces by a namespaceSelector alone', () => {
      expect(reaches([from(foreign)], { from: '10.0.1.3' })).equals(true)
      expect(reaches([from(foreign)])).equals(false)
    })
    it('joins both selectors of one peer by and', () => {
      expect(reaches([from({ ...foreign, ...app('c') })], { from: '10.0.1.3' })).equals(true)
      expect(reaches([from({ ...foreign, ...app('a') })], { from: '10.0.1.3' })).equals(false)
      expect(reaches([from({ ...foreign, ...app('a') })])).equals(false)
    })
    it('joins two peers by or', () => {
      expect(reaches([from(foreign, app('a'))])).equals(true)
      expect(reaches([from(foreign, app('a'))], { from: '10.0.1.3' })).equals(true)
      expect(reaches([from(app('x'), app('y'))])).equals(false)
    })
    it('knows every namespace by its own name, even one it has no fact of', () => {
      const named = from({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } })
      expect(reaches([named], { from: '10.0.1.3' })).equals(true)
      expect(reaches([named])).equals(false)
      expect(reaches([named], { from: '10.0.1.3', extra: { namespaces: [] } })).equals(true)
    })
    it('matches neither nodes nor the outside by selectors', () => {
      const everyPod = from({ namespaceSelector: {} })
      expect(reaches([everyPod], { from: '192.168.0.2' })).equals(false)
      expect(reaches([everyPod], { from: '203.0.113.1' })).equals(false)
    })
  })

  describe('ipBlock', () => {
    const block = (cidr: string, ...except: string[]) => ({ ipBlock: { cidr, except } })
    it('matches by address whoever owns it, pods and nodes included', () => {
      expect(reaches([from(block('10.0.0.0/24'))])).equals(true)
      expect(reaches([from(block('10.0.0.0/24'))], { from: '10.0.1.3' })).equals(false)
      expect(reaches([from(block('192.168.0.2/32'))], { from: '192.168.0.2' })).equals(true)
      expect(reaches([from(block('203.0.113.0/24'))], { from: '203.0.113.255' })).equals(true)
      expect(reaches([from(block('203.0.113.0/24'))], { from: '203.0.114.0' })).equals(false)
    })
    it('leaves a hole by except, which is no deny', () => {
      const holed = block('10.0.0.0/8', '10.0.0.0/24')
      expect(reaches([from(holed)])).equals(false)
      expect(reaches([from(holed)], { from: '10.0.1.3' })).equals(true)
      expect(reaches([from(holed, app('a'))])).equals(true)
      expect(
        reaches([from(holed), policy({ podSelector: toB, ingress: [{ from: [block('10.0.0.0/16')] }] }, 'q')]),
      ).equals(true)
    })
    it('reads host bits as if they were not there', () => expect(reaches([from(block('10.9.9.9/8'))])).equals(true))
    it('keeps the families apart', () => {
      const six = {
        pods: [
          { ...a, addresses: ['10.0.0.1', 'fd00::1'] },
          { ...b, addresses: ['10.0.0.2', 'fd00::2'] },
        ],
      }
      const dual = { from: 'fd00::1', to: 'fd00::2', extra: six }
      expect(reaches([from(block('0.0.0.0/0'))], dual)).equals(false)
      expect(reaches([from(block('::/0'))], dual)).equals(true)
      expect(reaches([from(block('::/0'))], { extra: six })).equals(false)
      expect(reaches([from(block('fd00::/64', 'fd00::1/128'))], dual)).equals(false)
      expect(reaches([from(app('a'))], dual)).equals(true)
    })
  })

  describe('ports', () => {
    const ports = (...list: NonNullable<RawRule['ports']>) => ingress({ ports: list })
    it('defaults to TCP', () => {
      expect(reaches([ports({ port: 80 })])).equals(true)
      expect(reaches([ports({ port: 80 })], { protocol: UDP })).equals(false)
    })
    it('knows UDP and SCTP', () => {
      expect(reaches([ports({ port: 53, protocol: 'UDP' })], { port: 53, protocol: UDP })).equals(true)
      expect(reaches([ports({ port: 53, protocol: 'SCTP' })], { port: 53, protocol: SCTP })).equals(true)
      expect(reaches([ports({ port: 53, protocol: 'SCTP' })], { port: 53 })).equals(false)
    })
    it('means every port of the protocol without a port', () => {
      expect(reaches([ports({ protocol: 'UDP' })], { protocol: UDP, port: 1 })).equals(true)
      expect(reaches([ports({ protocol: 'UDP' })])).equals(false)
    })
    it('makes an inclusive range by endPort', () => {
      const range = [ports({ port: 80, endPort: 90 })]
      expect([79, 80, 85, 90, 91].map(port => reaches(range, { port }))).deep.equals([false, true, true, true, false])
    })
    it('allows ICMP and other protocols by rules without ports only', () => {
      for (const protocol of [1, 58, 47]) {
        expect(reaches([ports({ port: 1, endPort: 65535 })], { protocol, port: 8 << 8 })).equals(false)
        expect(reaches([ports({ protocol: 'TCP' }, { protocol: 'UDP' }, { protocol: 'SCTP' })], { protocol })).equals(
          false,
        )
        expect(reaches([from(app('a'))], { protocol, port: 8 << 8 })).equals(true)
      }
    })
  })

  describe('named ports', () => {
    const named = (name: string, protocol: NamedPort['protocol'], port: number): NamedPort => ({ name, protocol, port })
    const web = ingress({ ports: [{ port: 'web' }] })
    const withPorts = (...ports: NamedPort[]) => ({
      extra: { pods: [{ ...a, ports: [named('web', 'TCP', 1)] }, { ...b, ports }, c] },
    })
    it('resolves on the destination, not on the source', () => {
      expect(reaches([web], { ...withPorts(named('web', 'TCP', 80)) })).equals(true)
      expect(reaches([web], { port: 1, ...withPorts(named('web', 'TCP', 80)) })).equals(false)
      expect(reaches([web], withPorts())).equals(false)
    })
    it('resolves per protocol', () => {
      const both = withPorts(named('web', 'TCP', 80), named('web', 'UDP', 81))
      expect(reaches([web], { port: 81, ...both })).equals(false)
      expect(
        reaches([ingress({ ports: [{ port: 'web', protocol: 'UDP' }] })], { port: 81, protocol: UDP, ...both }),
      ).equals(true)
    })
    it('means the lowest number should a pod give one name to several', () => {
      const twice = withPorts(named('web', 'TCP', 81), named('web', 'TCP', 80))
      expect([80, 81].map(port => reaches([web], { port, ...twice }))).deep.equals([true, false])
    })
    it('means different numbers on different destinations of one egress rule', () => {
      const egress = policy({ podSelector: { matchLabels: { app: 'a' } }, egress: [{ ports: [{ port: 'web' }] }] })
      const pods = [a, { ...b, ports: [named('web', 'TCP', 80)] }, { ...c, ports: [named('web', 'TCP', 8080)] }]
      const answer = (to: string, port: number) => reaches([egress], { to, port, extra: { pods } })
      expect(answer('10.0.0.2', 80)).equals(true)
      expect(answer('10.0.0.2', 8080)).equals(false)
      expect(answer('10.0.1.3', 8080)).equals(true)
      expect(answer('203.0.113.1', 80)).equals(false)
      expect(answer('192.168.0.1', 80)).equals(false)
    })
  })

  describe('what policies never touch', () => {
    const closed = policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    it('lets a pod reach itself, by any of its addresses', () => {
      expect(reaches([closed], { from: '10.0.0.2', to: '10.0.0.2' })).equals(true)
      expect(reaches([closed], { from: '10.0.0.2', to: '10.0.0.2', protocol: 1 })).equals(true)
    })
    it('lets a node reach its own pods, another node not', () => {
      expect(reaches([closed], { from: '192.168.0.1' })).equals(true)
      expect(reaches([closed], { from: '192.168.0.2' })).equals(false)
    })
    it('does not let a pod reach its node for that', () => {
      expect(reaches([closed], { from: '10.0.0.2', to: '192.168.0.1' })).equals(false)
    })
    it('takes hostNetwork pods for their node', () => {
      const hosted = pod('h', '192.168.0.1', { hostNetwork: true })
      const extra = { pods: [a, b, hosted], nodes: [] }
      expect(reaches([closed], { from: '192.168.0.1', extra })).equals(true)
      expect(
        reaches([policy({ podSelector: {}, policyTypes: ['Ingress'] })], {
          from: '203.0.113.1',
          to: '192.168.0.1',
          extra,
        }),
      ).equals(true)
      expect(
        reaches([from(app('h'))], { from: '192.168.0.1', extra: { pods: [a, { ...b, node: 'n2' }, hosted] } }),
      ).equals(false)
    })
  })

  describe('this node and the others', () => {
    const remote = { extra: { pods: [a, { ...b, node: 'n2' }, c] } }
    it('enforces only the sides of its own pods', () => {
      const flow = { from: '10.0.0.1', to: '10.0.0.2', protocol: TCP, port: 80 }
      const decision = decide(cluster({ policies: [ingress()], ...remote.extra }), flow)
      expect([decision.allowed, decision.allowedHere]).deep.equals([false, true])
      expect([decision.egress.enforcedHere, decision.ingress.enforcedHere]).deep.equals([true, false])
    })
    it('has the pods that are wired to it, whatever node their facts say', () => {
      const closed = { policies: [ingress()], ...remote.extra, attached: ['default/b'] }
      const flow = { to: '10.0.0.2', protocol: TCP, port: 80 }
      expect(decide(cluster(closed), { from: '10.0.0.1', ...flow }).allowedHere).equals(false)
      expect(decide(cluster(closed), { from: '192.168.0.1', ...flow }).allowedHere).equals(true)
      expect(decide(cluster(closed), { from: '192.168.0.2', ...flow }).allowedHere).equals(false)
    })
    it('has no pods of its own before it knows its name', () => {
      const { agent: _, ...unconfigured } = cluster({ policies: [ingress()] })
      const decision = decide(unconfigured, { from: '10.0.0.1', to: '10.0.0.2', protocol: TCP, port: 80 })
      expect([decision.allowed, decision.allowedHere]).deep.equals([false, true])
    })
  })

  it('gives an address that several claim to the first by name, a node before any pod', () => {
    const late = pod('z', '10.0.0.1')
    expect(partyAt(cluster({ pods: [late, a] }), '10.0.0.1')).deep.equals({ kind: 'pod', pod: a })
    const node = { name: 'n3', labels: {}, addresses: ['10.0.0.1'], podCidrs: [] }
    expect(partyAt(cluster({ nodes: [node] }), '10.0.0.1')).deep.equals({ kind: 'node', node: 'n3' })
  })
})
