import type { ClusterState, NodeFact, PodFact } from '@weir/core'
import { podSources } from '@weir/core/routing/pod-sources.js'
import { expect } from 'chai'

const stored = <Fact>(fact: Fact) => ({ fact, seq: 1 })
const node = (name: string, podCidrs: readonly string[]): NodeFact => ({
  ...{ name, labels: {}, addresses: ['192.0.2.1'] },
  podCidrs,
})
const pod = (name: string, on: string, addresses: readonly string[], hostNetwork = false): PodFact => ({
  ...{ namespace: 'shop', name, labels: {}, serviceAccount: 'default', ports: [] },
  ...{ node: on, addresses, hostNetwork },
})
const state = (
  podCidrs: readonly string[],
  ...pods: readonly PodFact[]
): Pick<ClusterState, 'agent' | 'nodes' | 'pods'> => ({
  agent: stored({ node: 'here', cluster: 'default', labelFilter: [] }),
  nodes: new Map([node('here', podCidrs), node('there', ['10.2.0.0/24'])].map(fact => [fact.name, stored(fact)])),
  pods: new Map(pods.map(fact => [`shop/${fact.name}`, stored(fact)])),
})

describe('blocks that hold the pods of this node', () => {
  it('are its own, and nobody else’s', () => {
    const pods = [pod('in', 'here', ['10.1.0.5', 'fd01::5']), pod('far', 'there', ['10.9.0.1'])]
    expect(podSources(state(['10.1.0.0/24', 'fd01::/64'], ...pods))).to.deep.equal(['10.1.0.0/24', 'fd01::/64'])
  })

  it('are pods’ own addresses too, where they are in none of these', () => {
    const pods = [pod('stray', 'here', ['10.1.0.6', 'fd09::6']), pod('other', 'here', ['10.9.0.7'])]
    expect(podSources(state(['10.1.0.0/24'], ...pods))).to.deep.equal(['10.1.0.0/24', 'fd09::6/128', '10.9.0.7/32'])
  })

  it('leave out who has the node’s address', () => {
    expect(podSources(state([], pod('host', 'here', ['192.0.2.1'], true)))).to.deep.equal([])
  })

  it('are none before the node is known', () => {
    expect(podSources({ ...state([]), nodes: new Map() })).to.deep.equal([])
  })
})
