import { definitions } from '@weir/adapters/kubernetes/resource.js'
import { expect } from 'chai'
import { ApiServer } from './api-server.js'
import { Followed, until } from './following.js'
import { ciliumPolicy, namespace, networkPolicy, node, pod, resource } from './objects.js'

describe('an API server as a source', function () {
  this.timeout(20_000)
  const pods = resource('Pod')
  const policies = resource('NetworkPolicy')
  const ciliumPolicies = resource('CiliumNetworkPolicy')
  let server: ApiServer
  let followed: Followed
  const follow = async (options: ConstructorParameters<typeof Followed>[1] = {}): Promise<Followed> => {
    followed = new Followed(server, options)
    await followed.settled()
    return followed
  }
  const refollow = async (): Promise<Followed> => {
    await followed.stop()
    return follow({ engine: followed.engine })
  }

  beforeEach(async () => {
    server = new ApiServer()
    await server.start()
    server.put(resource('Namespace'), namespace('shop'))
    server.put(resource('Node'), node('n1', '192.168.0.1'))
    server.put(policies, networkPolicy('cart', 'cart', 'web'))
    server.put(pods, pod('cart', { addresses: ['10.0.0.3', 'fd00::3'] }))
  })
  afterEach(async () => {
    await followed.stop()
    await server.stop()
  })

  it('says what there is, policies before the pods that they isolate', async () => {
    await follow()
    const { state } = followed.engine
    expect(state.pods.get('shop/cart')?.fact.addresses).to.deep.equal(['10.0.0.3', 'fd00::3'])
    expect([...state.nodes.values()][0]?.fact.addresses).to.deep.equal(['192.168.0.1'])
    expect(followed.kinds.indexOf('networkpolicy.upserted')).to.be.lessThan(followed.kinds.indexOf('pod.upserted'))
    expect(followed.events[0]?.source).to.match(/^kubernetes:resourceVersion=\d+$/)
    expect(followed.events[0]?.by).to.deep.equal({
      manager: 'kubelet',
      operation: 'Update',
      time: Date.parse('2026-01-01T00:00:00Z'),
    })
    expect(followed.states).to.deep.equal(['watching'])
  })
  it('tells no pod while a policy can’t be read', async () => {
    server.fault = ({ resource }) => (resource === 'networkpolicies' ? { kind: 'status', status: 403 } : undefined)
    followed = new Followed(server)
    await until(() => followed.status('NetworkPolicy').state === 'away' && followed.kinds.includes('node.upserted'))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(followed.kinds).to.not.include('pod.upserted')
    expect(followed.status('Pod').state).to.equal('waiting')
    expect(followed.states[0]).to.match(/^failing NetworkPolicy can’t be read: .*403.*refused with 403$/)
    server.fault = () => undefined
    await followed.settled()
    expect(followed.kinds).to.include('pod.upserted')
  })
  it('follows changes, of the fields that matter alone', async () => {
    await follow()
    const before = followed.events.length
    server.put(pods, pod('cart', { addresses: ['10.0.0.3', 'fd00::3'], heartbeat: '2026-02-02T02:02:02Z' }))
    server.put(resource('Node'), node('n1', '192.168.0.1'))
    server.put(pods, pod('web', { addresses: ['10.0.0.2'] }))
    await until(() => followed.engine.state.pods.has('shop/web'))
    expect(followed.kinds.slice(before)).to.deep.equal(['pod.upserted'])
    server.delete(pods, 'shop/web')
    await until(() => !followed.engine.state.pods.has('shop/web'))
    expect(followed.events.at(-1)).to.include({
      kind: 'pod.deleted',
      source: `kubernetes:resourceVersion=${server.version}`,
    })
  })
  it('says nothing after a restart against an unchanged cluster', async () => {
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await follow()
    const { seq } = followed.engine
    await refollow()
    expect(followed.events).to.deep.equal([])
    expect(followed.engine.seq).to.equal(seq)
  })
  it('finds what was deleted while it was away, and believes nothing before it has read all', async () => {
    for (let at = 0; at < 1200; at++) server.put(pods, pod(`p${at}`, { addresses: [`10.1.${at >> 8}.${at & 255}`] }))
    await follow()
    await followed.stop()
    server.delete(pods, 'shop/cart')
    server.put(pods, pod('new', { addresses: ['10.0.0.9'] }))
    let lists = 0
    server.fault = ({ verb, resource }) =>
      verb === 'list' && resource === 'pods' && ++lists === 3 ? { kind: 'cut' } : undefined
    followed = new Followed(server, { engine: followed.engine, times: 2 })
    await until(() => lists === 3 && followed.status('Pod').state !== 'waiting')
    await until(() => followed.kinds.includes('pod.upserted'))
    expect(followed.kinds).to.deep.equal(['pod.upserted'])
    await followed.settled()
    expect(followed.kinds).to.deep.equal(['pod.upserted', 'pod.deleted'])
    expect(followed.status('Pod').objects).to.equal(1201)
  })
  it('keeps what is in force while nobody answers, and says since when', async () => {
    await follow()
    await server.stop()
    await until(() => followed.status('Pod').state === 'away')
    const { since, error } = followed.status('Pod')
    expect(error).to.match(/ECONNREFUSED|socket hang up|aborted/)
    expect(followed.states.at(-1)).to.match(/^failing .* more kinds can’t be read: /)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(followed.status('Pod').since).to.equal(since)
    expect(followed.engine.state.pods.size).to.equal(1)
    server.put(pods, pod('web', { addresses: ['10.0.0.2'] }))
    await server.start()
    await followed.settled()
    await until(() => followed.engine.state.pods.has('shop/web'))
    expect(followed.status('Pod').relists).to.equal(0)
    expect(followed.states.at(-1)).to.equal('watching')
  })
  it('begins anew where the server has forgotten the place, at a watch and at a page', async () => {
    await follow()
    await server.stop()
    server.delete(pods, 'shop/cart')
    for (let at = 0; at < 700; at++) server.put(pods, pod(`p${at}`, { addresses: [`10.1.${at >> 8}.${at & 255}`] }))
    server.compact()
    await server.start()
    let pages = 0
    server.fault = ({ verb, resource }) => {
      if (verb === 'list' && resource === 'pods' && ++pages === 2) server.compact()
      return undefined
    }
    await until(() => followed.engine.state.pods.size === 700 && !followed.engine.state.pods.has('shop/cart'))
    expect(followed.status('Pod').relists).to.equal(1)
    // Two pages of the first attempt, and one that is large enough.
    expect(pages).to.equal(3)
  })
  it('goes on from a bookmark, so that nothing has to be read anew', async () => {
    await follow()
    for (let at = 0; at < 3; at++) server.put(resource('Namespace'), namespace(`other${at}`))
    await until(() => {
      server.bookmark()
      return followed.status('Pod').resourceVersion === server.version
    })
    server.compact()
    server.endWatches()
    server.put(pods, pod('web', { addresses: ['10.0.0.2'] }))
    await until(() => followed.engine.state.pods.has('shop/web'))
    expect(followed.status('Pod').relists).to.equal(0)
  })
  it('asks anew when a connection has said nothing for too long', async () => {
    let isFirst = true
    server.fault = ({ verb, resource }) => {
      if (verb !== 'watch' || resource !== 'pods' || !isFirst) return undefined
      isFirst = false
      return { kind: 'silence' }
    }
    await follow({ times: 1000 })
    server.put(pods, pod('web', { addresses: ['10.0.0.2'] }))
    await until(() => followed.engine.state.pods.has('shop/web'))
    expect(followed.status('Pod').relists).to.equal(0)
  })
  it('gives a terminated pod’s addresses back, knows hostNetwork pods, and pods without an address yet', async () => {
    server.put(pods, pod('starting', { node: '' }))
    server.put(pods, pod('proxy', { addresses: ['192.168.0.1'], hostNetwork: true }))
    await follow()
    const fact = (name: string) => followed.engine.state.pods.get(`shop/${name}`)?.fact
    expect(fact('starting')).to.include({ node: '' }).and.to.have.property('addresses').that.is.empty
    expect(fact('proxy')?.hostNetwork).to.equal(true)
    server.put(pods, pod('cart', { addresses: ['10.0.0.3'], phase: 'Succeeded' }))
    await until(() => fact('cart')?.addresses.length === 0)
    expect(followed.engine.tables.addresses.get('10.0.0.3')).to.equal(undefined)
  })
  it('follows custom kinds from when they are defined until they no longer are', async () => {
    await follow()
    expect(followed.status('CiliumNetworkPolicy').state).to.equal('absent')
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    const key = 'CiliumNetworkPolicy/shop/web'
    await until(() => followed.engine.state.ciliumPolicies.has(key))
    await followed.settled()
    expect(followed.status('CiliumNetworkPolicy')).to.include({ state: 'watching', objects: 1 })
    server.undefine(ciliumPolicies)
    await until(() => !followed.engine.state.ciliumPolicies.has(key))
    await until(() => followed.status('CiliumNetworkPolicy').state === 'absent')
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await until(() => followed.engine.state.ciliumPolicies.has(key))
  })
  it('finds that a custom kind was taken away while it was away', async () => {
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await follow()
    await followed.stop()
    server.undefine(ciliumPolicies)
    await follow({ engine: followed.engine })
    expect(followed.kinds).to.deep.equal(['ciliumpolicy.deleted'])
  })
  it('takes no policy back because its kind isn’t served though it is defined', async () => {
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await follow()
    await followed.stop()
    server.fault = ({ group }) => (group === 'cilium.io' ? { kind: 'status', status: 404 } : undefined)
    followed = new Followed(server, { engine: followed.engine })
    await until(() => followed.status('CiliumNetworkPolicy').state === 'away')
    expect(followed.engine.state.ciliumPolicies.size).to.equal(1)
    server.fault = () => undefined
    await followed.settled()
    expect(followed.events).to.deep.equal([])
  })
  it('keeps the version before of what it can’t understand, and tells of it once', async () => {
    server.define(ciliumPolicies)
    server.put(ciliumPolicies, ciliumPolicy('web', 'web', 'db'))
    await follow()
    const { fact } = followed.engine.state.ciliumPolicies.get('CiliumNetworkPolicy/shop/web')!
    const broken = { ...ciliumPolicy('web', 'web', 'db'), spec: { endpointSelector: {}, ingres: [] } }
    for (let at = 0; at < 3; at++) server.put(ciliumPolicies, broken)
    await until(() => followed.status('CiliumNetworkPolicy').resourceVersion === server.version)
    expect(followed.kinds.filter(kind => kind === 'input.refused')).to.have.length(1)
    expect(followed.engine.state.ciliumPolicies.get('CiliumNetworkPolicy/shop/web')?.fact).to.equal(fact)
    expect(followed.reports).to.have.length(1)
    expect(followed.reports[0]).to.match(
      /^refused: \/apis\/cilium.io\/v2\/namespaces\/shop\/ciliumnetworkpolicies\/web:.*ingres/,
    )
    await refollow()
    expect(followed.events).to.deep.equal([])
    server.delete(ciliumPolicies, 'shop/web')
    await until(() => followed.engine.state.refusals.size === 0)
    expect(followed.engine.state.ciliumPolicies.size).to.equal(0)
  })
  it('lets what the agent was told of its own node count more than the API server’s word', async () => {
    await follow({ ownNode: { name: 'n1', addresses: ['172.16.0.1'], podCidrs: [] } })
    const { fact } = followed.engine.state.nodes.get('n1')!
    expect(fact).to.deep.include({ addresses: ['172.16.0.1'], podCidrs: [] })
    expect(fact.labels).to.deep.equal({ 'kubernetes.io/hostname': 'n1' })
  })
  it('waits as long as a server asks that has too much to do', async () => {
    let refused = 0
    server.fault = ({ resource }) =>
      resource === 'namespaces' && refused++ === 0 ? { kind: 'status', status: 429, retryAfter: 20 } : undefined
    const began = Date.now()
    await follow({ times: 200 })
    expect(Date.now() - began).to.be.greaterThan(95)
    expect(refused).to.be.greaterThan(1)
  })
  it('ends at once when it is stopped before it has begun', async () => {
    for (let turns = 0; turns < 5; turns++) {
      followed = new Followed(server)
      for (let turn = 0; turn < turns; turn++) await undefined
      await followed.stop()
    }
  })
  it('asks for the names of definitions alone', async () => {
    await follow()
    const asked = server.requests.filter(({ resource }) => resource === definitions.plural)
    for (const { accept } of asked) expect(accept).to.match(/^application\/json;as=PartialObjectMetadata/)
  })
})
