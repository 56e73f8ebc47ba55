import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { nowhere } from '@weir/adapters/agent/event-source.js'
import { viewOf } from '@weir/adapters/agent/views.js'
import { withWaiting } from '@weir/adapters/agent/waiting-views.js'
import { objectLines } from '@weir/adapters/cli/render/objects.js'
import { plain } from '@weir/adapters/cli/terminal.js'
import { sourceLines } from '@weir/adapters/cli/render/source-status.js'
import { expect } from 'chai'
import { ApiServer } from '../kubernetes/api-server.js'
import { namespace, networkPolicy, node, pod, resource } from '../kubernetes/objects.js'
import { policy } from '../manifests/folder.js'

describe('an agent that follows a folder and an API server', function () {
  this.timeout(30_000)
  let folder: string
  let server: ApiServer
  let agent: Agent | undefined

  const file = (name: string): string => join(folder, 'manifests', `${name}.yaml`)
  const shared = policy('cart', '{podSelector: {matchLabels: {app: cart}}}').replace(
    'metadata:',
    'metadata:\n  namespace: shop',
  )
  const start = async (): Promise<Agent> => {
    agent = await createAgent({
      ...{ stateFolder: join(folder, 'state'), node: 'n1', backend: 'memory', clock: systemClock },
      ...{ manifests: join(folder, 'manifests'), kubernetes: { kubeconfig: join(folder, 'kubeconfig') } },
    })
    await agent.ready
    return agent
  }
  const stop = async (): Promise<void> => {
    await agent?.stop()
    agent = undefined
  }
  const rulesOf = (name: string): number | undefined => agent!.engine.state.policies.get(name)?.fact.ingress?.length
  const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await what())) await new Promise(resolve => setTimeout(resolve, 10))
  }
  const kubernetes = async () => (await agent!.status()).sources.find(({ name }) => name === 'kubernetes')!
  const isCaughtUp = async (): Promise<boolean> =>
    (await kubernetes()).resources!.every(
      ({ state, resourceVersion }) => state === 'absent' || resourceVersion === server.version,
    )

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-two-sources-'))
    server = new ApiServer()
    await server.start()
    server.put(resource('Namespace'), namespace('shop'))
    server.put(resource('Node'), node('n1', '192.168.0.1'))
    server.put(resource('NetworkPolicy'), networkPolicy('cart', 'cart', 'web'))
    server.put(resource('Pod'), pod('cart', { addresses: ['10.0.0.3'] }))
    const config = {
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'weir' } }],
      clusters: [{ name: 'test', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'weir', user: { token: 'secret' } }],
    }
    writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(config))
    mkdirSync(join(folder, 'manifests'))
    writeFileSync(file('own'), policy('own'))
  })
  afterEach(async () => {
    await stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has what both say, and says nothing when it is started again', async () => {
    writeFileSync(file('cart'), shared)
    const { engine } = await start()
    await until(isCaughtUp)
    expect([...engine.state.policies.keys()].sort()).to.deep.equal(['default/own', 'shop/cart'])
    expect(engine.state.pods.has('shop/cart')).to.equal(true)
    expect(rulesOf('shop/cart')).to.equal(0)
    const { seq } = engine
    await stop()
    const again = await start()
    await until(isCaughtUp)
    expect(again.engine.state.policies.size).to.equal(2)
    const kinds: string[] = []
    for await (const batch of again.log.read({ from: seq + 1 })) kinds.push(...batch.map(({ kind }) => kind))
    expect(kinds.filter(kind => /\.(?:upserted|deleted)$/.test(kind))).to.deep.equal([])
  })
  it('leads back to the server’s version when the file goes, and tells until then that it waits', async () => {
    await start()
    await until(isCaughtUp)
    expect(rulesOf('shop/cart')).to.equal(1)
    writeFileSync(file('cart'), shared)
    await until(() => rulesOf('shop/cart') === 0)
    const status = await kubernetes()
    const object = { kind: 'NetworkPolicy', namespace: 'shop', name: 'cart' }
    expect(status.waiting).to.deep.equal([{ object, by: `manifests:${file('cart')}:1` }])
    expect(sourceLines([status], 0).at(-1)?.trim()).to.equal(
      `its NetworkPolicy shop/cart waits: manifests:${file('cart')}:1 counts`,
    )
    const policies = async (): Promise<readonly Record<string, unknown>[]> => {
      const rows = await viewOf(agent!.engine, 'policies', undefined, async () => nowhere)
      const sources = agent!.sources.map(({ status }) => status)
      return withWaiting('policies', rows, sources) as readonly Record<string, unknown>[]
    }
    const shown = await policies()
    expect(shown.filter(({ waiting }) => waiting !== undefined)).to.have.length(1)
    const lines = objectLines('policies', shown, plain)
    expect(lines[1 + lines.findIndex(line => /\bcart\b/.test(line))]?.trim()).to.equal(
      `kubernetes has another version, which waits: manifests:${file('cart')}:1 counts`,
    )
    rmSync(file('cart'))
    await until(() => rulesOf('shop/cart') === 1)
    expect((await kubernetes()).waiting).to.equal(undefined)
    expect((await policies()).some(({ waiting }) => waiting !== undefined)).to.equal(false)
  })
  it('finds what went from either of them while it was away', async () => {
    await start()
    await until(isCaughtUp)
    await stop()
    rmSync(file('own'))
    server.delete(resource('Pod'), 'shop/cart')
    const { engine } = await start()
    await until(isCaughtUp)
    await until(() => !engine.state.pods.has('shop/cart') && !engine.state.policies.has('default/own'))
    expect([...engine.state.policies.keys()]).to.deep.equal(['shop/cart'])
  })
})
