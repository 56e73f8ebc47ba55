import type { ClusterState, NodeFact, PodFact } from '@weir/core'
import { strayPods, tunnelRows } from '@weir/core/routing/tunnel-rows.js'
import { expect } from 'chai'

const stored = <Fact>(fact: Fact) => ({ fact, seq: 1 })
const node = (name: string, addresses: readonly string[], podCidrs: readonly string[]): NodeFact => ({
  name,
  labels: {},
  addresses,
  podCidrs,
})
const pod = (name: string, on: string, address: string, hostNetwork = false): PodFact => ({
  namespace: 'shop',
  name,
  labels: {},
  serviceAccount: 'default',
  node: on,
  addresses: [address],
  hostNetwork,
  ports: [],
})

const state = (pods: readonly PodFact[]): Pick<ClusterState, 'agent' | 'nodes' | 'pods'> => ({
  agent: stored({ node: 'here', cluster: 'default', labelFilter: [] }),
  nodes: new Map(
    [
      node('here', ['192.0.2.1'], ['10.1.0.0/24']),
      node('b', ['192.0.2.2', '2001:db8::2'], ['10.2.0.0/24', 'fd02::/64']),
    ].map(fact => [fact.name, stored(fact)]),
  ),
  pods: new Map(pods.map(fact => [`shop/${fact.name}`, stored(fact)])),
})

describe('where tunnels lead', () => {
  it('is to the blocks and the addresses of other nodes', () => {
    expect([...tunnelRows(state([])).values()]).to.have.deep.members([
      { prefix: '10.2.0.0/24', address: '192.0.2.2', isNode: false },
      { prefix: 'fd02::/64', address: '192.0.2.2', isNode: false },
      { prefix: '192.0.2.2/32', address: '192.0.2.2', isNode: true },
      { prefix: '2001:db8::2/128', address: '192.0.2.2', isNode: true },
    ])
  })

  it('is to pods that are out of their node’s blocks, where they are pods of other nodes', () => {
    const rows = tunnelRows(
      state([
        pod('within', 'b', '10.2.0.9'),
        pod('stray', 'b', '10.9.0.9'),
        pod('own', 'here', '10.9.0.8'),
        pod('node', 'b', '192.0.2.2', true),
        pod('nowhere', 'c', '10.9.0.7'),
      ]),
    )
    expect([...rows.keys()].filter(prefix => prefix.startsWith('10.'))).to.deep.equal(['10.2.0.0/24', '10.9.0.9/32'])
    expect(rows.get('192.0.2.2/32')?.isNode).to.equal(true)
  })

  it('is to the first by name of several that claim an address, in whichever order they came', () => {
    const { agent, nodes } = state([])
    const more = [...nodes, ['a', stored(node('a', ['192.0.2.9', '192.0.2.2'], []))] as const]
    const pods = [pod('y', 'a', '10.9.0.9'), pod('x', 'b', '10.9.0.9')]
    const both = [1, -1].map(order => {
      const [someNodes, somePods] = order > 0 ? [more, pods] : [[...more].reverse(), [...pods].reverse()]
      const kept = new Map(somePods.map(fact => [`shop/${fact.name}`, stored(fact)]))
      const rows = tunnelRows({ agent, nodes: new Map(someNodes), pods: kept })
      return ['10.9.0.9/32', '192.0.2.2/32'].map(prefix => rows.get(prefix)?.address)
    })
    const expected = ['192.0.2.2', '192.0.2.9']
    expect(both).to.deep.equal([expected, expected])
  })

  it('knows the pods of any node that are in no block of it', () => {
    const pods = [
      pod('in', 'b', '10.2.0.9'),
      pod('out', 'b', '10.9.0.9'),
      pod('own', 'here', '10.9.0.1'),
      pod('nowhere', 'c', '10.9.0.2'),
      pod('host', 'b', '192.0.2.2', true),
    ]
    expect([...strayPods(state(pods))]).to.have.members(['shop/out', 'shop/own', 'shop/nowhere'])
  })
})
