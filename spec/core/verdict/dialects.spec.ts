import { expect } from 'chai'
import type { EventBody } from '@weir/core'
import type { CiliumPeers, CiliumPolicyFact, CiliumRule } from '@weir/core/event/cilium.js'
import type { PolicyFact } from '@weir/core/event/policy-fact.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import {
  cidrScope,
  compilePolicy,
  policiesOf,
  policyKey,
  policyOf,
  servicesIn,
  speaksOfNodes,
  writtenBlocks,
} from '@weir/core/verdict/dialects.js'
import { agent, ipBlock, is, pods, policy, Scene } from '../log.js'

const rule = (peers: CiliumPeers, section: 'ingress' | 'ingressDeny' | 'egress' | 'egressDeny'): CiliumRule => ({
  path: 'spec',
  subject: { kind: 'endpoints', selector: [] },
  enableDefaultDeny: {},
  [section]: [{ path: 'p', peers }, { path: 'q' }],
})
const cilium = (...rules: readonly CiliumRule[]): CiliumPolicyFact => ({
  kind: 'CiliumNetworkPolicy',
  namespace: 'a',
  name: 'p',
  rules,
})
const cluster: ClusterPolicyFact = {
  kind: 'AdminNetworkPolicy',
  name: 'p',
  tier: 'admin',
  priority: 0,
  subject: { kind: 'namespaces', selector: [] },
  ingress: [{ path: 'i', action: 'deny', peers: [{ kind: 'networks', cidrs: ['10.0.0.0/8', '10.0.0.0/9'] }] }],
  egress: [
    {
      path: 'e',
      action: 'deny',
      peers: [
        { kind: 'nodes', selector: [] },
        { kind: 'networks', cidrs: ['11.0.0.0/8'] },
      ],
    },
  ],
}
const kubernetes = {
  namespace: 'a',
  name: 'p',
  podSelector: [],
  policyTypes: ['ingress'],
  ingress: [{ peers: [ipBlock('10.0.0.0/8', '10.1.0.0/16'), pods()], ports: [] }],
  egress: [{ peers: [ipBlock('11.0.0.0/8')], ports: [] }],
} as const
const facts: Readonly<Record<PolicyFact['dialect'], PolicyFact>> = {
  kubernetes: { dialect: 'kubernetes', fact: kubernetes },
  cilium: { dialect: 'cilium', fact: cilium() },
  cluster: { dialect: 'cluster', fact: cluster },
}
const clusterwide: CiliumPolicyFact = { ...cilium(), kind: 'CiliumClusterwideNetworkPolicy', namespace: '' }

describe('dialects', () => {
  it('have keys that tell kinds and namespaces apart', () => {
    expect(Object.values(facts).map(policyKey)).to.deep.equal([
      'NetworkPolicy/a/p',
      'CiliumNetworkPolicy/a/p',
      'AdminNetworkPolicy//p',
    ])
    expect(policyKey({ dialect: 'cilium', fact: clusterwide })).to.equal('CiliumClusterwideNetworkPolicy//p')
  })
  it('are found by key and listed, with the events that brought them', () => {
    const scene = new Scene()
    const bodies: readonly EventBody[] = [
      { kind: 'clusterpolicy.upserted', policy: cluster },
      { kind: 'ciliumpolicy.upserted', policy: clusterwide },
      { kind: 'ciliumpolicy.upserted', policy: cilium() },
      policy('p', {}),
    ]
    scene.apply(agent(), ...bodies)
    const { state } = scene.engine
    const listed = [...policiesOf(state)]
    expect(listed.map(({ dialect }) => dialect)).to.deep.equal(['kubernetes', 'cilium', 'cilium', 'cluster'])
    expect(listed.map(policyKey).map(key => policyOf(state, key)?.seq)).to.deep.equal([5, 3, 4, 2])
    for (const each of listed) expect(policyOf(state, policyKey(each))).to.deep.include(each)
    for (const key of [
      'NetworkPolicy/a/q',
      'NetworkPolicy/b/p',
      'NeutralPolicy/a/p',
      'AdminNetworkPolicy//q',
      'ClusterNetworkPolicy//p',
      '',
    ])
      expect(policyOf(state, key), key).to.equal(undefined)
    for (const each of listed) {
      const kinds = new Set(
        compilePolicy({ ...each, seq: 9 }, state).map(({ origin }) => [origin.policy.split(' ')[0], origin.seq].join()),
      )
      expect([...kinds]).to.deep.equal(each.dialect === 'cilium' ? [] : [`${policyKey(each).split('/')[0]},9`])
    }
  })
  it('write blocks and holes in any section', () => {
    const blocks = (fact: CiliumPolicyFact) => [...writtenBlocks({ dialect: 'cilium', fact })]
    const cidrs = (...list: (CiliumPeers & { kind: 'cidrs' })['cidrs']) => ({ kind: 'cidrs', cidrs: list }) as const
    expect([...writtenBlocks(facts.kubernetes)]).to.deep.equal(['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8'])
    expect([...writtenBlocks(facts.cluster)]).to.deep.equal(['10.0.0.0/8', '10.0.0.0/9', '11.0.0.0/8'])
    const written = cilium(
      rule(cidrs({ kind: 'cidr', cidr: '1.0.0.0/8', except: ['1.1.0.0/16'] }), 'egressDeny'),
      rule(cidrs({ kind: 'group', name: 'g', except: ['2.0.0.0/8'] }), 'ingress'),
      rule(cidrs({ kind: 'groups', selector: [], except: ['3.0.0.0/8'] }), 'egress'),
      rule(cidrs({ kind: 'cidr', cidr: '4.0.0.0/8', except: [] }), 'ingressDeny'),
      rule({ kind: 'entities', entities: ['world'] }, 'ingress'),
    )
    expect(blocks(written)).to.deep.equal(['1.0.0.0/8', '1.1.0.0/16', '2.0.0.0/8', '3.0.0.0/8', '4.0.0.0/8'])
  })
  it('speak of services where they name some, and of nodes where they select some', () => {
    const reference = { kind: 'name', namespace: 'a', name: 's' } as const
    const fact = cilium(
      rule({ kind: 'services', services: [reference] }, 'egress'),
      rule({ kind: 'entities', entities: ['world'] }, 'egress'),
    )
    expect(servicesIn({ dialect: 'cilium', fact })).to.deep.equal([reference])
    expect(Object.values(facts).flatMap(servicesIn)).to.deep.equal([])
    expect(speaksOfNodes({ dialect: 'cilium', fact })).to.equal(false)
    expect(Object.values(facts).some(speaksOfNodes)).to.equal(false)
    const host = { ...fact.rules[0]!, subject: { kind: 'nodes', selector: [is('zone', 'x')] } } as const
    expect(speaksOfNodes({ dialect: 'cilium', fact: cilium(...fact.rules, host) })).to.equal(true)
  })
  it('match by CIDR whom the configuration adds to the addresses outside', () => {
    expect([cidrScope(), cidrScope(['nodes']), cidrScope(['pods']), cidrScope(['pods', 'nodes'])]).to.deep.equal([
      'outside',
      'outside-and-nodes',
      'outside-and-pods',
      'any',
    ])
  })
})
