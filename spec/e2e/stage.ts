import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { kernelObstacle } from '@weir/adapters/agent/datapath.js'
import { attempt } from '@weir/adapters/demo/attempt.js'
import { type Listener, listenEcho } from '@weir/adapters/demo/echo.js'
import {
  canMakeNamespaces,
  createNodeNetwork,
  type NodeNetwork,
  type PodLink,
} from '@weir/adapters/network/node-network.js'
import { type EventBody, type Labels, type NamedPort, type NetworkPolicyFact, protocolNumbers } from '@weir/core'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import { pingIn } from 'netns-napi'

/** The command as `npx weir` finds it: beside the built package. */
export const weirCommand = join(
  dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))),
  '..',
  '..',
  'bin',
  'weir.mjs',
)

/** Skips a suite, by its own `this.skip`, where the kernel doesn't let it run. */
export async function requireKernel(context: Mocha.Context): Promise<void> {
  if (!(await canMakeNamespaces()) || (await kernelObstacle()) !== undefined) context.skip()
}

/** A pod of the stage. */
export interface Actor {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  readonly ports: readonly NamedPort[]
  readonly addresses: readonly string[]
}

export type Verb = 'TCP' | 'UDP' | 'ICMP'

export const stageNode = 'stage'
export const nodeAddresses = ['10.77.0.1', 'fd77::1'] as const
export const worldAddresses = ['203.0.113.77', '2001:db8:77::77'] as const

const tcp = (name: string, port: number): NamedPort => ({ name, protocol: 'TCP', port })
const udp = (name: string, port: number): NamedPort => ({ name, protocol: 'UDP', port })

/** Two namespaces with a client and a server each; the servers' `web` is another port in each. */
export const actors: readonly Actor[] = [
  { namespace: 'red', name: 'client', labels: { app: 'client', tier: 'front' }, ports: [] },
  {
    namespace: 'red',
    name: 'server',
    labels: { app: 'server' },
    ports: [tcp('web', 8080), tcp('admin', 9090), udp('names', 5353)],
  },
  { namespace: 'blue', name: 'client', labels: { app: 'client' }, ports: [] },
  {
    namespace: 'blue',
    name: 'server',
    labels: { app: 'server', tier: 'back' },
    ports: [tcp('web', 8081), tcp('admin', 9090), udp('names', 5353)],
  },
].map((actor, at) => ({ ...actor, addresses: [`10.77.1.${at + 1}`, `fd77::1:${at + 1}`] }))

export const namespaceLabels: Readonly<Record<string, Labels>> = {
  red: { colour: 'red' },
  blue: { colour: 'blue', team: 'sea' },
}

/** A NetworkPolicy as people write it, read by Weir's own parser. */
export function policy(namespace: string, name: string, spec: object): NetworkPolicyFact {
  const parsed = parseNetworkPolicy({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name },
    spec,
  })
  if (isLeft(parsed)) throw new Error(JSON.stringify(parsed.left))
  return parsed.right
}

/** Whether a packet from inside a namespace is answered: an echo of what was sent, or of a ping. */
export async function packetPasses(
  netns: string,
  { from, to }: { readonly from: string; readonly to: string },
  verb: Verb,
  port: number,
  timeoutMs: number,
): Promise<boolean> {
  if (verb === 'ICMP') return pingIn(netns, to, { timeoutMs, localAddress: from })
  const flow = { from, to, protocol: protocolNumbers[verb], port }
  const family = from.includes(':') ? 6 : 4
  return (await attempt(netns, { from, to, family, protocol: verb, port, flow }, timeoutMs)).kind === 'answered'
}

/** Real pods under a real agent in this process; policies are switched live. */
export class Stage {
  readonly network: NodeNetwork
  readonly agent: Agent
  readonly links: ReadonlyMap<string, PodLink>
  readonly #folder: string
  readonly #listeners: readonly Listener[]

  private constructor(
    network: NodeNetwork,
    agent: Agent,
    links: ReadonlyMap<string, PodLink>,
    folder: string,
    listeners: readonly Listener[],
  ) {
    this.network = network
    this.agent = agent
    this.links = links
    this.#folder = folder
    this.#listeners = listeners
  }

