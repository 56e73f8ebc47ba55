import { parseCiliumClusterwideNetworkPolicy } from '@weir/core/input/cilium/policy.js'
import { parseClusterNetworkPolicy } from '@weir/core/input/cluster-policy/policy.js'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'

import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const ignore = (text: string) => ({ name: 'p', annotations: { 'weir.io/lint-ignore': text, other: 'allow-all' } })
const networkPolicy = (metadata: object, spec: object = {}) =>
  understood(
    parseNetworkPolicy({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: 'a', ...metadata },
      spec: { podSelector: {}, ...spec },
    }),
  )

describe('input: what annotations and spellings say of a policy', () => {
  it('is the annotation weir.io/lint-ignore, its names in order, each once', () => {
    expect(networkPolicy(ignore(' no-dns,allow-all , no-dns,')).lintIgnore).deep.equals(['allow-all', 'no-dns'])
    const cilium = understood(
      parseCiliumClusterwideNetworkPolicy({
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumClusterwideNetworkPolicy',
        metadata: ignore('nobody'),
        spec: { endpointSelector: {}, ingress: [] },
      }),
    )
    expect(cilium.lintIgnore).deep.equals(['nobody'])
    const cluster = understood(
      parseClusterNetworkPolicy({
        apiVersion: 'policy.networking.k8s.io/v1alpha2',
        kind: 'ClusterNetworkPolicy',
        metadata: ignore('every-pod'),
        spec: { tier: 'Admin', priority: 1, subject: { namespaces: {} } },
      }),
    )
    expect(cluster.lintIgnore).deep.equals(['every-pod'])
  })

  it('is the annotation weir.io/stage, in each dialect; a word that is neither true nor false is refused', () => {
    const staged = (word: string) => ({ name: 'p', annotations: { 'weir.io/stage': word } })
    expect(networkPolicy(staged('true')).staged).equals(true)
    expect(networkPolicy(staged('false'))).not.to.have.property('staged')
    const others = (metadata: object) => [
      parseCiliumClusterwideNetworkPolicy({
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumClusterwideNetworkPolicy',
        metadata,
        spec: { endpointSelector: {}, ingress: [] },
      }),
      parseClusterNetworkPolicy({
        apiVersion: 'policy.networking.k8s.io/v1alpha2',
        kind: 'ClusterNetworkPolicy',
        metadata,
        spec: { tier: 'Admin', priority: 1, subject: { namespaces: {} } },
      }),
      parseNetworkPolicy({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata,
        spec: { podSelector: {} },
      }),
    ]
    for (const parsed of others(staged('true'))) expect(understood<{ staged?: true }>(parsed).staged).equals(true)
    for (const parsed of others(staged('True')))
      expect(Object.values(problemsOf(parsed))).deep.equals([
        {
          path: 'metadata.annotations["weir.io/stage"]',
          message: 'this is no stage',
          value: '"True"',
          expected: '"true", or "false"',
        },
      ])
  })

  it('is nothing where the annotation is absent or empty', () => {
    for (const metadata of [{ name: 'p' }, ignore(''), ignore(' , ')])
      expect(networkPolicy(metadata)).not.to.have.property('lintIgnore')
  })

  it('is a spelling of a NetworkPolicy that its rules don’t show', () => {
    const spelled = (spec: object) => networkPolicy({ name: 'p' }, spec).spelling
    const to = [{ podSelector: {} }]
    expect(spelled({ ingress: [{ from: [], ports: [] }] })).deep.equals([
      { kind: 'empty-list', path: 'spec.ingress[0].from' },
      { kind: 'empty-list', path: 'spec.ingress[0].ports' },
    ])
    expect(spelled({ policyTypes: ['Ingress'], egress: [{ to }] })).deep.equals([
      { kind: 'section-left-out', path: 'spec.egress' },
    ])
    expect(spelled({ policyTypes: ['Egress'], ingress: [{}], egress: [{ to: [] }] })).deep.equals([
      { kind: 'section-left-out', path: 'spec.ingress' },
      { kind: 'empty-list', path: 'spec.egress[0].to' },
    ])
    expect(spelled({ egress: [{ to }] })).deep.equals([{ kind: 'types-implied', path: 'spec.egress' }])
    expect(spelled({ egress: [] })).deep.equals([{ kind: 'empty-list', path: 'spec.egress' }])
  })

  it('is nothing where a NetworkPolicy says what it means', () => {
    const to = [{ podSelector: {} }]
    for (const spec of [
      {},
      { ingress: [] },
      { ingress: [{}] },
      { ingress: [{ from: null }] },
      { ingress: [{}], egress: [{ to }] },
      { policyTypes: ['Egress'], egress: [] },
      { policyTypes: ['Ingress'], egress: [] },
      { policyTypes: ['Egress'], egress: [{ to }] },
    ])
      expect(networkPolicy({ name: 'p' }, spec), JSON.stringify(spec)).not.to.have.property('spelling')
  })
})
