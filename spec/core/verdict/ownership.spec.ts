import { expect } from 'chai'
import fc from 'fast-check'
import { verdicts, type EventBody } from '@weir/core'
import { agent, is, node, noPod, observed, pod, policy, Scene } from '../log.js'

const shared = '10.0.0.9'

/** Everybody who says that the address is his, the one with the best claim first. */
const claims: readonly { readonly says: EventBody; readonly goes: EventBody; readonly owner: string }[] = [
  { says: observed(shared), goes: observed(), owner: 'node here' },
  { says: node('z', [shared]), goes: node('z', []), owner: 'node z' },
  {
    says: pod('z/daemon', {}, shared, { node: 'here', hostNetwork: true }),
    goes: noPod('z/daemon'),
    owner: 'node here',
  },
  { says: pod('y/local', { app: 'local' }, shared), goes: noPod('y/local'), owner: 'pod y/local' },
  { says: pod('y/second', { app: 'second' }, shared), goes: noPod('y/second'), owner: 'pod y/second' },
  {
    says: pod('a/first', { app: 'first' }, shared, { node: 'there' }),
    goes: noPod('a/first'),
    owner: 'pod a/first',
  },
  {
    says: pod('b/last', { app: 'last' }, ['10.0.0.8', shared], { node: 'there' }),
    goes: noPod('b/last'),
    owner: 'pod b/last',
  },
]

/** Kind and name of whom the address belongs to. */
function ownerIn({ engine }: Scene): string | undefined {
  if (engine.tables.addresses.get(shared) === undefined) return undefined
  const { kind, name } = engine.explain({ from: shared, to: '8.8.8.8', protocol: 6, port: 80 }).from
  return `${kind} ${name}`
}

describe('an address that several claim', () => {
  it('is this node’s that has it, then a node’s, then a hostNetwork pod’s, then a local pod’s, then of who has the lower name', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 })
    fc.assert(
      fc.property(order, order, (come, go) => {
        const scene = new Scene()
        scene.apply(agent(), node('here', ['192.168.0.1']))
        const claiming = new Set<number>()
        const steps = [...come.map(index => [index, true] as const), ...go.map(index => [index, false] as const)]
        for (const [index, claimed] of steps) {
          const { says, goes } = claims[index]!
          scene.apply(claimed ? says : goes)
          if (claimed) claiming.add(index)
          else claiming.delete(index)
          const best = Math.min(...claiming)
          expect(ownerIn(scene)).to.equal(claims[best]?.owner)
        }
      }),
      { numRuns: 100 },
    )
  })
  it('passes on when its owner takes another, and comes back with it', () => {
    const scene = new Scene()
    scene.apply(agent(), claims[3]!.says, claims[6]!.says)
    expect(ownerIn(scene)).to.equal('pod y/local')
    scene.apply(pod('y/local', { app: 'local' }, '10.0.0.7'))
    expect(ownerIn(scene)).to.equal('pod b/last')
    expect(scene.engine.tables.addresses.get('10.0.0.7')).to.include({ endpoint: 1 })
    scene.apply(pod('y/local', { app: 'local' }, ['10.0.0.7', shared]))
    expect(ownerIn(scene)).to.equal('pod y/local')
    scene.apply(pod('b/last', { app: 'last' }, '10.0.0.8', { node: 'there' }))
    expect(ownerIn(scene)).to.equal('pod y/local')
  })
  it('has the endpoint and the subject of its owner', () => {
    const scene = new Scene()
    scene.apply(
      agent(),
      claims[3]!.says,
      claims[6]!.says,
      policy('p', { namespace: 'y', podSelector: [is('app', 'local')] }),
    )
    expect(scene.engine.tables.addresses.get(shared)).to.include({ endpoint: 1, subject: scene.subjectOf(shared) })
    expect(scene.verdict('8.8.8.8', shared)).to.equal(verdicts.deny)
    scene.apply(claims[1]!.says)
    expect(scene.engine.tables.addresses.get(shared)).to.include({ endpoint: 0, subject: 0 })
    expect(scene.verdict('8.8.8.8', shared)).to.equal(verdicts.allow)
    scene.apply(claims[1]!.goes)
    expect(scene.verdict('8.8.8.8', shared)).to.equal(verdicts.deny)
  })
  it('is none when it can’t be read', () => {
    const scene = new Scene()
    scene.apply(agent(), pod('a/x', {}, ['nowhere', '10.0.0.1']))
    expect([...scene.engine.tables.addresses].map(([address]) => address)).to.deep.equal(['10.0.0.1'])
    scene.apply(noPod('a/x'))
    expect(scene.engine.tables.addresses.size).to.equal(0)
  })
  it('is given up once, however often its owner says it', () => {
    const scene = new Scene()
    scene.apply(agent(), claims[5]!.says, pod('y/twice', {}, [shared, shared]))
    expect(ownerIn(scene)).to.equal('pod y/twice')
    scene.apply(noPod('y/twice'))
    expect(ownerIn(scene)).to.equal('pod a/first')
  })
  it('follows its node into judgement and out of it, beside one that can’t be read', () => {
    const scene = new Scene()
    const host = {
      kind: 'ciliumpolicy.upserted',
      policy: {
        kind: 'CiliumClusterwideNetworkPolicy',
        namespace: '',
        name: 'host',
        rules: [
          {
            path: 'spec',
            subject: { kind: 'nodes', selector: [] },
            enableDefaultDeny: { ingress: true },
          },
        ],
      },
    } as const satisfies EventBody
    scene.apply(agent(), node('here', ['nowhere', '192.168.0.1']), host)
    expect(scene.verdict('8.8.8.8', '192.168.0.1')).to.equal(verdicts.deny)
    const { kind, namespace, name } = host.policy
    scene.apply({ kind: 'ciliumpolicy.deleted', policyKind: kind, namespace, name })
    expect(scene.verdict('8.8.8.8', '192.168.0.1')).to.equal(verdicts.allow)
  })
})
