import { expect } from 'chai'
import { ApiServer, type Request } from './api-server.js'
import { Followed, until } from './following.js'
import { ciliumPolicy, namespace, pod, resource } from './objects.js'

interface Condition {
  readonly type: string
  readonly status: string
  readonly message: string
}

describe('what a cluster is told of its policies', function () {
  this.timeout(20_000)
  const policies = resource('CiliumNetworkPolicy')
  const broken = { ...ciliumPolicy('broken', 'web', 'db'), spec: { endpointSelector: {}, ingres: [] } }
  let server: ApiServer
  let followed: Followed
  const writes = (): readonly Request[] => server.requests.filter(({ verb }) => verb === 'create' || verb === 'patch')
  const conditionIn = ({ body }: Request): Condition | undefined =>
    (body as { readonly status?: { readonly conditions: readonly Condition[] } }).status?.conditions[0]
  const follow = async (writesBack = true): Promise<void> => {
    followed = new Followed(server, { writesBack, times: 500 })
    await followed.settled()
  }

  beforeEach(async () => {
    server = new ApiServer()
    await server.start()
    server.put(resource('Namespace'), namespace('shop'))
    server.put(resource('Pod'), pod('web', { addresses: ['10.0.0.2'] }))
    server.define(policies)
  })
  afterEach(async () => {
    await followed.stop()
    await server.stop()
  })

  it('is nothing, unless it is asked for', async () => {
    server.put(policies, broken)
    await follow(false)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(writes()).to.deep.equal([])
  })
  it('is which agent runs, which policies are refused and why, and which are understood', async () => {
    server.put(policies, ciliumPolicy('web', 'web', 'db'))
    server.put(policies, broken)
    await follow()
    await until(() => writes().length >= 4)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(
      writes()
        .map(({ verb, path }) => `${verb} ${path}`)
        .sort(),
    ).to.deep.equal([
      'create /api/v1/namespaces/shop/events',
      'patch /api/v1/nodes/n1',
      'patch /apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies/broken/status',
      'patch /apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies/web/status',
    ])
    const said = writes().flatMap(request => conditionIn(request) ?? [])
    expect(said.find(({ status }) => status === 'True')?.type).to.equal('Valid')
    expect(said.find(({ status }) => status === 'False')?.message).to.match(/ingres/)
    const event = writes().find(({ verb }) => verb === 'create')?.body
    expect(event).to.deep.include({ type: 'Warning', reason: 'Refused' })
  })
  it('is of a refused policy an Event first, as all is said once its condition is there', async () => {
    server.put(policies, broken)
    await follow()
    await until(() => writes().length >= 3)
    const about = writes().filter(({ path }) => !path.includes('/nodes/'))
    expect(about.map(({ verb }) => verb)).to.deep.equal(['create', 'patch'])
  })
  it('is nothing that it has been told already, by whichever node', async () => {
    server.put(policies, ciliumPolicy('web', 'web', 'db'))
    await follow()
    const isOfPolicy = (request: Request): boolean => conditionIn(request) !== undefined
    await until(() => writes().some(isOfPolicy))
    const condition = conditionIn(writes().find(isOfPolicy)!)!
    server.put(policies, { ...ciliumPolicy('web', 'web', 'db'), status: { conditions: [condition] } })
    await until(() => followed.status(policies.kind).resourceVersion === server.version)
    await new Promise(resolve => setTimeout(resolve, 50))
    const before = writes().length
    await followed.stop()
    await follow()
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(writes().slice(before).filter(isOfPolicy)).to.deep.equal([])
  })
  it('is said once more when the server is too busy, and given up where it is forbidden', async () => {
    server.put(policies, broken)
    let busy = 0
    server.fault = ({ verb, resource }) => {
      if (verb === 'create') return { kind: 'status', status: 403 }
      return verb === 'patch' && resource === 'nodes' && busy++ === 0 ? { kind: 'status', status: 429 } : undefined
    }
    await follow()
    await until(() => followed.reports.some(report => report.startsWith('not written: ')))
    await until(() => busy === 2)
    const last = writes().length
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(writes().filter(({ verb }) => verb === 'create')).to.have.length(1)
    expect(writes().length).to.be.at.most(last + 1)
  })
})