  static async create(id: string, options: { readonly cgroup?: string } = {}): Promise<Stage> {
    const network = await createNodeNetwork({ id, nodeAddresses, worldAddresses })
    const folder = await mkdtemp(join(tmpdir(), 'weir-stage-'))
    try {
      const agent = await createAgent({
        stateFolder: folder,
        node: stageNode,
        backend: 'kernel',
        pinName: `stage-${id}`,
        netns: network.netnsPath,
        nodeAddresses,
        clock: systemClock,
        ...options,
      })
      const made = await network.addPods(actors)
      const links = new Map(actors.map((actor, at) => [nameOf(actor), made[at]!]))
      const listeners = await Promise.all([
        ...listenersOf(links),
        ...worldAddresses.map(address => listenEcho(network.world!.netnsPath, address, 'TCP', 443)),
      ])
      await agent.submit('stage', [
        ...Object.entries(namespaceLabels).map(
          ([name, labels]): EventBody => ({ kind: 'namespace.upserted', namespace: { name, labels } }),
        ),
        ...actors.map(
          (actor): EventBody => ({
            kind: 'pod.upserted',
            pod: { ...actor, serviceAccount: 'default', node: stageNode, hostNetwork: false },
          }),
        ),
        ...actors.map((actor): EventBody => {
          const { ifindex, ifname, hostMac, podMac } = links.get(nameOf(actor))!
          return {
            kind: 'endpoint.attached',
            endpoint: { namespace: actor.namespace, pod: actor.name, ifindex, ifname, hostMac, podMac },
          }
        }),
      ])
      return new Stage(network, agent, links, folder, listeners)
    } catch (error) {
      await network.destroy()
      throw error
    }
  }

  /** These policies and no others, in one batch of events. */
  async set(policies: readonly NetworkPolicyFact[]): Promise<void> {
    const names = new Set(policies.map(({ namespace, name }) => `${namespace}/${name}`))
    await this.agent.submit('stage', state => [
      ...policies.map((fact): EventBody => ({ kind: 'networkpolicy.upserted', policy: fact })),
      ...[...state.policies.values()]
        .filter(({ fact }) => !names.has(`${fact.namespace}/${fact.name}`))
        .map(({ fact }): EventBody => ({ kind: 'networkpolicy.deleted', namespace: fact.namespace, name: fact.name })),
    ])
  }

  /** Whether real packets pass, tried from inside the sender's namespace. */
  async passes(from: string, to: string, verb: Verb, port: number, family: 4 | 6, timeoutMs = 300): Promise<boolean> {
    const ends = { from: this.addressOf(from, family), to: this.addressOf(to, family) }
    return packetPasses(this.netnsOf(from), ends, verb, port, timeoutMs)
  }

  netnsOf(name: string): string {
    if (name === 'host') return this.network.netnsPath
    if (name === 'world') return this.network.world!.netnsPath
    return this.links.get(name)!.netnsPath
  }

  addressOf(name: string, family: 4 | 6): string {
    const at = family === 4 ? 0 : 1
    if (name === 'host') return nodeAddresses[at]
    if (name === 'world') return worldAddresses[at]
    return actors.find(actor => nameOf(actor) === name)!.addresses[at]!
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
    await this.agent.stop()
    await rm(`/sys/fs/bpf/weir/stage-${this.network.id}`, { recursive: true, force: true })
    await this.network.destroy()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

export function nameOf(actor: { readonly namespace: string; readonly name: string }): string {
  return `${actor.namespace}/${actor.name}`
}

export function listenersOf(links: ReadonlyMap<string, PodLink>): Promise<Listener>[] {
  return actors.flatMap(actor =>
    actor.addresses.flatMap(address =>
      actor.ports.map(({ protocol, port }) =>
        listenEcho(links.get(nameOf(actor))!.netnsPath, address, protocol as 'TCP' | 'UDP', port),
      ),
    ),
  )
}
