import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ServiceReconciler } from '@weir/datapath'
import { createKernelBackend, type KernelBackendHandle } from '@weir/datapath/kernel/backend.js'
import { socketPrograms } from '@weir/datapath/kernel/sockets.js'
import { expect } from 'chai'
import { type Endpoint, ServiceCluster, type ServiceOf } from '../datapath/service-cluster.js'
import { type Answer, makeCgroup, removeCgroup, SocketProcess } from './socket-process.js'
import { requireKernel } from './stage.js'

const node = `socklb-${process.pid}`
const small = { weir_slots: 8192, weir_addr4: 64, weir_addr6: 64, weir_ct4: 1024, weir_ct6: 1024, weir_rows: 64 }
/** Ports of this process alone: other runs may use the loopback too. */
const base = 20_000 + (process.pid % 4000) * 2
const addresses = ['127.77.0.1', '127.77.0.2', '127.77.0.3', '::1'] as const
const web: ServiceOf = {
  name: 'web',
  clusterIps: ['127.96.77.1', 'fd96:77::1'],
  port: 80,
  targetPort: base,
  nodePort: 30_000 + (process.pid % 2700),
}
const dns: ServiceOf = {
  name: 'dns',
  clusterIps: ['127.96.77.2', 'fd96:77::2'],
  port: 53,
  protocol: 'UDP',
  targetPort: base + 1,
}
const all: readonly Endpoint[] = ['127.77.0.1', '127.77.0.2', '::1'].map(address => ({ address }))

