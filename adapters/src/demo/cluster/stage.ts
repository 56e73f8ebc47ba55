import { mkdirSync } from 'node:fs'
import { mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import { cgroupRoot } from '../../agent/cgroup-root.js'
import type { PodLink } from '../../network/node-network.js'
import { type Listener, listenEcho } from '../echo.js'
import { AgentChild } from './agent-child.js'
import { type ClusterNodePlan, Segment, uplink } from './segment.js'

/** A pod of the cluster; it answers at every port that is asked for, in both protocols. */
export interface ClusterPod {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly labels: Readonly<Record<string, string>>
  readonly addresses: readonly string[]
}

export interface ClusterOptions {
  /** Unique among what runs on this machine; lower-case letters and digits. */
  readonly id: string
  /** Holds logs, sockets and manifests; must be there. */
  readonly folder: string
  /** Of the segment between the nodes. */
  readonly mtuBytes?: number
  /** Further options of every agent. */
  readonly words?: readonly string[]
}

const bpffs = '/sys/fs/bpf'

/** Folders that a stage makes beside namespaces, for those who clean up after a crash. */
export function clusterFolders(id: string, names: readonly string[]): { pins: string[]; cgroups: string[] } {
  const root = cgroupRoot()
  return {
    pins: names.map(name => `${bpffs}/weir-cluster-${id}-${name}`),
    cgroups: root === undefined ? [] : names.map(name => join(root, `weir-cluster-${id}-${name}`)),
  }
}

interface Standing {
  readonly pod: ClusterPod
  readonly link: PodLink
  readonly listeners: readonly Listener[]
}

/**
 * Nodes on one segment, each with an agent of its own in a process of its own, with a log, pins and a cgroup of its own.
 * All of them follow folders of manifests that say the same.
 */
export class ClusterStage {
  readonly segment: Segment
  readonly agents = new Map<string, AgentChild>()
  readonly #options: ClusterOptions
  readonly #nodes = new Map<string, ClusterNodePlan>()
  readonly #pods = new Map<string, Standing>()

  private constructor(options: ClusterOptions, segment: Segment) {
    this.#options = options
    this.segment = segment
  }

  static async create(options: ClusterOptions): Promise<ClusterStage> {
    const { mountBpffs, probe } = await import('ebpf-napi')
    if (!probe.isBpffs(bpffs)) mountBpffs(bpffs)
    return new ClusterStage(options, await Segment.create(options.id, options.mtuBytes))
  }

  get pods(): readonly ClusterPod[] {
    return [...this.#pods.values()].map(({ pod }) => pod)
  }

  /** The network namespace of a pod. */
  netnsOf(name: string): string {
    return this.#pods.get(name)!.link.netnsPath
  }

  /** A node's namespace, for what the node itself sends. */
  nodeNetns(node: string): string {
    return this.segment.networks.get(node)!.netnsPath
  }

  cgroupOf(node: string): string | undefined {
    return clusterFolders(this.#options.id, [node]).cgroups[0]
  }

  /** Makes a node, without an agent yet. */
  async addNode(plan: ClusterNodePlan): Promise<void> {
    this.#nodes.set(plan.name, plan)
    await mkdir(this.#manifests(plan.name), { recursive: true })
    const cgroup = this.cgroupOf(plan.name)
    if (cgroup !== undefined) mkdirSync(cgroup, { recursive: true })
    await this.segment.addNode(plan)
  }

  /** Starts a node's agent, or starts it anew, and tells it of the node's pods. */
  async startAgent(node: string, mode: RoutingMode): Promise<void> {
    const { folder, words = [] } = this.#options
    const plan = this.#nodes.get(node)!
    const agent = this.agents.get(node) ?? new AgentChild(join(folder, `${node}.sock`))
    this.agents.set(node, agent)
    await agent.start([
      ...['--node', node, '--backend', 'kernel', '--state', join(folder, node), '--bpffs', this.#bpffs(node)],
      ...['--manifests', this.#manifests(node), '--netns', this.nodeNetns(node), '--device', uplink],
      ...['--cgroup', this.cgroupOf(node) ?? 'none', '--routing', mode],
      ...['--node-address', ...plan.addresses, '--pod-cidr', ...plan.podCidrs],
      ...words,
    ])
    for (const { pod, link } of this.#pods.values()) if (pod.node === node) await this.#attach(pod, link)
  }

  /** Makes pods that serve on some ports; their nodes' agents, as far as they run, are told of their interfaces. */
  async addPods(pods: readonly ClusterPod[], ports: readonly number[]): Promise<void> {
    for (const pod of pods) {
      const [link] = await this.segment.networks.get(pod.node)!.addPods([pod])
      const listeners: Listener[] = []
      for (const address of pod.addresses)
        for (const port of ports)
          for (const protocol of ['TCP', 'UDP'] as const)
            listeners.push(await listenEcho(link!.netnsPath, address, protocol, port))
      this.#pods.set(pod.name, { pod, link: link!, listeners })
    }
  }

  /**
   * Says to one node, or to all of them, what the manifests are from now on. Pods and nodes are said beside `others`.
   * @param down nodes whose pods aren't ready
   */
  async say(
    others: string,
    to: readonly string[] = [...this.#nodes.keys()],
    pods = this.pods,
    down: readonly string[] = [],
  ): Promise<void> {
    const told = pods.map(pod => podManifest(pod, !down.includes(pod.node)))
    const text = [...[...this.#nodes.values()].map(nodeManifest), ...told, others].join('---\n')
    for (const node of to) {
      const file = join(this.#manifests(node), 'cluster.yaml')
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
  }

  /** Tells the agents that run of their pods' interfaces. */
  async attachAll(): Promise<void> {
    for (const { pod, link } of this.#pods.values()) if (this.agents.has(pod.node)) await this.#attach(pod, link)
  }

  async close(): Promise<void> {
    await Promise.all([...this.agents.values()].map(agent => agent.end('SIGTERM')))
    await Promise.all([...this.#pods.values()].flatMap(({ listeners }) => listeners).map(each => each.close()))
    await this.segment.destroy()
    const { pins, cgroups } = clusterFolders(this.#options.id, [...this.#nodes.keys()])
    for (const pin of pins) await rm(pin, { recursive: true, force: true })
    for (const cgroup of cgroups) await removeCgroup(cgroup)
  }

  /** A folder of its own on the machine's BPF file system. */
  #bpffs(node: string): string {
    return clusterFolders(this.#options.id, [node]).pins[0]!
  }

  #manifests(node: string): string {
    return join(this.#options.folder, `${node}-manifests`)
  }

  async #attach({ namespace, name, node }: ClusterPod, link: PodLink): Promise<void> {
    const { ifindex, ifname, hostMac, podMac } = link
    await this.agents
      .get(node)!
      .client.post('/v1/endpoints', { namespace, pod: name, ifindex, ifname, hostMac, podMac })
  }
}

const nodeManifest = ({ name, addresses, podCidrs }: ClusterNodePlan): string => `apiVersion: v1
kind: Node
metadata: { name: ${name} }
spec: { podCIDRs: ${JSON.stringify(podCidrs)} }
status: { addresses: [${addresses.map(address => `{ type: InternalIP, address: "${address}" }`).join()}] }
`

const podManifest = (
  { namespace, name, labels, node, addresses }: ClusterPod,
  isReady: boolean,
): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: ${JSON.stringify(labels)} }
spec: { nodeName: ${node}, containers: [{ name: main }] }
status:
  podIPs: [${addresses.map(ip => `{ ip: "${ip}" }`).join()}]
  conditions: [{ type: Ready, status: "${isReady ? 'True' : 'False'}" }]
`

/** It is busy as long as a process that was killed isn't gone. */
async function removeCgroup(path: string): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      await rmdir(path)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || left === 0) return
      await pause(20)
    }
  }
}
