import type { Server } from 'node:net'
import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import { listenTcpIn, udpSocketIn } from 'netns-napi'
import { serviceBody, sliceBody } from '../datapath/service-cluster.js'
import { type Answer, makeCgroup, removeCgroup, SocketProcess } from './socket-process.js'
import { requireKernel, Stage } from './stage.js'

const id = `j${process.pid}`
/** Where servers listen that say which pod they are in. */
const port = 8090
const covered = { tcp: ['10.96.81.1', 'fd96:81::1'], udp: ['10.96.81.2', 'fd96:81::2'] } as const

describe('a redirect that spares its own backends (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(30_000)
  const closing: (() => unknown)[] = []
  const clients = new Map<string, SocketProcess>()
  let stage: Stage

  before(async function () {
    await requireKernel(this)
    const cgroup = makeCgroup(`weir-${id}`)
    if (cgroup === undefined) return this.skip()
    closing.unshift(() => removeCgroup(cgroup))
    stage = await Stage.create(id, { cgroup })
    closing.unshift(() => stage.close())
    for (const pod of ['red/server', 'blue/server']) for (const family of [4, 6] as const) await serve(pod, family)
    const tcp = { name: 'web', clusterIps: covered.tcp, targetPort: port }
    const udp = { name: 'names', clusterIps: covered.udp, targetPort: port, protocol: 'UDP' } as const
    const beneath = [tcp, udp].flatMap((service): EventBody[] => [
      serviceBody(service),
      sliceBody(service, 'v4', [{ address: stage.addressOf('red/server', 4) }]),
      sliceBody(service, 'v6', [{ address: stage.addressOf('red/server', 6) }]),
    ])
    await stage.agent.submit('test', beneath)
    for (const pod of ['red/client', 'blue/server']) {
      const client = await SocketProcess.start(cgroup, stage.netnsOf(pod))
      clients.set(pod, client)
      closing.unshift(() => client.end())
    }
  })

  after(async () => {
    for (const close of closing) await close()
  })

  /** Says who it is, to whoever calls. */
  async function serve(pod: string, family: 4 | 6): Promise<void> {
    const [netns, address] = [stage.netnsOf(pod), stage.addressOf(pod, family)]
    const server: Server = await listenTcpIn(netns, {
      address,
      port,
      onConnection: socket =>
        socket
          .on('error', () => {})
          .resume()
          .end(pod),
    })
    closing.unshift(() => new Promise(resolve => server.close(resolve)))
    const socket = await udpSocketIn(netns, { address, port })
    socket.on('message', (_, from) => socket.send(pod, from.port, from.address))
    closing.unshift(() => new Promise<void>(resolve => socket.close(() => resolve())))
  }

  const redirect = (protocol: 'TCP' | 'UDP', address: string): EventBody => ({
    kind: 'localredirect.upserted',
    redirect: {
      namespace: 'blue',
      name: `near-${protocol.toLowerCase()}-${address.includes(':') ? 6 : 4}`,
      frontend: { kind: 'address', address, ports: [{ name: '', protocol, port: 80 }] },
      selector: [{ key: 'app', operator: 'In', values: ['server'] }],
      backendPorts: [{ name: '', protocol, port }],
      skipRedirectFromBackend: true,
    },
  })

  let sockets = 0
  const asks = {
    tcp: (pod: string, host: string) => clients.get(pod)!.ask({ call: 'tcp', host, port: 80 }),
    udp: (pod: string, host: string) => {
      sockets += 1
      return clients.get(pod)!.ask({ call: 'udp', host, port: 80, socket: `${sockets}` })
    },
  }
  const isFrom = (pod: string, host: string): Answer => ({ said: pod, peer: `${host} 80` })

  for (const kind of ['tcp', 'udp'] as const)
    it(`leads others to its backends, and these to what lies beneath, with ${kind.toUpperCase()}`, async () => {
      for (const host of covered[kind])
        for (const pod of ['red/client', 'blue/server'])
          expect(await asks[kind](pod, host), `${pod} before`).to.deep.equal(isFrom('red/server', host))
      await stage.agent.submit(
        'test',
        covered[kind].map(host => redirect(kind === 'tcp' ? 'TCP' : 'UDP', host)),
      )
      for (const host of covered[kind]) {
        expect(await asks[kind]('red/client', host), 'others').to.deep.equal(isFrom('blue/server', host))
        expect(await asks[kind]('blue/server', host), 'itself').to.deep.equal(isFrom('red/server', host))
      }
    })
})
