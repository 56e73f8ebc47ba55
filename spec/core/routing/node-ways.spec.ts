import type { ClusterState, NodeFact } from '@weir/core'
import { blockOfOne, nodeAddress, nodeWays } from '@weir/core/routing/node-ways.js'
import { expect } from 'chai'

const node = (name: string, addresses: readonly string[], podCidrs: readonly string[]): NodeFact => ({
  name,
  labels: {},
  addresses,
  podCidrs,
})

const state = (...facts: readonly NodeFact[]): Pick<ClusterState, 'agent' | 'nodes'> => ({
  agent: { fact: { node: 'here', cluster: 'default', labelFilter: [] }, seq: 1 },
  nodes: new Map(facts.map((fact, at) => [fact.name, { fact, seq: at + 2 }])),
})

describe('ways to the pods of other nodes', () => {
  const here = node('here', ['192.0.2.1'], ['10.1.0.0/24'])
  const dual = node('b', ['192.0.2.2', '2001:db8::2'], ['10.2.0.0/24', 'fd02::/64'])
  const six = node('c', ['2001:db8::3'], ['10.3.0.0/24', 'fd03::/64'])

  it('lead by an address of the block’s family, and to none of its own', () => {
    expect(nodeWays(state(six, dual, here), false)).to.deep.equal([
      { node: 'b', block: '10.2.0.0/24', family: 4, address: '192.0.2.2' },
      { node: 'b', block: 'fd02::/64', family: 6, address: '2001:db8::2' },
      { node: 'c', block: 'fd03::/64', family: 6, address: '2001:db8::3' },
    ])
  })

  it('by a tunnel lead by IPv4 where the node has it', () => {
    expect(nodeWays(state(six, dual, here), true).map(({ block, address }) => [block, address])).to.deep.equal([
      ['10.2.0.0/24', '192.0.2.2'],
      ['fd02::/64', '192.0.2.2'],
      ['10.3.0.0/24', '2001:db8::3'],
      ['fd03::/64', '2001:db8::3'],
    ])
  })

  it('of a block that two nodes claim lead to the first by name, in whatever order they came', () => {
    const rival = node('a', ['192.0.2.9'], ['10.2.0.0/24'])
    for (const facts of [
      [rival, dual],
      [dual, rival],
    ])
      expect(nodeWays(state(...facts), false)[0]).to.deep.include({ node: 'a', block: '10.2.0.0/24' })
  })

  it('know a node by the first address of a family', () => {
    expect(nodeAddress(['2001:db8::2', '192.0.2.2', '192.0.2.3'])).to.equal('192.0.2.2')
    expect(nodeAddress(['2001:db8::2'], 4)).to.equal(undefined)
    expect([blockOfOne('192.0.2.2'), blockOfOne('fd00::1')]).to.deep.equal(['192.0.2.2/32', 'fd00::1/128'])
  })
})
