import { Engine, type EventBody, type WeirEvent } from '@weir/core'
import { createMemoryBackend, Reconciler } from '@weir/datapath'
import { expect } from 'chai'

const podUpserted = (name: string, app: string, address: string, node: string): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'a',
    name,
    labels: { app },
    serviceAccount: 'default',
    node,
    addresses: [address],
    hostNetwork: false,
    ports: [],
  },
})

/** Lets pods of one application reach the local pod. */
const lettingIn = (name: string, app: string): EventBody => ({
  kind: 'networkpolicy.upserted',
  policy: {
    namespace: 'a',
    name,
    podSelector: [{ key: 'app', operator: 'In', values: ['web'] }],
    policyTypes: ['ingress'],
    ingress: [
      {
        peers: [{ kind: 'pods', podSelector: [{ key: 'app', operator: 'In', values: [app] }] }],
        ports: [{ protocol: 'TCP', port: 80 }],
      },
    ],
    egress: [],
  },
})

const withdrawn = (name: string): EventBody => ({ kind: 'networkpolicy.deleted', namespace: 'a', name })

/** A local pod, and remote ones of two applications. */
async function city(few: number, many: number) {
  const engine = new Engine()
  const reconciler = new Reconciler(createMemoryBackend())
  let seq = 0
  const numbered = (bodies: readonly EventBody[]): WeirEvent[] =>
    bodies.map(body => {
      seq += 1
      return { ...body, seq, time: 0, source: 'spec' }
    })
  engine.apply(numbered([{ kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [] } }]))
  engine.apply(numbered([podUpserted('web', 'web', '10.0.0.1', 'here')]))
  for (let n = 0; n < few; n += 1) engine.apply(numbered([podUpserted(`few-${n}`, 'few', `10.1.0.${n}`, 'there')]))
  for (let n = 0; n < many; n += 1) engine.apply(numbered([podUpserted(`many-${n}`, 'many', `10.2.0.${n}`, 'there')]))
  // Somebody asks for applications already: pods are told apart by them.
  engine.apply(numbered([lettingIn('first', 'nobody')]))
  await reconciler.start(engine.tables)
  /** What a change writes, by map. */
  const written = async (...bodies: readonly EventBody[]) => {
    const delta = engine.apply(numbered(bodies))
    return (await reconciler.apply(delta, engine.tables)).writes
  }
  return { engine, written }
}

describe('classes that part and merge', () => {
  it('have the addresses of the smaller one written once, both ways, though cells in use change with them', async () => {
    const { engine, written } = await city(20, 60)
    const classes = () => new Set([...engine.tables.addresses].map(([, { peerClass }]) => peerClass)).size
    const before = classes()
    const parted = await written(lettingIn('many', 'many'))
    expect(classes()).to.be.greaterThan(before)
    // The local pod is of none of the two, and goes with the few.
    expect(parted.weir_addr4).to.deep.equal({ updated: 21, deleted: 0 })
    const merged = await written(withdrawn('many'), lettingIn('first', 'somebody'))
    expect(merged.weir_addr4).to.deep.equal({ updated: 21, deleted: 0 })
  })
})
