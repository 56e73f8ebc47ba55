import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Server } from 'node:net'
import type { Socket as DatagramSocket } from 'node:dgram'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeNetwork, type NodeNetwork, type PodLink } from '@weir/adapters/network/node-network.js'
import { ipBatch } from '@weir/adapters/network/run.js'
import { listenTcpIn, udpSocketIn } from 'netns-napi'
import { AgentProcess } from './agent-process.js'

export const families = [4, 6] as const
export type Family = (typeof families)[number]
export type Both = Readonly<Record<Family, string>>

/** The nodes on their common link, and the address that `b` has besides. */
export const nodes = {
  a: { 4: '192.0.2.1', 6: '2001:db8:2::1' },
  b: { 4: '192.0.2.2', 6: '2001:db8:2::2' },
} as const satisfies Readonly<Record<string, Both>>
export type NodeName = keyof typeof nodes
export const egressIp = '192.0.2.99'
/** Of one pod on each node. */
export const pods = {
  a: { 4: '10.77.1.1', 6: 'fd77:0:0:1::1' },
  b: { 4: '10.77.2.1', 6: 'fd77:0:0:2::1' },
} as const satisfies Readonly<Record<string, Both>>
/** Of a server behind the router; the second pair is one that is to see pods' own addresses. */
export const servers = {
  plain: { 4: '203.0.113.7', 6: '2001:db8:113::7' },
  known: { 4: '203.0.113.200', 6: '2001:db8:200::7' },
} as const satisfies Readonly<Record<string, Both>>
const router: Both = { 4: '192.0.2.254', 6: '2001:db8:2::ff' }
const podBlock = (node: NodeName, family: Family): string => {
  const part = node === 'a' ? 1 : 2
  return family === 4 ? `10.77.${part}.0/24` : `fd77:0:0:${part}::/64`
}
export const serverPorts = { tcp: 7000, udp: 7001 } as const

const lengths = { 4: 24, 6: 64 } as const
const nodad = (family: Family): string => (family === 6 ? ' nodad' : '')

interface Node {
  readonly agent: AgentProcess
  readonly network: NodeNetwork
  readonly link: PodLink
}

/** Two nodes with a pod each, a router between them and a server, which tells whom it sees. */
export class WayOutSite {
  readonly folder: string
  readonly #nodes: Readonly<Record<NodeName, Node>>
  readonly #closing: readonly (() => unknown)[]

  private constructor(folder: string, made: Readonly<Record<NodeName, Node>>, closing: readonly (() => unknown)[]) {
    this.folder = folder
    this.#nodes = made
    this.#closing = closing
  }

  /** @param words further options of both agents */
  static async create(id: string, words: readonly string[] = []): Promise<WayOutSite> {
    const closing: (() => unknown)[] = []
    try {
      const folder = mkdtempSync(join(tmpdir(), 'weir-way-out-'))
      closing.push(() => rmSync(folder, { recursive: true, force: true }))
      mkdirSync(join(folder, 'manifests'))
      writeFileSync(join(folder, 'manifests', 'cluster.yaml'), manifests(id))
      // Without a file the blocks that the servers are in count as private.
      writeFileSync(join(folder, 'ip-masq'), 'nonMasqueradeCIDRs: []\n')
      const lan = `weir-${id}-lan`
      await ipBatch([`netns add ${lan}`])
      closing.push(() => ipBatch([`netns delete ${lan}`], { force: true }))
      await ipBatch(deviceLines, { netns: lan })
      const made = {
        a: await nodeOf('a', id, lan, folder, words, closing),
        b: await nodeOf('b', id, lan, folder, words, closing),
      }
      await ipBatch(routeLines, { netns: lan })
      for (const address of Object.values(servers).flatMap(server => families.map(family => server[family])))
        await serve(`/run/netns/${lan}`, address, closing)
      for (const node of ['a', 'b'] as const) {
        closing.push(() => made[node].agent.end('SIGKILL'))
        await made[node].agent.start()
        await attach(join(folder, `${node}.sock`), node, made[node].link)
      }
      return new WayOutSite(folder, made, closing)
    } catch (error) {
      for (const close of closing.reverse()) await close()
      throw error
    }
  }

  agent(node: NodeName): AgentProcess {
    return this.#nodes[node].agent
  }

  /** Of the node's pod. */
  netnsOf(node: NodeName): string {
    return this.#nodes[node].link.netnsPath
  }

  nodeNetnsOf(node: NodeName): string {
    return this.#nodes[node].network.netnsPath
  }

  /** A file of the folder that both agents follow. */
  say(file: string, text: string): void {
    writeFileSync(join(this.folder, 'manifests', file), text)
  }

