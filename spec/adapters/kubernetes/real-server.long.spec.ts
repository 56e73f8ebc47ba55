import { connect } from '@weir/adapters/kubernetes/credentials.js'
import { HttpApi } from '@weir/adapters/kubernetes/http-api.js'
import { objectPath } from '@weir/adapters/kubernetes/resource.js'
import { expect } from 'chai'
import { Followed, type FollowingOptions, until } from './following.js'
import { ciliumPolicy, networkPolicy, resource } from './objects.js'
import { RealCluster } from './real-cluster.js'
import { RealServer, realServerObstacle } from './real-server.js'

interface Condition {
  readonly type: string
  readonly status: string
}

interface ClusterEvent {
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly name: string }
}

const obstacle = realServerObstacle()

describe(`a real API server as a source${obstacle === undefined ? '' : ` (${obstacle})`}`, function () {
  this.timeout(240_000)
  const server = new RealServer()
  const cluster = new RealCluster(server)
  const ciliumPolicies = resource('CiliumNetworkPolicy')
  let followed: Followed | undefined

  const follow = async (options: FollowingOptions = {}): Promise<Followed> => {
    const { kubeconfig } = server
    followed = new Followed(undefined, {
      times: 1,
      connect: async () => new HttpApi(await connect({ kubeconfig }, Date.now)),
      ...options,
    })
    await followed.settled()
    return followed
  }
  const known = ({ engine }: Followed) =>
    new Map([...engine.state.pods.values()].map(({ fact }) => [fact.name, fact.addresses[0] ?? '']))
  const agrees = async (of: Followed): Promise<void> => {
    for (;;) {
      const [there, here] = [await cluster.addresses(), known(of)]
      if (there.size === here.size && [...there].every(([name, address]) => here.get(name) === address)) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  const storm = async (name: string, from: number, to: number): Promise<void> => {
    const one = async (at: number): Promise<void> => {
      const pod = `${name}${at}`
      const address = (third: number) => `10.${third}.${at >> 8}.${at & 255}`
      await cluster.pod(pod, address(1))
      await cluster.address(pod, address(2))
      await cluster.label(pod, { tier: 'a' })
      if (at % 3 === 0) await cluster.delete(resource('Pod'), 'shop', pod)
    }
    for (let at = from; at < to; at += 8)
      await Promise.all(Array.from({ length: Math.min(8, to - at) }, (_, more) => one(at + more)))
  }

  before(async function () {
    if (obstacle !== undefined) this.skip()
    await server.start()
    await cluster.prepare()
  })
  afterEach(() => followed?.stop())
  after(() => server.stop())

  it('is followed through a storm of pods, with the role that the agent is given', async () => {
    await cluster.create(resource('NetworkPolicy'), networkPolicy('cart', 'cart', 'web'))
    const following = await follow()
    expect(following.engine.state.policies.has('shop/cart')).to.equal(true)
    expect(following.states.at(-1)).to.equal('watching')
    await storm('a', 0, 120)
    await agrees(following)
    expect(following.status('EndpointSlice').apiVersion).to.match(/^discovery\.k8s\.io\/v1/)
    expect(following.events.find(({ kind }) => kind === 'pod.upserted')?.by?.manager).to.be.a('string')
  })
  it('says nothing after a restart', async () => {
    const { engine } = await follow()
    await followed?.stop()
    const again = await follow({ engine })
    await agrees(again)
    expect(again.events).to.deep.equal([])
  })
  it('may be killed in the middle of a storm', async () => {
    const following = await follow()
    const storming = storm('b', 0, 64).catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 300))
    await server.kill()
    await storming
    await until(() => following.status('Pod').state === 'away')
    const before = known(following)
    await server.startServer()
    await following.settled()
    await storm('c', 0, 8)
    await agrees(following)
    const gone = following.events.filter(({ kind }) => kind === 'pod.deleted').length
    expect([...before.keys()].filter(name => !known(following).has(name)).length).to.be.at.most(gone)
  })
  it('may forget what was, while it is away', async () => {
    const following = await follow()
    await server.kill()
    await until(() => following.status('Pod').state === 'away')
    await server.startServer()
    await storm('d', 0, 16)
    await server.compact()
    await following.settled()
    await agrees(following)
    // Those that were away for longer than it remembers are read anew.
    await following.stop()
    const { engine } = following
    await server.compact()
    const again = await follow({ engine })
    await agrees(again)
  })
  it('may get kinds later, and lose them', async () => {
    const following = await follow()
    expect(following.status(ciliumPolicies.kind).state).to.equal('absent')
    await cluster.define(ciliumPolicies)
    await cluster.create(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await until(() => following.engine.state.ciliumPolicies.size === 1)
    await cluster.undefine(ciliumPolicies)
    await until(() => following.engine.state.ciliumPolicies.size === 0)
    await until(() => following.status(ciliumPolicies.kind).state === 'absent')
  })
  it('is told what became of its policies and who runs on the node, each thing once', async () => {
    await cluster.create(resource('Node'), { metadata: { name: 'n1' } })
    await cluster.define(ciliumPolicies)
    const clusterwide = resource('CiliumClusterwideNetworkPolicy')
    await cluster.define(clusterwide)
    const broken = { ...ciliumPolicy('broken', 'web', 'db'), spec: { endpointSelector: {}, ingres: [] } }
    await cluster.create(ciliumPolicies, ciliumPolicy('good', 'web', 'db'))
    await cluster.create(ciliumPolicies, broken)
    await cluster.create(clusterwide, { metadata: { name: 'wide' }, spec: { endpointSelector: {}, ingress: [{}] } })
    const following = await follow({ writesBack: true, times: 20 })
    const conditionAt = async (path: string): Promise<string | undefined> => {
      const { status } = (await server.do('GET', path)) as { status?: { conditions?: readonly Condition[] } }
      return status?.conditions?.find(({ type }) => type === 'Valid')?.status
    }
    const at = (name: string): string =>
      objectPath(ciliumPolicies.versions[0], ciliumPolicies, { namespace: 'shop', name })
    const wide = objectPath(clusterwide.versions[0], clusterwide, { namespace: '', name: 'wide' })
    const isTold = async (): Promise<boolean> =>
      (await conditionAt(at('good'))) === 'True' &&
      (await conditionAt(at('broken'))) === 'False' &&
      (await conditionAt(wide)) === 'True'
    while (!(await isTold())) await new Promise(resolve => setTimeout(resolve, 50))
    const refusals = async (): Promise<readonly ClusterEvent[]> => {
      const { items } = (await server.do('GET', '/api/v1/namespaces/shop/events')) as {
        items?: readonly ClusterEvent[]
      }
      return (items ?? []).filter(({ reason }) => reason === 'Refused')
    }
    while ((await refusals()).length === 0) await new Promise(resolve => setTimeout(resolve, 50))
    expect((await refusals()).map(({ involvedObject, message }) => [involvedObject.name, message])).to.deep.equal([
      ['broken', (await refusals())[0]?.message],
    ])
    expect((await refusals())[0]?.message).to.match(/ingres/)
    const { metadata } = (await server.do('GET', '/api/v1/nodes/n1')) as { metadata: { annotations?: object } }
    expect(metadata.annotations).to.have.property('weir.io/agent-version')
    // Conditions that others say of a policy stay, and one that was said is not said again.
    const others = { type: 'Else', status: 'True', message: 'so', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const said = (await server.do('GET', at('good'))) as { status: { conditions: readonly Condition[] } }
    const conditions = [...said.status.conditions, others]
    await server.do('PATCH', `${at('good')}/status`, { status: { conditions } }, 'application/merge-patch+json')
    const versionAt = async (path: string): Promise<unknown> =>
      ((await server.do('GET', path)) as { metadata: { resourceVersion: string } }).metadata.resourceVersion
    await following.stop()
    const before = await Promise.all([at('good'), at('broken'), wide].map(versionAt))
    const again = await follow({ writesBack: true, times: 20, engine: following.engine })
    await new Promise(resolve => setTimeout(resolve, 1000))
    expect(await Promise.all([at('good'), at('broken'), wide].map(versionAt))).to.deep.equal(before)
    // A correction is said, beside what others say.
    await server.do('PATCH', at('broken'), { spec: { ingres: null, ingress: [{}] } }, 'application/merge-patch+json')
    while ((await conditionAt(at('broken'))) !== 'True') await new Promise(resolve => setTimeout(resolve, 50))
    await server.do('PATCH', at('good'), { spec: { ingres: [] } }, 'application/merge-patch+json')
    while ((await conditionAt(at('good'))) !== 'False') await new Promise(resolve => setTimeout(resolve, 50))
    const last = (await server.do('GET', at('good'))) as { status: { conditions: readonly Condition[] } }
    expect(last.status.conditions.map(({ type }) => type).sort()).to.deep.equal(['Else', 'Valid'])
    expect([...following.reports, ...again.reports].filter(report => report.startsWith('not written'))).to.deep.equal(
      [],
    )
  })
})
