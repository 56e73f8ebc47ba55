import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { replayLog } from '@weir/adapters/agent/restore.js'
import { type EventBody, frontendKey, type HealthCheck } from '@weir/core'
import { expect } from 'chai'
import { allow, pod } from './cluster.js'

const quick = { intervalSeconds: 1, timeoutSeconds: 1, failures: 2, successes: 1 }
const addresses = ['127.0.0.11', '127.0.0.12']
const virtual = '10.96.0.7'

const service = (healthCheck?: HealthCheck): EventBody => ({
  kind: 'service.upserted',
  service: {
    namespace: 'shop',
    name: 'web',
    type: 'ClusterIP',
    clusterIps: [virtual],
    selector: {},
    ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 1 }],
    ...(healthCheck && { healthCheck }),
  },
})
const slice = (port: number): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: 'web-1',
    service: 'web',
    endpoints: addresses.map(address => ({ addresses: [address], ready: true, serving: true, terminating: false })),
    ports: [{ name: '', protocol: 'TCP', port }],
  },
})

const servers: Server[] = []
const listening = (server: Server, port: number, address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    servers.push(server)
    server.once('error', reject)
    server.listen(port, address, () => resolve((server.address() as { port: number }).port))
  })
const closing = (server: Server): Promise<void> => new Promise(resolve => void server.close(() => resolve()))

describe('trying the endpoints of a service', function () {
  this.timeout(60_000)
  let folder: string
  let agent: Agent

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-checks-'))
    agent = await createAgent({
      stateFolder: folder,
      node: 'n1',
      nodeAddresses: ['192.0.2.1'],
      backend: 'memory',
      clock: systemClock,
    })
  })
  afterEach(async () => {
    await agent.stop()
    for (const server of servers.splice(0)) if (server.listening) await closing(server)
    rmSync(folder, { recursive: true })
  })

  const members = (): readonly string[] => {
    const { frontends, selections, backends } = agent.engine.tables
    const { selection } = frontends.get(frontendKey(virtual, 80, 'TCP', 'internal'))!
    return selections
      .get(selection)!
      .backends.map(number => backends.get(number)!.address)
      .sort()
  }
  async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (const end = Date.now() + 20_000; !(await holds()); await new Promise(resolve => setTimeout(resolve, 50)))
      if (Date.now() > end) throw new Error(`${what}: ${JSON.stringify([members(), (await agent.status()).health])}`)
  }
  const reasonOf = (address: string, port: number): string | undefined =>
    agent.engine.state.failedChecks.get(`${address}:${port}/TCP`)?.fact.reason

  it('by connecting takes those out that refuse, and back in; the log has it all', async () => {
    const port = await listening(
      createServer(socket => socket.end()),
      0,
      addresses[0]!,
    )
    await listening(
      createServer(socket => socket.end()),
      port,
      addresses[1]!,
    )
    await agent.submit('spec', [service({ kind: 'tcp', ...quick }), slice(port)])
    await until(async () => (await agent.status()).health.checks.endpoints === 2, 'both are tried')
    expect(members()).deep.equals(addresses)
    await closing(servers[0]!)
    await until(() => members().join() === addresses[1], 'the one that refuses is out')
    expect(reasonOf(addresses[0]!, port)).equals('ECONNREFUSED')
    await closing(servers[1]!)
    await until(() => reasonOf(addresses[1]!, port) !== undefined, 'the other fails too')
    expect(members(), 'when all fail, all are in').deep.equals(addresses)
    expect((await agent.status()).health.checks.failing.map(({ reason }) => reason)).deep.equals([
      'ECONNREFUSED',
      'ECONNREFUSED',
    ])
    await listening(
      createServer(socket => socket.end()),
      port,
      addresses[1]!,
    )
    await until(() => members().join() === addresses[1], 'the one that is back is in alone')
    await agent.submit('spec', [service()])
    expect(members()).deep.equals(addresses)
    await until(() => agent.engine.state.failedChecks.size === 0, 'what was said is taken back')
    const replayed = await replayLog(agent.log, () => 0)
    expect(replayed.digest).deep.equals(agent.engine.digest())
  })

  it('by asking takes those out that answer with an error, or not in time', async () => {
    let status = 200
    const asked: (string | undefined)[] = []
    const web = createHttpServer((request, response) => {
      asked.push(request.url)
      if (status > 0) response.writeHead(status).end()
    })
    const port = await listening(web, 0, addresses[0]!)
    await listening(
      createHttpServer((_, response) => void response.end()),
      port,
      addresses[1]!,
    )
    await agent.submit('spec', [service({ kind: 'http', path: '/ready', ...quick, failures: 1 }), slice(port)])
    await until(() => asked.length > 1, 'it is asked')
    expect(asked).includes('/ready')
    expect(members()).deep.equals(addresses)
    status = 503
    await until(() => members().join() === addresses[1], 'the one with errors is out')
    expect(reasonOf(addresses[0]!, port)).equals('status 503')
    status = 302
    await until(() => members().length === 2, 'it is back')
    status = 0
    await until(() => reasonOf(addresses[0]!, port) !== undefined, 'silence fails')
    expect(reasonOf(addresses[0]!, port)).equals('timeout')
    web.closeAllConnections()
  })

  it('asks nothing of those that policy keeps the node from, and says so', async () => {
    let opened = 0
    const port = await listening(
      createServer(socket => {
        opened += 1
        socket.end()
      }),
      0,
      addresses[0]!,
    )
    const closed = pod('web', '127.0.0.11', { node: 'n2', addresses: [addresses[0]!] })
    await agent.submit('spec', [
      { kind: 'pod.upserted', pod: closed },
      { kind: 'networkpolicy.upserted', policy: allow('web', 'web', 'nobody', port) },
      service({ kind: 'tcp', ...quick, failures: 1 }),
      slice(port),
    ])
    await until(() => reasonOf(addresses[1]!, port) !== undefined, 'the other one is tried')
    const forbidden = async () => (await agent.status()).health.checks.forbidden
    await until(async () => (await forbidden()).length > 0, 'the turn of this one comes')
    expect(await forbidden()).deep.equals([`${addresses[0]}:${port}/TCP`])
    expect(opened).equals(0)
    expect(reasonOf(addresses[0]!, port)).equals(undefined)
  })
})
