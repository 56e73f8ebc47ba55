import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import type { Source } from '@weir/adapters/agent/source.js'
import { createNodeNetwork, netnsFolder, type NodeNetwork } from '@weir/adapters/network/node-network.js'
import { ipBatch } from '@weir/adapters/network/run.js'
import type { EventBody, PodFact } from '@weir/core'
import { interfacesIn } from 'netns-napi'
import { CniRuntime, type NetworkList, podArgs, type Sandbox } from './runtime.js'

/** Folder of the built plugin. */
export const pluginFolder = join(
  dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))),
  '..',
  '..',
  'weir-cni',
  'build',
)

/** Where Debian has the reference plugins. */
export const referencePlugins = '/usr/lib/cni'

export const nodeAddresses = ['10.78.0.1', 'fd78::1'] as const
export const podCidrs = ['10.78.1.0/24', 'fd78:1::/64'] as const

/** A source that never says anything by itself: it only stands for one. */
const silent: Source = {
  name: 'silent',
  run: (sink, signal) => {
    sink.report('watching')
    return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  },
}

/** A node in a namespace of its own, an agent on it that plugs pods in, and a runtime that asks it to. */
export class CniSite {
  readonly id: string
  readonly network: NodeNetwork
  readonly folder: string
  readonly socketPath: string
  #agent: Agent | undefined
  #sandboxes = 0
  readonly #made: string[] = []

  private constructor(id: string, network: NodeNetwork, folder: string) {
    this.id = id
    this.network = network
    this.folder = folder
    this.socketPath = join(folder, 'agent.sock')
  }

  static async open(label: string): Promise<CniSite> {
    const id = `${label}${process.pid}`
    const network = await createNodeNetwork({ id, nodeAddresses, worldAddresses: ['203.0.113.78', '2001:db8:78::78'] })
    return new CniSite(id, network, await mkdtemp(join(tmpdir(), `weir-${label}-`)))
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error('no agent runs')
    return this.#agent
  }

  get node(): string {
    return `cni-${this.id}`
  }

  get stateFolder(): string {
    return join(this.folder, 'state')
  }

  async start(more: Partial<AgentOptions> = {}): Promise<Agent> {
    this.#agent = await createAgent({
      ...{ stateFolder: this.stateFolder, socketPath: this.socketPath, node: this.node, backend: 'kernel' },
      ...{ netns: this.network.netnsPath, nodeAddresses, podCidrs, clock: systemClock, sources: [silent] },
      cni: { podWaitMs: 50 },
      ...more,
    })
    return this.#agent
  }

  async stop(): Promise<void> {
    await this.#agent?.stop()
    this.#agent = undefined
  }

  /** The list that an agent installs, with its own socket. */
  list(cniVersion = '1.1.0', ...more: NetworkList['plugins']): NetworkList {
    return { cniVersion, name: 'weir', plugins: [{ type: 'weir-cni', socket: this.socketPath }, ...more] }
  }

  runtime(list: NetworkList = this.list()): CniRuntime {
    return new CniRuntime(list, [pluginFolder, referencePlugins], this.network.netnsPath)
  }

  /** Namespaces for containers; their pods are `shop/NAME`. */
  async sandboxes(count: number, nameOf = (at: number): string => `pod-${at}`): Promise<readonly Sandbox[]> {
    const made = Array.from({ length: count }, () => {
      const at = this.#sandboxes++
      const netns = `weir-${this.id}-c${at}`
      this.#made.push(netns)
      return { container: `c${at}x${this.id}`, netnsPath: `${netnsFolder}/${netns}`, args: podArgs('shop', nameOf(at)) }
    })
    await ipBatch(made.map(({ netnsPath }) => `netns add ${netnsPath.slice(netnsFolder.length + 1)}`))
    return made
  }

  /** Says that a pod is there, as a source does: without an address. */
  async tell(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const pod: PodFact = {
      ...{ namespace: 'shop', name, labels, serviceAccount: 'default', node: this.node },
      ...{ addresses: [], hostNetwork: false, ports: [] },
    }
    await this.say({ kind: 'pod.upserted', pod })
  }

  async say(...bodies: readonly EventBody[]): Promise<void> {
    await this.agent.submit('spec', bodies)
  }

  /** Devices of pods on the node. */
  devices(): readonly string[] {
    return interfacesIn(this.network.netnsPath)
      .map(({ name }) => name)
      .filter(name => /^weir[0-9a-f]{11}$/.test(name))
  }

  async close(): Promise<void> {
    await this.stop().catch(() => {})
    rmSync(`/sys/fs/bpf/weir/${this.node}`, { recursive: true, force: true })
    await ipBatch(
      this.#made.map(name => `netns delete ${name}`),
      { force: true },
    )
    await this.network.destroy()
    await rm(this.folder, { recursive: true, force: true })
  }
}