  /** Gives the node's device this IPv4 address in place of the one that it has. */
  async readdress(node: NodeName, address: string): Promise<void> {
    const { netns } = this.#nodes[node].network
    await ipBatch(
      [`address delete ${nodes[node][4]}/24 dev eth0`, `address add ${address}/24 dev eth0`, defaultRoute(4)],
      { netns },
    )
  }

  async close(): Promise<void> {
    for (const close of [...this.#closing].reverse()) await close()
  }
}

const defaultRoute = (family: Family): string => `route add default via ${router[family]}`

const nodeNameOf = (node: NodeName, id: string): string => `out-${node}-${id}`

const deviceLines = [
  'link set lo up',
  'link add br0 type bridge',
  'link set br0 up',
  ...families.map(family => `address add ${router[family]}/${lengths[family]} dev br0${nodad(family)}`),
  ...Object.values(servers).flatMap(server =>
    families.map(family => `address add ${server[family]}/${family === 4 ? 32 : 128} dev lo${nodad(family)}`),
  ),
]

/** The router knows where pods are, so that only the nodes decide what the server sees. */
const routeLines = (['a', 'b'] as const).flatMap(node =>
  families.map(family => `route add ${podBlock(node, family)} via ${nodes[node][family]}`),
)

async function nodeOf(
  node: NodeName,
  id: string,
  lan: string,
  folder: string,
  words: readonly string[],
  closing: (() => unknown)[],
): Promise<Node> {
  const network = await createNodeNetwork({ id: `${id}${node}`, nodeAddresses: [] })
  closing.push(() => network.destroy())
  const other = node === 'a' ? 'b' : 'a'
  await ipBatch([`link add port-${node} netns ${lan} type veth peer name eth0 netns ${network.netns}`])
  await ipBatch([`link set port-${node} master br0 up`], { netns: lan })
  await ipBatch(
    [
      'link set eth0 up',
      ...families.map(family => `address add ${nodes[node][family]}/${lengths[family]} dev eth0${nodad(family)}`),
      ...(node === 'b' ? [`address add ${egressIp}/24 dev eth0`] : []),
      ...families.map(defaultRoute),
      ...families.map(family => `route add ${podBlock(other, family)} via ${nodes[other][family]}`),
    ],
    { netns: network.netns },
  )
  const [link] = await network.addPods([{ addresses: families.map(family => pods[node][family]) }])
  const name = nodeNameOf(node, id)
  closing.push(() => rmSync(`/sys/fs/bpf/weir/${name}`, { recursive: true, force: true }))
  const agent = new AgentProcess(join(folder, `${node}.sock`), [
    ...['--state', join(folder, `state-${node}`), '--manifests', join(folder, 'manifests')],
    ...['--node', name, '--backend', 'kernel', '--netns', network.netnsPath, '--device', 'eth0'],
    ...['--ip-masq-config', join(folder, 'ip-masq')],
    ...words,
  ])
  return { agent, network, link: link! }
}

/** A server that says from where it is asked, and echoes what it gets. */
async function serve(netns: string, address: string, closing: (() => unknown)[]): Promise<void> {
  const tcp: Server = await listenTcpIn(netns, {
    address,
    port: serverPorts.tcp,
    onConnection: socket => {
      socket.on('error', () => {})
      socket.write(`${socket.remoteAddress} ${socket.remotePort}\n`)
      socket.pipe(socket)
    },
  })
  const udp: DatagramSocket = await udpSocketIn(netns, { address, port: serverPorts.udp })
  udp.on('message', (_, from) => udp.send(`${from.address} ${from.port}`, from.port, from.address))
  closing.push(
    () => tcp.close(),
    () => udp.close(),
  )
}

async function attach(socketPath: string, node: NodeName, link: PodLink): Promise<void> {
  const { ifindex, ifname, hostMac, podMac } = link
  const endpoint = { namespace: 'shop', pod: `pod-${node}`, ifindex, ifname, hostMac, podMac }
  const status = await new Promise<number>((resolve, reject) => {
    const asking = request({ socketPath, path: '/v1/endpoints', method: 'POST' }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asking.on('error', reject)
    asking.end(JSON.stringify(endpoint))
  })
  if (status >= 300) throw new Error(`the endpoint of ${node} was refused: ${status}`)
}

function manifests(id: string): string {
  const objects = (['a', 'b'] as const).flatMap(node => [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeNameOf(node, id), labels: { node } },
      spec: { podCIDRs: families.map(family => podBlock(node, family)) },
      status: { addresses: families.map(family => ({ type: 'InternalIP', address: nodes[node][family] })) },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${node}`, namespace: 'shop', labels: { app: `app-${node}` } },
      spec: { nodeName: nodeNameOf(node, id), containers: [{ name: 'c', image: 'i' }] },
      status: { podIP: pods[node][4], podIPs: families.map(family => ({ ip: pods[node][family] })) },
    },
  ])
  return objects.map(each => JSON.stringify(each)).join('\n---\n')
}
