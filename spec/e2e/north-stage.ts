import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { createNodeNetwork, netnsFolder, type NodeNetwork, type PodLink } from '@weir/adapters/network/node-network.js'
import { ipBatch, run } from '@weir/adapters/network/run.js'
import type { EventBody } from '@weir/core'
import { connectTcpIn, listenTcpIn, udpSocketIn } from 'netns-napi'
import {
  balanced,
  clientGateways,
  connectAll,
  families,
  of,
  type Pair,
  routerDevice,
  type SiteName,
  sites,
  takeFrames,
  uplinkDevice,
} from './north-network.js'
import { NorthProcess } from './north-process.js'

export const servicePort = 80
const targetPort = 8080
/** Of a service that counts what clients send, on the second node alone. */
export const countingPort = 81
export const countingTarget = 9090
export const nodePorts = { web: 30_080, local: 30_081 } as const

/**
 * Two nodes with a pod each, a client outside, and a router between them all. Each node has an agent of its own in this
 * process. The service `web` has both pods, `local` the same by an external policy of Local.
 */
export class NorthStage {
  readonly agents: Readonly<Partial<Record<SiteName, Agent>>>
  /** In place of agents in this process, where they are to be killed. */
  readonly processes: readonly NorthProcess[]
  readonly client: string
  readonly router: string
  readonly #networks: readonly NodeNetwork[]
  readonly #prefix: string
  readonly #folder: string
  readonly #closing: (() => Promise<void>)[]

  private constructor(
    agents: Readonly<Partial<Record<SiteName, Agent>>>,
    processes: readonly NorthProcess[],
    networks: readonly NodeNetwork[],
    prefix: string,
    folder: string,
    closing: (() => Promise<void>)[],
  ) {
    this.agents = agents
    this.processes = processes
    this.router = `${netnsFolder}/${prefix}-router`
    this.client = `${netnsFolder}/${prefix}-client`
    this.#networks = networks
    this.#prefix = prefix
    this.#folder = folder
    this.#closing = closing
  }

  /** @param inProcesses agents are processes of their own */
  static async create(id: string, options: Partial<AgentOptions> = {}, inProcesses = false): Promise<NorthStage> {
    const prefix = `weir-${id}`
    const folder = await mkdtemp(join(tmpdir(), 'weir-north-'))
    const networks: NodeNetwork[] = []
    const closing: (() => Promise<void>)[] = []
    const agents: Partial<Record<SiteName, Agent>> = {}
    const processes: NorthProcess[] = []
    try {
      for (const { name, node } of sites)
        networks.push(await createNodeNetwork({ id: `${id}${name}`, nodeAddresses: node }))
      await connectAll(prefix, networks)
      closing.push(takeFrames(`${netnsFolder}/${prefix}-router`))
      for (const [at, { name, node, pod }] of sites.entries()) {
        const network = networks[at]!
        const own = {
          stateFolder: join(folder, name),
          node: name,
          backend: 'kernel',
          pinName: `${id}${name}`,
          netns: network.netnsPath,
          nodeAddresses: node,
          devices: [uplinkDevice],
          ...options,
        } as const
        if (inProcesses) processes.push(new NorthProcess(own))
        else agents[name as SiteName] = await createAgent({ clock: systemClock, ...own })
        await processes[at]?.start()
        const [link] = await network.addPods([{ addresses: pod }])
        await run('ip', ['netns', 'exec', link!.netns, 'ethtool', '-K', 'eth0', 'tx', 'off'])
        closing.push(...(await serve(link!, name, pod)))
        const facts = [...clusterFacts, ...endpointFacts(name, link!)]
        await agents[name as SiteName]?.submit('stage', facts)
        await processes[at]?.submit(facts)
      }
      return new NorthStage(agents, processes, networks, prefix, folder, closing)
    } catch (error) {
      await new NorthStage(agents, processes, networks, prefix, folder, closing).close()
      throw error
    }
  }

  /** The name of a node's namespace. */
  netnsOf(name: SiteName): string {
    return this.#networks[sites.findIndex(site => site.name === name)]!.netns
  }