describe('services at the sockets of processes (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(60_000)
  const closing: (() => unknown)[] = []
  const cluster = new ServiceCluster(['127.99.0.9'])
  let cgroup: string
  let backend: KernelBackendHandle
  let reconciler: ServiceReconciler
  let client: SocketProcess
  let refusal: string

  before(async function () {
    await requireKernel(this)
    const made = makeCgroup(`weir-${node}`)
    if (made === undefined) return this.skip()
    cgroup = made
    closing.unshift(() => removeCgroup(made))
    for (const address of addresses) await serve(address)
    for (const service of [web, dns]) {
      cluster.service(service)
      cluster.endpoints(service, all)
    }
    await install()
    closing.unshift(async () => (await SocketProcess.start(cgroup)).end())
    client = await SocketProcess.start(cgroup)
    closing.unshift(() => client.end())
  })

  after(async () => {
    for (const close of closing) await close()
  })

  /** Servers that say which they are. */
  async function serve(address: string): Promise<void> {
    const tcp = createServer(socket =>
      socket
        .on('error', () => {})
        .resume()
        .end(address),
    )
    tcp.listen(base, address)
    await once(tcp, 'listening')
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    udp.on('message', (_, from) => udp.send(address, from.port, from.address))
    udp.bind(base + 1, address)
    await once(udp, 'listening')
    closing.unshift(
      () => new Promise(resolve => tcp.close(resolve)),
      () => new Promise<void>(resolve => udp.close(() => resolve())),
    )
  }

  async function install(): Promise<void> {
    backend = createKernelBackend({ node, maxEntries: small })
    const own = backend
    closing.unshift(() => {
      own.uninstall()
      own.close()
    })
    refusal = backend.features.refusal
    reconciler = new ServiceReconciler(backend)
    await reconciler.start(cluster.engine.tables)
    backend.attachSockets(cgroup)
  }

  const endpoints = (service: ServiceOf, list: readonly Endpoint[]) =>
    reconciler.apply(cluster.endpoints(service, list), cluster.engine.tables)
  const tcp = (host: string, port = 80) => client.ask({ call: 'tcp', host, port })
  async function saidBy(host: string, port = 80, times = 30): Promise<ReadonlySet<string>> {
    const answers = await Promise.all(Array.from({ length: times }, () => tcp(host, port)))
    return new Set(answers.map(answer => ('error' in answer ? answer.error : answer.said)))
  }

  it('attaches all programs, and finds them again', () => {
    expect(backend.socketsAttached()).to.equal(socketPrograms.length)
  })

  it('leads TCP to the backends in both families and shows the service as the peer', async () => {
    expect(await saidBy('127.96.77.1')).to.have.all.keys('127.77.0.1', '127.77.0.2')
    expect(await tcp('127.96.77.1')).to.include({ peer: '127.96.77.1 80' })
    expect(await tcp('fd96:77::1')).to.deep.equal({ said: '::1', peer: 'fd96:77::1 80' })
  })

  it('does so for IPv6 sockets that speak IPv4', async () => {
    expect(await saidBy('::ffff:127.96.77.1')).to.have.all.keys('127.77.0.1', '127.77.0.2')
    expect(await tcp('::ffff:127.96.77.1')).to.include({ peer: '::ffff:127.96.77.1 80' })
  })

  it('leads UDP to one backend a socket, connected or not, and shows answers as the service’s', async () => {
    for (const call of ['udp', 'connected-udp'] as const) {
      for (const [host, own] of [
        ['127.96.77.2', ['127.77.0.1', '127.77.0.2']],
        ['fd96:77::2', ['::1']],
        ['::ffff:127.96.77.2', ['127.77.0.1', '127.77.0.2']],
      ] as const) {
        const said = new Set<string>()
        for (let time = 0; time < 12; time += 1) {
          const ask = { call, host, port: 53, socket: `${call} ${host} ${time}` } as const
          const first = await client.ask(ask)
          expect(first, `${call} ${host}`).to.include({ peer: `${host} 53` })
          if (!('error' in first)) said.add(first.said)
          expect(await client.ask(ask), 'the same backend').to.deep.equal(first)
        }
        expect([...said].sort()).to.deep.equal([...own])
      }
    }
  })

  it('lets everything else alone', async () => {
    expect(await tcp('127.77.0.3', base)).to.deep.equal({ said: '127.77.0.3', peer: `127.77.0.3 ${base}` })
    expect(await tcp('127.77.0.1', base)).to.deep.equal({ said: '127.77.0.1', peer: `127.77.0.1 ${base}` })
  })

  it('has node ports on every address of the node, and keeps others from binding to them', async () => {
    const port = web.nodePort!
    for (const host of ['127.99.0.9', '127.0.0.1', '0.0.0.0'])
      expect(await saidBy(host, port), host).to.have.all.keys('127.77.0.1', '127.77.0.2')
    for (const host of ['0.0.0.0', '127.0.0.1', '127.99.0.9', '::'])
      expect(await client.ask({ call: 'bind', host, port }), host).to.deep.equal({
        error: refusal === 'EPERM' ? 'EPERM' : 'EADDRINUSE',
      })
    expect(await client.ask({ call: 'bind', host: '127.77.0.3', port: 0 })).to.include({ said: 'bound' })
  })

  it('refuses at once what has no backend', async () => {
    await endpoints(web, [])
    await endpoints(dns, [])
    const start = performance.now()
    for (const host of ['127.96.77.1', 'fd96:77::1', '::ffff:127.96.77.1'])
      expect(await tcp(host), host).to.deep.equal({ error: refusal })
    for (const call of ['udp', 'connected-udp'] as const)
      expect(await client.ask({ call, host: '127.96.77.2', port: 53, socket: `none ${call}` })).to.deep.equal({
        error: refusal,
      })
    expect(performance.now() - start).to.be.lessThan(1000)
    await endpoints(web, all)
    await endpoints(dns, all)
  })

  it('sends nothing to what has weight 0 or terminates, and keeps a client where affinity wants it', async () => {
    const weigh = (weight?: number) =>
      cluster.tell({
        kind: 'backend.configured',
        backend: {
          target: { kind: 'address', address: '127.77.0.1', port: base, protocol: 'TCP' },
          state: 'active',
          ...(weight !== undefined && { weight }),
        },
      })
    await reconciler.apply(weigh(0), cluster.engine.tables)
    expect(await saidBy('127.96.77.1')).to.have.all.keys('127.77.0.2')
    await reconciler.apply(weigh(), cluster.engine.tables)
    const leaving = { address: '127.77.0.2', ready: false, terminating: true }
    await endpoints(web, [{ address: '127.77.0.1' }, leaving, { address: '::1' }])
    expect(await saidBy('127.96.77.1')).to.have.all.keys('127.77.0.1')
    await endpoints(web, [leaving, { address: '::1' }])
    expect(await saidBy('127.96.77.1'), 'as a last resort').to.have.all.keys('127.77.0.2')
    await endpoints(web, all)
    await reconciler.apply(cluster.service({ ...web, affinitySeconds: 60 }), cluster.engine.tables)
    expect((await saidBy('127.96.77.1')).size).to.equal(1)
    await reconciler.apply(cluster.service(web), cluster.engine.tables)
    expect((await saidBy('127.96.77.1')).size).to.equal(2)
  })

  it('fails no connection while backends come and go', async () => {
    const one = ['127.77.0.1', '127.77.0.2', '127.77.0.3'].map(address => ({ address }))
    // A slow machine, or an emulated one, needs several turns.
    for (let changes = 0; changes <= 50; ) {
      const loads = Array.from({ length: 8 }, () =>
        client.ask({ call: 'load', host: '127.96.77.1', port: 80, durationMs: 3000 }),
      )
      for (const end = performance.now() + 2800; performance.now() < end; changes += 1) {
        await endpoints(web, [...one.filter((_, at) => at !== changes % 3), { address: '::1' }])
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      const results = (await Promise.all(loads)).map(
        answer => JSON.parse('said' in answer ? answer.said : '{}') as object,
      )
      for (const result of results) expect(result).to.deep.include({ failures: {} })
    }
    await endpoints(web, all)
  })

  it('goes on when the agent is killed, and a new one changes nothing that is right', async () => {
    const script = fileURLToPath(new URL('./socket-survivor.js', import.meta.url))
    const other = makeCgroup(`weir-${node}-survivor`)!
    let child: ChildProcess | undefined
    let process_: SocketProcess | undefined
    try {
      child = spawn(process.execPath, [script, `${node}-s`, other, String(base)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout!, 'data')
      process_ = await SocketProcess.start(other)
      const ask = () => process_!.ask({ call: 'tcp', host: '127.96.78.1', port: 80 })
      const through: Answer = { said: '127.77.0.3', peer: '127.96.78.1 80' }
      expect(await ask()).to.deep.equal(through)
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      expect(await ask(), 'without an agent').to.deep.equal(through)
      const again = createKernelBackend({ node: `${node}-s`, maxEntries: small })
      try {
        expect(again.socketsAttached()).to.equal(socketPrograms.length)
        const { survivorCluster } = await import('./survivor-cluster.js')
        const next = new ServiceReconciler(again)
        const { tables } = survivorCluster(base).engine
        expect((await next.start(tables)).writes).to.deep.equal({})
        again.attachSockets(other)
        expect(await ask(), 'with a new agent').to.deep.equal(through)
        again.attachSockets(cgroup)
        expect(await ask(), 'moved to another cgroup').to.deep.equal({ error: 'ECONNREFUSED' })
      } finally {
        again.uninstall()
        again.close()
      }
    } finally {
      child?.kill('SIGKILL')
      await process_?.end()
      await removeCgroup(other)
    }
  })

  it('says what is wrong with a cgroup', () => {
    for (const path of ['/nonesuch', '/tmp'])
      expect(() => backend.attachSockets(path))
        .to.throw(path)
        .with.property('code', 'WEIR_CGROUP_UNUSABLE')
    expect(backend.socketsAttached()).to.equal(socketPrograms.length)
  })

  it('is as if it had never been once it is taken away', async () => {
    backend.detachSockets()
    backend.detachSockets()
    expect(backend.socketsAttached()).to.equal(0)
    expect(await tcp('127.99.0.9', web.nodePort)).to.deep.equal({ error: 'ECONNREFUSED' })
    expect(await client.ask({ call: 'bind', host: '127.0.0.1', port: web.nodePort! })).to.include({ said: 'bound' })
  })
})
