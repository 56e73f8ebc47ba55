import { Engine } from '@weir/core'
import type { EventBody } from '@weir/core/event/event.js'
import { expect } from 'chai'
import { type Batches, configured, numbered, numberedBatches } from '../../oracle/generate/history.js'
import { ccnp, node } from '../../oracle/stage.js'
import { checkHistory } from '../verdicts-against-oracle.js'

/* Cases of all dialects that random histories once found, made small. */

const address = '192.168.0.1'
const here: EventBody = { kind: 'node.upserted', node: node('here', {}, address) }
const hosted = {
  kind: 'pod.upserted',
  pod: {
    namespace: 'default',
    name: 'a',
    labels: {},
    serviceAccount: 'default',
    node: 'here',
    addresses: [address],
    hostNetwork: true,
    ports: [],
  },
} as const satisfies EventBody
const everywhere = { kind: 'namespaces', selector: [] } as const
type Peer = typeof everywhere
const closedNodes: EventBody = { kind: 'ciliumpolicy.upserted', policy: ccnp({ nodeSelector: {}, ingress: [{}] }) }
const deep = { flows: 100_000, salt: 0 }

const digestOf = (batches: Batches): unknown => {
  const engine = new Engine()
  for (const batch of numberedBatches(batches)) engine.apply(batch)
  return engine.digest()
}

/** Accepts all pods, then denies the peers. */
const denying = (...peers: readonly Peer[]): EventBody => ({
  kind: 'clusterpolicy.upserted',
  policy: {
    kind: 'AdminNetworkPolicy',
    name: 'p',
    tier: 'admin',
    priority: 5,
    subject: everywhere,
    ingress: [
      { action: 'accept', peers: [everywhere], path: 'spec.ingress[0]' },
      { action: 'deny', peers, path: 'spec.ingress[1]' },
    ],
    egress: [],
  },
})

describe('law: regressions of all dialects', () => {
  it('takes a peer that a rule names twice for one', () => {
    const pod: EventBody = { kind: 'pod.upserted', pod: { ...hosted.pod, hostNetwork: false } }
    const [once, twice] = [denying(everywhere), denying(everywhere, everywhere)]
    checkHistory([[configured, pod, once], [twice]], deep)
    expect(digestOf([[configured, pod, once], [twice]])).deep.equals(digestOf([[configured, pod, twice]]))
  })

  it('forgets the fail-safe ports that a node no longer has', () => {
    const none: EventBody = {
      kind: 'agent.configured',
      agent: { node: 'here', cluster: 'test', labelFilter: [], failSafePorts: [] },
    }
    checkHistory([[configured], [here, closedNodes], [none]], deep)
    expect(digestOf([[configured], [here, closedNodes], [none]])).deep.equals(digestOf([[none], [here, closedNodes]]))
  })

  it('lets a hostNetwork pod and its node go at once', () => {
    const engine = new Engine()
    engine.apply(numbered([configured, here, hosted]))
    const gone: readonly EventBody[] = [
      { kind: 'pod.deleted', namespace: 'default', name: 'a' },
      { kind: 'node.deleted', name: 'here' },
    ]
    engine.apply(numbered(gone, engine.seq + 1))
    expect(engine.tables.addresses.get(address)).equals(undefined)
  })
})
