import { mkdirSync, rmdirSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodFact } from '@weir/core'
import { listenTcpIn, udpSocketIn } from 'netns-napi'
import { type Agent, createAgent } from '../../agent/agent.js'
import { cgroupRoot } from '../../agent/cgroup-root.js'
import { systemClock } from '../../agent/clock.js'
import type { NodeNetwork, PodLink } from '../../network/node-network.js'
import { ClientProcess } from './client-process.js'
import { createTopology, type NodePlan, type Topology, uplink } from './topology.js'

export interface StageOptions {
  /** Unique among what runs on this machine; lower-case letters and digits. */
  readonly id: string
  /** Holds logs and manifests; must be there. */
  readonly folder: string
  readonly nodes: readonly NodePlan[]
  readonly outside: readonly string[]
  readonly virtual: readonly { readonly address: string; readonly node: string }[]
  /** Manifests of services. */
  readonly services: string
  /** Ports that every pod serves at. */
  readonly ports: { readonly tcp: number; readonly udp: number }
  readonly report: (message: string) => void
}

/** A pod of the stage: whoever asks it at one of its ports is told its name, and the address that it sees him at. */
export interface StagePod {
  readonly name: string
  readonly app: string
  readonly node: string
  readonly addresses: readonly string[]
  readonly phase: 'ready' | 'notReady' | 'terminating'
}

export interface StageNode {
  readonly plan: NodePlan
  readonly network: NodeNetwork
  readonly agent: Agent
  /** In a cgroup that the node's programs see. */
  readonly client: ClientProcess
}

/** Folders that a stage makes beside namespaces, for those who clean up after a crash. */
export function stageFolders(
  id: string,
  nodes: readonly NodePlan[],
): { pins: readonly string[]; cgroups: readonly string[] } {
  const root = cgroupRoot()
  return {
    pins: nodes.map(({ name }) => `/sys/fs/bpf/weir/demo-${id}-${name}`),
    cgroups: root === undefined ? [] : nodes.map(({ name }) => join(root, `weir-demo-${id}-${name}`)),
  }
}

/** Nodes with an agent each, pods that serve, and clients; all agents follow one folder of manifests. */
export class ServiceStage {
  readonly nodes = new Map<string, StageNode>()
  readonly #options: StageOptions
  readonly #pods = new Map<string, { pod: StagePod; link: PodLink; closing: (() => Promise<void>)[] }>()
  readonly #undo: (() => Promise<unknown>)[] = []
  #topology!: Topology

  private constructor(options: StageOptions) {
    this.#options = options
  }

