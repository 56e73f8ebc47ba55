import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeNetwork, type NodeNetwork, type PodLink } from '@weir/adapters/network/node-network.js'
import { queryTcx } from 'ebpf-napi'
import { AgentProcess } from './agent-process.js'
import { actors, nameOf, namespaceLabels, nodeAddresses, worldAddresses } from './stage.js'

/** The stage's pods as manifests, and a policy: red/server takes its web port from red/client alone. */
function manifestsOf(node: string): string {
  const documents: object[] = [
    ...Object.entries(namespaceLabels).map(([name, labels]) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    })),
    ...actors.map(actor => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: actor.name, namespace: actor.namespace, labels: actor.labels },
      spec: {
        nodeName: node,
        containers: [
          {
            name: 'c',
            image: 'i',
            ports: actor.ports.map(({ name, protocol, port }) => ({ name, protocol, containerPort: port })),
          },
        ],
      },
      status: { podIP: actor.addresses[0], podIPs: actor.addresses.map(ip => ({ ip })) },
    })),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'server', namespace: 'red' },
      spec: {
        podSelector: { matchLabels: { app: 'server' } },
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { app: 'client' } } }],
            ports: [{ port: 'web' }, { port: 'names', protocol: 'UDP' }],
          },
        ],
      },
    },
  ]
  return documents.map(each => JSON.stringify(each)).join('\n---\n')
}

/** The stage's pods as namespaces, and an agent as a process that follows a folder with their manifests. */
export class AgentSite {
  readonly node: string
  /** Its manifests: `cluster.yaml`, and what a test adds. */
  readonly inputs: string
  readonly manifests: string
  readonly network: NodeNetwork
  readonly links: ReadonlyMap<string, PodLink>
  readonly agent: AgentProcess
  readonly #folder: string
  #updates = 0

  private constructor(node: string, folder: string, network: NodeNetwork, links: ReadonlyMap<string, PodLink>) {
    this.node = node
    this.inputs = join(folder, 'manifests')
    this.manifests = manifestsOf(node)
    this.network = network
    this.links = links
    this.agent = new AgentProcess(join(folder, 'agent.sock'), [
      ...['--state', join(folder, 'state'), '--manifests', this.inputs, '--node', node, '--backend', 'kernel'],
      ...['--netns', network.netnsPath, '--node-address', ...nodeAddresses],
    ])
    this.#folder = folder
  }

  /** @param id short, and of this process alone: it is in names of namespaces and pins */
  static async create(id: string): Promise<AgentSite> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-agent-'))
    const network = await createNodeNetwork({ id, nodeAddresses, worldAddresses })
    const made = await network.addPods(actors)
    const site = new AgentSite(
      `agent-${id}`,
      folder,
      network,
      new Map(actors.map((actor, at) => [nameOf(actor), made[at]!])),
    )
    try {
      mkdirSync(site.inputs)
      writeFileSync(join(site.inputs, 'cluster.yaml'), site.manifests)
      await site.agent.start()
      for (const actor of actors) {
        const { ifindex, ifname, hostMac, podMac } = site.links.get(nameOf(actor))!
        await site.#attach({ namespace: actor.namespace, pod: actor.name, ifindex, ifname, hostMac, podMac })
      }
      return site
    } catch (error) {
      await site.destroy()
      throw error
    }
  }

  /** The kernel's number of the program at red/server's interface. */
  program(): number {
    const { ifindex } = this.links.get('red/server')!
    return queryTcx(ifindex, 'ingress', { netns: this.network.netnsPath }).programs[0]!.programId
  }

  /** Starts the agent with programs that no earlier run had: a constant of theirs is another one. */
  async startUpdated(): Promise<void> {
    this.#updates += 1
    await this.agent.start(['--flow-rate', String(20_000 + this.#updates)])
  }

  async destroy(): Promise<void> {
    await this.agent.end('SIGKILL')
    rmSync(`/sys/fs/bpf/weir/${this.node}`, { recursive: true, force: true })
    await this.network.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #attach(body: object): Promise<void> {
    const socketPath = join(this.#folder, 'agent.sock')
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath, path: '/v1/endpoints', method: 'POST' }, response => {
        response.resume()
        response.on('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
        )
      })
      asking.on('error', reject)
      asking.end(JSON.stringify(body))
    })
  }
}
