import { Engine } from '@weir/core'
import type { EventBody, NetworkPolicyFact, NetworkPolicyRule, PodFact } from '@weir/core/event/event.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { expect } from 'chai'
import { type Batches, configured, numbered, numberedBatches } from '../../oracle/generate/history.js'
import { clusterOf, decide } from '../../oracle/index.js'
import { checkHistory } from '../verdicts-against-oracle.js'

/* Cases that random histories once found, made small. */

const pod = (name: string, address: string, extra: Partial<PodFact> = {}): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'default',
    name,
    labels: {},
    serviceAccount: 'default',
    node: 'here',
    addresses: [address],
    hostNetwork: false,
    ports: [],
    ...extra,
  },
})

const policy = (name: string, extra: Partial<NetworkPolicyFact>): EventBody => ({
  kind: 'networkpolicy.upserted',
  policy: { namespace: 'default', name, podSelector: [], policyTypes: ['ingress'], ingress: [], egress: [], ...extra },
})

const gone = (name: string): EventBody => ({ kind: 'networkpolicy.deleted', namespace: 'default', name })

const toNamedPort: NetworkPolicyRule = { peers: [], ports: [{ protocol: 'TCP', port: 'http' }] }
const resolving = policy('q', { policyTypes: ['egress'], egress: [toNamedPort] })
const http = { ports: [{ name: 'http', protocol: 'TCP', port: 80 }] } as const
const server = pod('b', '10.0.1.2', http)

const digestOf = (...batches: Batches): string => {
  const engine = new Engine()
  for (const batch of numberedBatches(batches)) engine.apply(batch)
  return engine.digest().hex
}

const deep = { flows: 100_000, salt: 0 }

describe('law: regressions of verdicts', () => {
  it('resolves a named port again after the last policy that named it was gone for a while', () => {
    checkHistory([[configured], [resolving], [gone('q')], [pod('a', '10.0.1.1'), server], [resolving]], deep)
    const straight = digestOf([configured, pod('a', '10.0.1.1'), server, resolving])
    expect(digestOf([configured], [resolving], [gone('q')], [pod('a', '10.0.1.1'), server], [resolving])).equals(
      straight,
    )
  })

  it('forgets a selector that a policy no longer has', () => {
    const own = policy('q', {
      policyTypes: ['egress'],
      egress: [{ peers: [{ kind: 'pods', podSelector: [] }], ports: [] }],
    })
    const detour = digestOf([configured], [resolving], [own], [pod('a', '10.0.1.1'), resolving])
    expect(detour).equals(digestOf([configured, pod('a', '10.0.1.1'), resolving]))
  })

  it('takes a hostNetwork pod for the node even before the node is known', () => {
    const hosted = pod('n', '192.168.0.1', { hostNetwork: true })
    checkHistory([[configured], [hosted, pod('a', '10.0.1.1'), policy('p', {})]], deep)
    const node: EventBody = {
      kind: 'node.upserted',
      node: { name: 'here', labels: {}, addresses: ['192.168.0.1'], podCidrs: [] },
    }
    checkHistory(
      [[configured, node], [hosted, policy('p', {}), pod('a', '10.0.1.1')], [{ kind: 'node.deleted', name: 'here' }]],
      deep,
    )
  })

  it('does not believe a pod that labels itself as its namespace would be', () => {
    const team = [{ key: 'team', operator: 'In', values: ['x'] }] as const
    const fromTeam = policy('p', { ingress: [{ peers: [{ kind: 'pods', namespaceSelector: team }], ports: [] }] })
    const spoofs = ['io.cilium.k8s.namespace.labels.team', 'io.kubernetes.pod.namespace', 'team']
    const pods = spoofs.map((key, index) => pod(`s${index}`, `10.0.1.${index + 10}`, { labels: { [key]: 'x' } }))
    checkHistory([[configured], [pod('a', '10.0.1.1'), ...pods, fromTeam]], deep)
  })

  it('does not take pods that no node runs for neighbours', () => {
    const events = numbered([
      configured,
      pod('a', '10.0.1.1', { node: '', hostNetwork: true }),
      pod('b', '10.0.1.2', { node: '' }),
      policy('p', {}),
    ])
    const flow = { from: '10.0.1.1', to: '10.0.1.2', protocol: 6, port: 80 }
    const engine = new Engine()
    engine.apply(events)
    expect(decide(clusterOf(events), flow).allowed).equals(false)
    expect(engine.explain(flow).verdict).equals(verdicts.deny)
  })
})
