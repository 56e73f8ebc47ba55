import { expect } from 'chai'
import { protocolNumbers, type PeerSelector, type Rule } from '@weir/core'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import type { NetworkPolicyFact } from '@weir/core/event/event.js'
import { builtinRules, defaultFailSafePorts, hostBuiltinRules } from '@weir/core/policy/builtin.js'
import { compileClusterPolicy } from '@weir/core/policy/cluster-policy.js'
import { compileNetworkPolicy } from '@weir/core/policy/networkpolicy.js'
import { canonicalBlock, nodesWith } from '@weir/core/policy/requirements.js'
import { ruleText } from '@weir/core/policy/text.js'
import { ipBlock, is, pods, tcp } from '../log.js'

const exists = (key: string) => ({ key, operator: 'Exists', values: [] }) as const
const anyNamespace = exists('io.kubernetes.pod.namespace')
const inA = is('io.kubernetes.pod.namespace', 'a')
const labelled = (...selector: readonly ReturnType<typeof is>[]): PeerSelector => ({ kind: 'labels', selector })

describe('rules of a NetworkPolicy', () => {
  const fact: NetworkPolicyFact = {
    namespace: 'a',
    name: 'p',
    podSelector: [is('app', 'web')],
    policyTypes: ['egress', 'ingress'],
    ingress: [{ peers: [], ports: [] }],
    egress: [
      { peers: [pods(is('app', 'db')), ipBlock('10.1.2.3/8', '10.3.0.1/16', '10.2.0.0/16', '10.3.0.0/16')], ports: [] },
      { peers: [{ kind: 'pods', namespaceSelector: [is('team', 'x')] }], ports: [tcp('http'), tcp(80), tcp(1, 2)] },
      { peers: [], ports: [{ protocol: 'UDP' }, { protocol: 'SCTP', port: 0 }] },
    ],
  }
  const shared = { tier: 'namespaced', subject: [is('app', 'web'), inA] } as const
  const allowance = (direction: 'ingress' | 'egress', index: number): Omit<Rule, 'peers' | 'ports'> => ({
    ...shared,
    direction,
    order: 1,
    action: 'allow',
    origin: { policy: 'NetworkPolicy a/p', path: `spec.${direction}[${index}]`, seq: 7 },
  })
  const isolation = (direction: 'ingress' | 'egress'): Rule => ({
    ...shared,
    direction,
    order: 3,
    action: 'deny',
    peers: 'any',
    ports: 'any',
    origin: { policy: 'NetworkPolicy a/p', path: 'spec.policyTypes', seq: 7 },
  })

  it('are an allowance per entry and an isolation per direction', () => {
    expect(compileNetworkPolicy(fact, 7)).to.deep.equal([
      {
        ...allowance('egress', 0),
        peers: [
          labelled(is('app', 'db'), inA),
          { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.2.0.0/16', '10.3.0.0/16'], scope: 'any' },
        ],
        ports: 'any',
      },
      {
        ...allowance('egress', 1),
        peers: [labelled(is('io.cilium.k8s.namespace.labels.team', 'x'), anyNamespace as never)],
        ports: {
          ranges: [
            { protocol: 6, first: 80, last: 80 },
            { protocol: 6, first: 1, last: 2 },
          ],
          named: [{ name: 'http', protocol: 6 }],
        },
      },
      {
        ...allowance('egress', 2),
        peers: 'any',
        ports: {
          ranges: [
            { protocol: 17, first: 0, last: 65535 },
            { protocol: 132, first: 0, last: 0 },
          ],
          named: [],
        },
      },
      isolation('egress'),
      { ...allowance('ingress', 0), peers: 'any', ports: 'any' },
      isolation('ingress'),
    ])
  })
  it('are none of a direction that policyTypes leaves out', () => {
    expect(compileNetworkPolicy({ ...fact, policyTypes: ['ingress'] }, 7)).to.deep.equal([
      { ...allowance('ingress', 0), peers: 'any', ports: 'any' },
      isolation('ingress'),
    ])
  })
})

describe('rules of a ClusterNetworkPolicy', () => {
  const fact: ClusterPolicyFact = {
    kind: 'ClusterNetworkPolicy',
    name: 'p',
    tier: 'baseline',
    priority: 7,
    subject: { kind: 'pods', namespaceSelector: [is('team', 'x')], podSelector: [is('app', 'web')] },
    ingress: [
      { path: 'spec.ingress[0]', action: 'pass', peers: [{ kind: 'namespaces', selector: [is('team', 'y')] }] },
      {
        path: 'spec.ingress[1]',
        action: 'deny',
        peers: [
          { kind: 'nodes', selector: [is('zone', 'z')] },
          { kind: 'networks', cidrs: ['10.1.0.0/8', 'fd00::1/8'] },
        ],
        ports: {
          ranges: [{ protocol: 6, first: 80, last: 90 }],
          named: [
            { name: 'dns', protocol: 0 },
            { name: 'http', protocol: 6 },
          ],
        },
      },
    ],
    egress: [
      {
        path: 'spec.egress[0]',
        action: 'accept',
        peers: [{ kind: 'domainNames', names: ['*.x.org', 'y.org'] }],
      },
    ],
  }

  it('are one per entry, ordered by priority, then by place', () => {
    const subject = [is('app', 'web'), is('io.cilium.k8s.namespace.labels.team', 'x'), anyNamespace]
    const shared = { tier: 'baseline', subject } as const
    const origin = (path: string) => ({ policy: 'ClusterNetworkPolicy p', path, seq: 9 })
    const block = (cidr: string) => ({ kind: 'cidr', cidr, except: [], scope: 'any' }) as const
    const named = [
      { name: 'dns', protocol: protocolNumbers.TCP },
      { name: 'dns', protocol: protocolNumbers.UDP },
      { name: 'dns', protocol: protocolNumbers.SCTP },
      { name: 'http', protocol: protocolNumbers.TCP },
    ]
    const set = (source: object) => ({ kind: 'set', source, cidrs: [], except: [], scope: 'outside' })
    expect(compileClusterPolicy(fact, 9)).to.deep.equal([
      {
        ...shared,
        direction: 'ingress',
        order: 700_000,
        action: 'pass',
        peers: [labelled(is('io.cilium.k8s.namespace.labels.team', 'y'), anyNamespace as never)],
        ports: 'any',
        origin: origin('spec.ingress[0]'),
      },
      {
        ...shared,
        direction: 'ingress',
        order: 700_001,
        action: 'deny',
        peers: [
          labelled(is('node:zone', 'z'), exists('reserved:node') as never),
          block('10.0.0.0/8'),
          block('fd00::/8'),
        ],
        ports: { ranges: [{ protocol: 6, first: 80, last: 90 }], named },
        origin: origin('spec.ingress[1]'),
      },
      {
        ...shared,
        direction: 'egress',
        order: 700_000,
        action: 'allow',
        peers: [set({ kind: 'pattern', pattern: '**.x.org' }), set({ kind: 'name', name: 'y.org' })],
        ports: 'any',
        origin: origin('spec.egress[0]'),
      },
    ])
  })
})

describe('built-in rules', () => {
  it('let a node reach its own pods, whatever isolates them', () => {
    expect(builtinRules.map(rule => ruleText(rule))).to.deep.equal([
      [
        'namespaced 2 allow ingress',
        'subject io.kubernetes.pod.namespace Exists',
        'peers labels reserved:host Exists',
        'ports any',
        'built-in: node reaches its pods',
      ].join('\n'),
    ])
  })
  it('let a node reach its own pods and be reached on fail-safe ports, whatever isolates the node', () => {
    expect(hostBuiltinRules([6443, 22, 443, 22]).map(rule => ruleText(rule))).to.deep.equal([
      [
        'namespaced 2 allow egress',
        'subject reserved:host Exists',
        'peers labels reserved:own-pod Exists',
        'ports any',
        'built-in: node reaches its pods',
      ].join('\n'),
      [
        'namespaced 2 allow ingress',
        'subject reserved:host Exists',
        'peers any',
        'ports 6:22-22 6:443-443 6:6443-6443',
        'built-in: fail-safe ports',
      ].join('\n'),
    ])
    expect(defaultFailSafePorts).to.deep.equal([22, 6443])
  })
  it('say why in place of a path, and come from no event', () => {
    for (const { origin } of [...builtinRules, ...hostBuiltinRules([22])]) {
      expect(origin.path).to.match(/^.{30,}$/)
      expect(origin.seq).to.equal(0)
    }
  })
})

describe('requirements', () => {
  it('on nodes ask for their own labels, and for no pod', () => {
    expect(nodesWith([is('zone', 'x'), exists('arch')])).to.deep.equal([
      exists('node:arch'),
      is('node:zone', 'x'),
      exists('reserved:node'),
    ])
  })
  it('on addresses share one text when they mean the same block, and keep what is none', () => {
    expect(['10.1.2.3/8', 'FD00:0::/64', 'none'].map(canonicalBlock)).to.deep.equal(['10.0.0.0/8', 'fd00::/64', 'none'])
  })
})
