import { request } from 'node:http'
import { createServer } from 'node:net'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { HealthPorts } from '@weir/adapters/agent/health-ports.js'
import type { Engine, EventBody, ServiceFact } from '@weir/core'
import { expect } from 'chai'
import { engineOf } from './cluster.js'

const agentOf = (nodePortAddresses?: readonly string[]): EventBody => ({
  kind: 'agent.configured',
  agent: { node: 'n1', cluster: 'default', labelFilter: [], ...(nodePortAddresses && { nodePortAddresses }) },
})
const node: EventBody = {
  kind: 'node.upserted',
  node: { name: 'n1', labels: {}, addresses: ['127.0.0.1', '192.0.2.1'], podCidrs: [] },
}
const service = (name: string, port: number): ServiceFact => ({
  namespace: 'shop',
  name,
  type: 'LoadBalancer',
  clusterIps: ['10.96.0.7'],
  selector: {},
  ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080 }],
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: port,
})
const slice = (name: string, nodes: readonly string[], ready = true): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: `${name}-1`,
    service: name,
    endpoints: nodes.map((of, at) => ({
      addresses: [`10.1.0.${at + 1}`],
      ready,
      serving: true,
      terminating: !ready,
      node: of,
    })),
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  },
})

interface Reply {
  readonly status: number | undefined
  readonly weight: string | string[] | undefined
  readonly type: string | undefined
  readonly body: unknown
}
const ask = (port: number, path = '/', address = '127.0.0.1'): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const asking = request({ host: address, port, path, agent: false }, response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        const { statusCode: status, headers } = response
        const body: unknown = JSON.parse(Buffer.concat(parts).toString())
        resolve({ status, weight: headers['x-load-balancing-endpoint-weight'], type: headers['content-type'], body })
      })
    })
    asking.on('error', reject)
    asking.end()
  })
const codeOf = (failing: Promise<unknown>): Promise<string | undefined> =>
  failing.then(
    () => undefined,
    (error: unknown) => (error as NodeJS.ErrnoException).code,
  )

/** A port that nobody has just now. */
const freePort = (): Promise<number> =>
  new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

describe('ports for the health of services', () => {
  let engine: Engine
  let ports: HealthPorts
  let trouble: string | undefined
  let said: string[]

  /** Says more than the engine knows, and waits until the ports have followed. */
  async function say(...bodies: readonly EventBody[]): Promise<void> {
    const events = bodies.map((body, at) => ({ ...body, seq: engine.seq + 1 + at, time: 0, source: 'spec' }))
    engine.apply(events)
    if (events.some(event => ports.concerns(event))) await ports.changed()
  }
  const start = (more: object = {}): void => {
    engine = engineOf([agentOf(['127.0.0.0/8']), node])
    said = []
    trouble = undefined
    ports = new HealthPorts({
      clock: systemClock,
      state: () => engine.state,
      localEndpoints: key => engine.localEndpoints(key),
      trouble: () => trouble,
      updatedAt: () => 0,
      report: message => said.push(message),
      ...more,
    })
  }
  beforeEach(() => start())
  afterEach(() => ports.close())

  it('answer as kube-proxy does', async () => {
    const port = await freePort()
    await say({ kind: 'service.upserted', service: service('web', port) }, slice('web', ['n1', 'n1', 'n2']))
    const healthy = {
      status: 200,
      weight: '2',
      type: 'application/json',
      body: { service: { namespace: 'shop', name: 'web' }, localEndpoints: 2, serviceProxyHealthy: true },
    }
    expect(await ask(port)).deep.equals(healthy)
    trouble = 'a map is full'
    const failing = { ...healthy, status: 503, body: { ...healthy.body, serviceProxyHealthy: false } }
    expect(await ask(port)).deep.equals(failing)
    trouble = undefined
    await say(slice('web', ['n2']))
    expect(await ask(port)).deep.include({ status: 503, weight: '0' })
    await say(slice('web', ['n1'], false))
    expect(await ask(port)).deep.include({ status: 503, weight: '0' })
  })

  it('are there as long as the service asks for them, at the addresses that have node ports', async () => {
    const [port, other] = [await freePort(), await freePort()]
    await say({ kind: 'service.upserted', service: service('web', port) })
    expect(ports.view.listening).deep.equals([{ service: 'shop/web', address: '127.0.0.1', port }])
    expect(await codeOf(ask(port, '/', '127.0.0.2'))).equals('ECONNREFUSED')
    await say({ kind: 'service.upserted', service: service('web', other) })
    expect(await codeOf(ask(port))).equals('ECONNREFUSED')
    expect((await ask(other)).status).equals(503)
    await say(agentOf())
    expect(ports.view.listening.map(({ address }) => address)).deep.equals(['::'])
    expect((await ask(other, '/', '127.0.0.2')).status).equals(503)
    await say({ kind: 'service.deleted', namespace: 'shop', name: 'web' })
    expect(await codeOf(ask(other))).equals('ECONNREFUSED')
  })

  it('that can’t be had are told of, and taken once they are free', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const holder = createServer()
    await new Promise<void>(resolve => void holder.listen(port, '127.0.0.1', resolve))
    try {
      const both = [service('web', port), service('api', other), service('zoo', other)]
      await say(...both.map(each => ({ kind: 'service.upserted', service: each }) as const))
      await ports.changed()
      expect(ports.view.problems).has.deep.members([
        { service: 'shop/zoo', address: '127.0.0.1', port: other, reason: 'shop/api has it' },
        { service: 'shop/web', address: '127.0.0.1', port, reason: 'EADDRINUSE' },
      ])
      expect(said).deep.equals([
        `WEIR_PORT_UNAVAILABLE: port ${port} at 127.0.0.1 for the health of shop/web: EADDRINUSE`,
      ])
      expect((await ask(other)).body).deep.include({ service: { namespace: 'shop', name: 'api' } })
    } finally {
      await new Promise(resolve => holder.close(resolve))
    }
    await say({ kind: 'service.deleted', namespace: 'shop', name: 'api' })
    expect(ports.view.problems).empty
    expect((await ask(port)).status).equals(503)
    expect((await ask(other)).body).deep.include({ service: { namespace: 'shop', name: 'zoo' } })
  })

  it('answer for the node itself where that is asked for', async () => {
    await ports.close()
    const port = await freePort()
    start({ healthz: { address: '127.0.0.1', port }, updatedAt: () => 1000 })
    await ports.changed()
    const { status, body } = await ask(port, '/healthz')
    expect(status).equals(200)
    expect(body).includes({ lastUpdated: '1970-01-01T00:00:01.000Z' }).and.has.property('currentTime')
    trouble = 'no more inputs'
    expect((await ask(port, '/healthz')).status).equals(503)
    expect((await ask(port, '/metrics')).status).equals(404)
  })
})
