import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeNetwork, type NodeNetwork } from '@weir/adapters/network/node-network.js'
import { ipBatch } from '@weir/adapters/network/run.js'
import { expect } from 'chai'
import { connectTcpIn, listenTcpIn } from 'netns-napi'
import { AgentProcess, eventually } from './agent-process.js'
import { hostManifests, port, toPorts } from './host-manifests.js'
import { nodeAddresses, requireKernel, worldAddresses } from './stage.js'

/** Addresses of the node's device that nothing names. */
const unnamed = ['198.51.100.78', '2001:db8:78::78'] as const
const elsewhere = ['203.0.113.79', 'fd78::79'] as const
const ports = { open: 8080, shut: 9090, far: 443 } as const

describe('what a node finds of itself when a policy selects it (needs root and eBPF)', function () {
  this.timeout(60_000)
  const id = `f${process.pid}`
  const node = `found-${id}`
  const folder = mkdtempSync(join(tmpdir(), 'weir-found-'))
  const inputs = join(folder, 'manifests')
  const cluster = { node, nodeAddresses, podAddresses: ['10.77.1.1'], otherNode: elsewhere, apiServer: [] }
  const sockets: Socket[] = []
  /** The taking ends of connections, by their callers' address and port. */
  const taken = new Map<string, Socket>()
  let network: NodeNetwork
  let agent: AgentProcess
  let servers: readonly Server[] = []
  let isSelected = false

  before(async function () {
    await requireKernel(this)
    mkdirSync(inputs)
    writeFileSync(join(inputs, 'cluster.yaml'), hostManifests(cluster, undefined))
    network = await createNodeNetwork({ id, nodeAddresses, worldAddresses })
    // A device that loses its last address loses its routes.
    await ipBatch(['address add 198.51.100.79/32 dev weir-out'], { netns: network.netns })
    await give('add')
    const onConnection = (socket: Socket): void => {
      sockets.push(socket)
      socket.on('error', () => {})
      taken.set(`${socket.remoteAddress!.replace('::ffff:', '')} ${socket.remotePort}`, socket)
    }
    const listening: readonly (readonly [string, number])[] = [
      [network.netnsPath, ports.open],
      [network.netnsPath, ports.shut],
      [network.world!.netnsPath, ports.far],
    ]
    servers = await Promise.all(listening.map(([netns, each]) => listenTcpIn(netns, { port: each, onConnection })))
    agent = new AgentProcess(join(folder, 'agent.sock'), [
      ...['--state', join(folder, 'state'), '--manifests', inputs, '--node', node, '--backend', 'kernel'],
      ...['--netns', network.netnsPath, '--device', 'weir-out*'],
    ])
    await agent.start()
  })

  after(async () => {
    await agent?.end('SIGKILL')
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    rmSync(`/sys/fs/bpf/weir/${node}`, { recursive: true, force: true })
    await network?.destroy()
    rmSync(folder, { recursive: true, force: true })
  })

  afterEach(async () => {
    if (isSelected) await apply(undefined)
  })

  async function give(verb: 'add' | 'delete'): Promise<void> {
    const [four, six] = unnamed
    const lines = [`address ${verb} ${four}/32 dev weir-out`, `address ${verb} ${six}/128 dev weir-out nodad`]
    await ipBatch(lines, { netns: network.netns })
  }

  /** Changes the policy of the node; resolves when it is enforced. */
  async function apply(policy: Readonly<Record<string, object>> | undefined): Promise<void> {
    isSelected = policy !== undefined
    const { reconcile, log } = await agent.status()
    writeFileSync(join(inputs, 'cluster.yaml'), hostManifests(cluster, policy))
    await eventually(async () => {
      const now = await agent.status()
      return now.log.head > log.head && now.reconcile.applied > reconcile.applied ? now : undefined
    })
  }

  interface Connection {
    readonly caller: Socket
    readonly taker: Socket
  }

  async function connect(from: 'node' | 'world', address: string, to: number, timeoutMs = 3000): Promise<Connection> {
    const netns = from === 'node' ? network.netnsPath : network.world!.netnsPath
    const caller = await connectTcpIn(netns, { address, port: to, timeoutMs })
    sockets.push(caller)
    caller.on('error', () => {})
    const name = `${caller.localAddress} ${caller.localPort}`
    const taker = await eventually(async () => taken.get(name))
    return { caller, taker }
  }

  const connects = (address: string, to: number): Promise<boolean> =>
    connect('world', address, to, 400).then(
      () => true,
      () => false,
    )

  /** Whether what one end says comes to the other. */
  async function carries(from: Socket, to: Socket, timeoutMs: number): Promise<boolean> {
    return await new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), timeoutMs)
      to.once('data', () => {
        clearTimeout(timer)
        resolve(true)
      })
      from.write('x')
    })
  }

  const all = (connections: readonly Connection[], way: (connection: Connection) => Promise<boolean>) =>
    Promise.all(connections.map(way))
  const call = (): Promise<Connection[]> =>
    Promise.all(worldAddresses.map(address => connect('node', address, ports.far)))
  const take = (to: number): Promise<Connection[]> =>
    Promise.all(nodeAddresses.map(address => connect('world', address, to)))

  const decidedBy = async (address: string): Promise<string> =>
    JSON.stringify(
      await agent.client.get<unknown>(
        `/v1/why?from=${worldAddresses[address.includes(':') ? 1 : 0]}&to=${
          address.includes(':') ? `[${address}]` : address
        }:${ports.shut}`,
      ),
    )

  const takesOpen = [{ fromEntities: ['world'], toPorts: toPorts(port(ports.open)) }]

  it('holds its policy for addresses that nothing but its device tells of, as long as they are there', async () => {
    for (const address of unnamed) expect(await connects(address, ports.shut), `${address}, no policy`).to.equal(true)
    await apply({ ingress: takesOpen })
    for (const address of unnamed) {
      expect(await connects(address, ports.open), `${address}, allowed`).to.equal(true)
      expect(await connects(address, ports.shut), `${address}, denied`).to.equal(false)
      expect(await decidedBy(address)).to.contain('CiliumClusterwideNetworkPolicy nodes')
    }
    const { host, log } = await agent.status()
    expect(host.devices.flatMap(({ addresses }) => addresses)).to.include.members([...unnamed])
    await give('delete')
    await give('add')
    await eventually(async () => ((await agent.status()).host.devices[0]!.addresses.length > 0 ? true : undefined))
    expect(await connects(unnamed[0], ports.shut), 'gone and come').to.equal(false)
    expect((await agent.status()).log.head, 'events of a moment’s absence').to.equal(log.head)
    await give('delete')
    await eventually(async () => ((await agent.status()).log.head > log.head ? true : undefined))
    expect(await decidedBy(unnamed[0])).to.not.contain('CiliumClusterwideNetworkPolicy nodes')
    await give('add')
    await eventually(async () => ((await decidedBy(unnamed[0])).includes('nodes') ? true : undefined))
    expect(await connects(unnamed[0], ports.shut), 'come back').to.equal(false)
  })

  it('goes on hearing from whom it had called when it takes nothing any more', async () => {
    const [called, cut] = await Promise.all([call(), take(ports.shut)])
    await apply({ ingress: takesOpen })
    expect(await all(called, ({ caller, taker }) => carries(taker, caller, 2000)), 'called').to.deep.equal([true, true])
    expect(await all(called, ({ caller, taker }) => carries(caller, taker, 2000)), 'back').to.deep.equal([true, true])
    expect(await all(cut, ({ caller, taker }) => carries(caller, taker, 500)), 'taken').to.deep.equal([false, false])
    for (const address of nodeAddresses) expect(await connects(address, ports.shut), address).to.equal(false)
  })

  it('goes on answering who had called it when it may call nobody any more', async () => {
    const [kept, cut] = await Promise.all([take(ports.open), call()])
    await apply({ ingress: takesOpen, egress: [{ toEntities: ['world'], toPorts: toPorts(port(444)) }] })
    expect(await all(kept, ({ caller, taker }) => carries(taker, caller, 2000)), 'taken').to.deep.equal([true, true])
    expect(await all(cut, ({ caller, taker }) => carries(caller, taker, 500)), 'called').to.deep.equal([false, false])
  })
})