  /** @throws Error where there is no cgroup 2 hierarchy; what was made until then is taken away again */
  static async create(options: StageOptions): Promise<ServiceStage> {
    const stage = new ServiceStage(options)
    try {
      await stage.#create()
      return stage
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  get outsidePath(): string {
    return this.#topology.outsidePath
  }

  get pods(): readonly StagePod[] {
    return [...this.#pods.values()].map(({ pod }) => pod)
  }

  /** The network namespace of a pod. */
  netnsOf(pod: string): string {
    return this.#pods.get(pod)!.link.netnsPath
  }

  /** Makes pods that serve, then says so; resolves when every node has taken it in. */
  async add(pods: readonly StagePod[]): Promise<void> {
    for (const pod of pods) {
      const { network } = this.nodes.get(pod.node)!
      const [link] = await network.addPods([pod])
      this.#pods.set(pod.name, { pod, link: link!, closing: await this.#serve(link!, pod) })
    }
    await this.#say()
    for (const pod of pods) {
      const { ifindex, ifname, hostMac, podMac } = this.#pods.get(pod.name)!.link
      const endpoint = { namespace: 'shop', pod: pod.name, ifindex, ifname, hostMac, podMac }
      await this.nodes.get(pod.node)!.agent.attachEndpoint(endpoint)
    }
  }

  /** Says that a pod is in another phase; resolves when every node has taken it in. */
  async change(name: string, phase: StagePod['phase']): Promise<void> {
    const known = this.#pods.get(name)!
    known.pod = { ...known.pod, phase }
    await this.#say()
  }

  /** Says that pods are gone, then takes them away. */
  async remove(names: readonly string[]): Promise<void> {
    const gone = names.map(name => this.#pods.get(name)!)
    for (const name of names) this.#pods.delete(name)
    await this.#say()
    for (const { pod, link, closing } of gone) {
      const { network, agent } = this.nodes.get(pod.node)!
      await Promise.all(closing.map(close => close()))
      await agent.detachEndpoint('shop', pod.name)
      await network.removePods([link])
    }
  }

  async close(): Promise<void> {
    const pods = [...this.#pods.values()]
    await Promise.all(pods.flatMap(({ closing }) => closing).map(close => close()))
    for (const undo of this.#undo.reverse())
      await undo().catch(error => this.#options.report(`cleaning up: ${String(error)}`))
    this.#undo.length = 0
  }

  async #create(): Promise<void> {
    const { id, folder, nodes, outside, virtual, services, report } = this.#options
    this.#topology = await createTopology({ id, nodes, outside, virtual })
    this.#undo.push(() => this.#topology.destroy())
    const followed = join(folder, 'manifests')
    await mkdir(followed)
    await writeFile(join(followed, 'services.yaml'), [...nodes.map(nodeManifest), services].join('---\n'))
    await writeFile(join(followed, 'pods.yaml'), '')
    const { cgroups, pins } = stageFolders(id, nodes)
    for (const [at, plan] of nodes.entries()) {
      const cgroup = cgroups[at]
      if (cgroup === undefined) throw new Error('there is no cgroup 2 hierarchy to have clients in')
      mkdirSync(cgroup)
      this.#undo.push(() => removeCgroup(cgroup))
      const network = this.#topology.networks.get(plan.name)!
      const agent = await createAgent({
        stateFolder: join(folder, plan.name),
        socketPath: join(folder, `${plan.name}.sock`),
        node: plan.name,
        backend: 'kernel',
        clock: systemClock,
        manifests: followed,
        nodeAddresses: plan.addresses,
        netns: network.netnsPath,
        devices: [uplink],
        cgroup,
        pinName: `demo-${id}-${plan.name}`,
        report: message => report(`${plan.name}: ${message}`),
      })
      this.#undo.push(
        () => rm(pins[at]!, { recursive: true, force: true }),
        () => agent.stop(),
      )
      await agent.ready
      const client = await ClientProcess.start(cgroup)
      this.#undo.push(() => client.end())
      this.nodes.set(plan.name, { plan, network, agent, client })
    }
  }

  /** Writes down all pods, and waits until every agent enforces it. */
  async #say(): Promise<void> {
    const file = join(this.#options.folder, 'manifests', 'pods.yaml')
    const text = this.pods.map(podManifest).join('---\n')
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
    const wanted = this.pods.map(phaseText).sort().join()
    await Promise.all([...this.nodes.values()].map(({ agent }) => until(agent, () => phasesOf(agent) === wanted)))
  }

  async #serve({ netnsPath }: PodLink, { name, addresses }: StagePod): Promise<(() => Promise<void>)[]> {
    const { tcp, udp } = this.#options.ports
    const closing: (() => Promise<void>)[] = []
    for (const address of addresses) {
      const server = await listenTcpIn(netnsPath, {
        address,
        port: tcp,
        onConnection: socket =>
          socket
            .on('error', () => {})
            .resume()
            .end(`${name} ${socket.remoteAddress}`),
      })
      const datagrams = await udpSocketIn(netnsPath, { address, port: udp })
      datagrams.on('message', (_, from) => datagrams.send(`${name} ${from.address}`, from.port, from.address, () => {}))
      datagrams.on('error', () => {})
      closing.push(
        () => new Promise(resolve => server.close(() => resolve())),
        () => new Promise(resolve => datagrams.close(() => resolve())),
      )
    }
    return closing
  }
}

/** Most that a change may take until it is enforced. */
const patienceMs = 20_000

function until(agent: Agent, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('what the manifests say is not enforced yet')), patienceMs)
    const watch = agent.applied.subscribe(() => {
      if (!holds()) return
      clearTimeout(timer)
      watch.unsubscribe()
      resolve()
    })
  })
}

const phaseText = ({ name, phase }: StagePod): string => `${name} ${phase}`

function phasesOf({ engine }: Agent): string {
  const phaseOf = ({ ready, terminating }: PodFact): StagePod['phase'] =>
    terminating === true ? 'terminating' : ready === false ? 'notReady' : 'ready'
  return [...engine.state.pods.values()]
    .map(({ fact }) => `${fact.name} ${phaseOf(fact)}`)
    .sort()
    .join()
}

const nodeManifest = ({ name, addresses, podCidrs }: NodePlan): string => `apiVersion: v1
kind: Node
metadata: { name: ${name} }
spec: { podCIDRs: ${JSON.stringify(podCidrs)} }
status: { addresses: [${addresses.map(address => `{ type: InternalIP, address: "${address}" }`).join()}] }
`

const podManifest = ({ name, app, node, addresses, phase }: StagePod): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: shop
  labels: { app: ${app} }
${phase === 'terminating' ? '  deletionTimestamp: "2026-01-01T00:00:00Z"\n' : ''}spec: { nodeName: ${node}, containers: [{ name: main }] }
status:
  podIPs: [${addresses.map(ip => `{ ip: "${ip}" }`).join()}]
  conditions: [{ type: Ready, status: "${phase === 'notReady' ? 'False' : 'True'}" }]
`

/** It is busy as long as a process that was killed isn't gone. */
async function removeCgroup(path: string): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      rmdirSync(path)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (left === 0) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}