  /**
   * What a server says to the client: its node's name, and whom it takes the client for; undefined when none answers.
   * @param options.from the client's port where it isn't just any, of UDP
   */
  async ask(
    protocol: 'TCP' | 'UDP',
    to: string,
    port: number,
    { timeoutMs = 5000, bytes = 4, from = 0 } = {},
  ): Promise<string | undefined> {
    if (protocol === 'TCP') {
      const socket = await connectTcpIn(this.client, { address: to, port, timeoutMs })
      return await new Promise((resolve, reject) => {
        let said = ''
        socket.on('data', data => {
          said += String(data)
        })
        socket.on('end', () => resolve(said))
        socket.on('error', reject)
        socket.setTimeout(timeoutMs, () => socket.destroy(new Error('nothing came back')))
      })
    }
    const socket = await udpSocketIn(this.client, { address: to.includes(':') ? '::' : '0.0.0.0', port: from })
    try {
      return await new Promise(resolve => {
        setTimeout(() => resolve(undefined), timeoutMs)
        socket.on('error', () => resolve(undefined))
        socket.on('message', (message, sender) =>
          resolve(
            sender.address !== to || sender.port !== port
              ? `from ${sender.address}`
              : message.length < bytes
                ? `${message.length} bytes`
                : String(message).trimEnd(),
          ),
        )
        socket.send('who?'.padEnd(bytes), port, to)
      })
    } finally {
      socket.close()
    }
  }

  /** What the counting service says of so many bytes: how many came, and from whom. */
  async count(to: string, bytes: number, timeoutMs = 10_000): Promise<string> {
    const socket = await connectTcpIn(this.client, { address: to, port: countingPort, timeoutMs })
    return await new Promise((resolve, reject) => {
      let said = ''
      socket.on('data', data => {
        said += String(data)
      })
      socket.on('end', () => resolve(said.length < bytes ? `${said.length} bytes came back` : said.trimEnd()))
      socket.on('error', reject)
      socket.setTimeout(timeoutMs, () => socket.destroy(new Error('nothing came back')))
      socket.end(new Uint8Array(bytes))
    })
  }

  /** Connects to the counting service, and says nothing yet. */
  hold(to: string): Promise<Socket> {
    return connectTcpIn(this.client, { address: to, port: countingPort, timeoutMs: 5000 })
  }

  /**
   * How large packets may be on the link between the router and a node, or the client where no node is named. Nobody
   * behind the link says so when a connection is opened: who sends more has to hear of it from the router.
   */
  async setMtu(name: SiteName | undefined, bytes: number): Promise<void> {
    const at = sites.findIndex(site => site.name === name)
    const isClient = name === undefined
    const near = isClient ? `${this.#prefix}-client` : this.#networks[at]!.netns
    await ipBatch([`link set ${isClient ? 'c0' : routerDevice(at)} mtu ${bytes}`], { netns: `${this.#prefix}-router` })
    const words = [
      `link set ${isClient ? 'eth0' : uplinkDevice} mtu ${bytes}`,
      ...(isClient
        ? [
            `route replace default via ${clientGateways[0]} advmss 1460`,
            `route replace default via ${clientGateways[1]} advmss 1440`,
          ]
        : []),
    ]
    await ipBatch(words, { netns: near })
  }

