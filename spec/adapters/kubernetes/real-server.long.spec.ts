import { connect } from '@weir/adapters/kubernetes/credentials.js'
import { HttpApi } from '@weir/adapters/kubernetes/http-api.js'
import { expect } from 'chai'
import { Followed, type FollowingOptions, until } from './following.js'
import { ciliumPolicy, networkPolicy, resource } from './objects.js'
import { RealCluster } from './real-cluster.js'
import { RealServer, realServerObstacle } from './real-server.js'

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
  it('may get kinds later, and lose them (not where the server falls over a definition)', async function () {
    const following = await follow()
    expect(following.status(ciliumPolicies.kind).state).to.equal('absent')
    try {
      await cluster.define(ciliumPolicies)
    } catch (error) {
      // Built with a Go that is much younger than itself it may: a library of it walks maps as older ones had them.
      if (!server.hasEnded) throw error
      this.skip()
    }
    await cluster.create(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await until(() => following.engine.state.ciliumPolicies.size === 1)
    await cluster.undefine(ciliumPolicies)
    await until(() => following.engine.state.ciliumPolicies.size === 0)
    await until(() => following.status(ciliumPolicies.kind).state === 'absent')
  })
})