  async submit(...facts: readonly EventBody[]): Promise<void> {
    for (const agent of Object.values(this.agents)) await agent.submit('stage', facts)
    for (const each of this.processes) await each.submit(facts)
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#closing.map(close => close()))
    await Promise.allSettled(Object.values(this.agents).map(agent => agent.stop()))
    await Promise.allSettled(this.processes.map(each => each.kill()))
    for (const network of this.#networks) {
      await rm(`/sys/fs/bpf/weir/${network.id}`, { recursive: true, force: true })
      await network.destroy()
    }
    for (const name of ['router', 'client']) await ipBatch([`netns delete ${this.#prefix}-${name}`], { force: true })
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Servers in a pod that tell who they are and whom they hear. */
async function serve(link: PodLink, name: string, addresses: Pair): Promise<(() => Promise<void>)[]> {
  const closing: (() => Promise<void>)[] = []
  /** A server ends when its connections have. */
  const sockets = new Set<Socket>()
  const note = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  }
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
  })
  for (const address of addresses) {
    const server = await listenTcpIn(link.netnsPath, {
      address,
      port: targetPort,
      onConnection: socket => {
        note(socket)
        socket.on('error', () => socket.destroy())
        socket.end(`${name} ${socket.remoteAddress}`)
      },
    })
    server.unref()
    const counter = await listenTcpIn(link.netnsPath, {
      address,
      port: countingTarget,
      onConnection: socket => {
        note(socket)
        let count = 0
        socket.on('data', data => {
          count += data.length
        })
        // As much comes back, so that both ways carry large packets.
        socket.on('end', () => socket.end(`${count} ${socket.remoteAddress}`.padEnd(count)))
        socket.on('error', () => socket.destroy())
      },
    })
    counter.unref()
    const socket = await udpSocketIn(link.netnsPath, { address, port: targetPort })
    // A question that takes several packets gets an answer that does.
    socket.on('message', (message, from) =>
      socket.send(`${name} ${from.address}`.padEnd(message.length), from.port, from.address),
    )
    socket.on('error', () => {})
    socket.unref()
    closing.push(
      () => new Promise(done => server.close(() => done())),
      () => new Promise(done => counter.close(() => done())),
      () => new Promise(done => socket.close(() => done())),
    )
  }
  return closing
}

const ports = (nodePort: number) =>
  (['TCP', 'UDP'] as const).map(protocol => ({
    name: protocol.toLowerCase(),
    protocol,
    port: servicePort,
    targetPort,
    nodePort,
  }))

export const sliceOf = (service: string, names: readonly SiteName[], port: number = targetPort): readonly EventBody[] =>
  families.map(family => ({
    kind: 'endpointslice.upserted',
    slice: {
      namespace: 'shop',
      name: `${service}-v${family}`,
      service,
      endpoints: sites
        .filter(({ name }) => names.includes(name as SiteName))
        .map(({ name, pod }) => ({
          addresses: [of(pod, family)],
          ready: true,
          serving: true,
          terminating: false,
          node: name,
        })),
      ports: (['TCP', 'UDP'] as const).map(protocol => ({
        name: protocol.toLowerCase(),
        protocol,
        port,
      })),
    },
  }))

export const webService = (more: object = {}): EventBody => ({
  kind: 'service.upserted',
  service: {
    namespace: 'shop',
    name: 'web',
    type: 'LoadBalancer',
    clusterIps: ['10.96.0.80', 'fd96::80'],
    selector: { app: 'web' },
    ports: ports(nodePorts.web),
    loadBalancerIps: [...balanced],
    ...more,
  },
})

const clusterFacts: readonly EventBody[] = [
  { kind: 'namespace.upserted', namespace: { name: 'shop', labels: {} } },
  ...sites.map(
    ({ name, node }): EventBody => ({
      kind: 'node.upserted',
      node: { name, labels: {}, addresses: node, podCidrs: [] },
    }),
  ),
  ...sites.map(
    ({ name, pod }): EventBody => ({
      kind: 'pod.upserted',
      pod: {
        namespace: 'shop',
        name: `web-${name}`,
        labels: { app: 'web' },
        serviceAccount: 'default',
        node: name,
        addresses: pod,
        hostNetwork: false,
        ports: [],
      },
    }),
  ),
  webService(),
  {
    kind: 'service.upserted',
    service: {
      namespace: 'shop',
      name: 'local',
      type: 'NodePort',
      clusterIps: ['10.96.0.81', 'fd96::81'],
      selector: { app: 'web' },
      ports: ports(nodePorts.local),
      externalTrafficPolicy: 'Local',
    },
  },
  webService({
    name: 'counting',
    clusterIps: ['10.96.0.82', 'fd96::82'],
    ports: [{ name: 'tcp', protocol: 'TCP', port: countingPort, targetPort: countingTarget }],
  }),
  ...sliceOf('web', ['n1', 'n2']),
  ...sliceOf('local', ['n1', 'n2']),
  ...sliceOf('counting', ['n2'], countingTarget),
]

function endpointFacts(name: string, { ifindex, ifname, hostMac, podMac }: PodLink): readonly EventBody[] {
  return [
    {
      kind: 'endpoint.attached',
      endpoint: { namespace: 'shop', pod: `web-${name}`, ifindex, ifname, hostMac, podMac },
    },
  ]
}
