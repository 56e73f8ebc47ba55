import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { type Clock, systemClock } from '@weir/adapters/agent/clock.js'
import type { FlowRecord, PolicyView } from '@weir/adapters/agent/protocol.js'
import { agentClient } from '@weir/adapters/cli/client.js'
import { listenEcho } from '@weir/adapters/demo/echo.js'
import { createNodeNetwork, type NodeNetwork, type PodLink } from '@weir/adapters/network/node-network.js'
import { filter, firstValueFrom, timeout } from 'rxjs'
import {
  actors,
  listenersOf,
  nameOf,
  namespaceLabels,
  nodeAddresses,
  packetPasses,
  stageNode,
  type Verb,
} from './stage.js'

/** Who is outside the pods, each with an address of either family: two of the world, and another node. */
export const outsiders = {
  world: ['203.0.113.77', '2001:db8:77::77'],
  office: ['198.51.100.7', '2001:db8:98::7'],
  neighbour: ['192.0.2.2', '2001:db8:2::2'],
} as const

const isOutsider = (name: string): name is keyof typeof outsiders => Object.hasOwn(outsiders, name)

const node = (name: string, place: string, addresses: readonly string[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { place } },
  status: { addresses: addresses.map(address => ({ type: 'InternalIP', address })) },
})

/** The nodes, and the stage's namespaces and pods. */
const cluster = (): readonly object[] => [
  node(stageNode, 'here', nodeAddresses),
  node('neighbour', 'there', outsiders.neighbour),
  ...Object.entries(namespaceLabels).map(([name, labels]) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  })),
  ...actors.map(({ name, namespace, labels, ports, addresses }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: stageNode,
      serviceAccountName: `${name}-account`,
      containers: [
        { name: 'c', image: 'i', ports: ports.map(({ port, ...rest }) => ({ ...rest, containerPort: port })) },
      ],
    },
    status: { podIP: addresses[0], podIPs: addresses.map(ip => ({ ip })) },
  })),
]

/** How objects of the cluster are otherwise, by `Kind name` or `Kind namespace/name`: fields that are others, or that it is gone. */
export type ClusterEdits = Readonly<
  Record<string, 'gone' | { readonly metadata?: Readonly<Record<string, unknown>>; readonly spec?: object }>
>

function edited(edits: ClusterEdits): readonly object[] {
  return (
    cluster() as readonly { kind: string; metadata: { name: string; namespace?: string }; spec?: object }[]
  ).flatMap(each => {
    const { kind, metadata, spec } = each
    const edit = edits[`${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`]
    if (edit === undefined) return [each]
    if (edit === 'gone') return []
    return [{ ...each, metadata: { ...metadata, ...edit.metadata }, spec: { ...spec, ...edit.spec } }]
  })
}

const stream = (objects: readonly object[]): string => objects.map(each => JSON.stringify(each)).join('\n---\n')

/** The namespace that says by a label which text is in force. */
const marker = 'case'

/** Real pods under a real agent that follows a folder of manifests: what counts is what its files say. */
export class ManifestStage {
  readonly agent: Agent
  readonly file: string
  readonly #network: NodeNetwork
  readonly #links: ReadonlyMap<string, PodLink>
  readonly #folder: string
  /** In the order in which things were made. */
  readonly #closing: readonly (() => Promise<void>)[]
  readonly #marks = new Map<string, string>()
  #turn = 0

  private constructor(
    network: NodeNetwork,
    agent: Agent,
    links: ReadonlyMap<string, PodLink>,
    folder: string,
    closing: readonly (() => Promise<void>)[],
  ) {
    this.agent = agent
    this.#network = network
    this.#links = links
    this.#folder = folder
    this.#closing = closing
    this.file = join(folder, 'manifests', 'case.yaml')
  }

  /** What was made until something failed is taken away again. */
  static async create(id: string, clock: Clock = systemClock): Promise<ManifestStage> {
    const worldAddresses = Object.values(outsiders).flat()
    const network = await createNodeNetwork({ id, nodeAddresses, worldAddresses })
    const folder = await mkdtemp(join(tmpdir(), 'weir-manifest-stage-'))
    const closing = [() => rm(folder, { recursive: true, force: true }), () => network.destroy()]
    try {
      const manifests = join(folder, 'manifests')
      await mkdir(manifests)
      await writeFile(join(manifests, 'cluster.yaml'), stream(cluster()))
      const agent = await createAgent({
        stateFolder: join(folder, 'state'),
        node: stageNode,
        backend: 'kernel',
        pinName: `stage-${id}`,
        netns: network.netnsPath,
        nodeAddresses,
        manifests,
        socketPath: join(folder, 'agent.sock'),
        clock,
      })
      closing.push(() => rm(`/sys/fs/bpf/weir/stage-${id}`, { recursive: true, force: true }))
      closing.push(() => agent.stop())
      const made = await network.addPods(actors)
      const links = new Map(actors.map((actor, at) => [nameOf(actor), made[at]!]))
      const listeners = await Promise.all([
        ...listenersOf(links),
        ...worldAddresses.map(address => listenEcho(network.world!.netnsPath, address, 'TCP', 443)),
      ])
      closing.push(...listeners.map(listener => () => listener.close()))
      await agent.ready
      for (const { namespace, name } of actors) {
        const { ifindex, ifname, hostMac, podMac } = links.get(nameOf({ namespace, name }))!
        await agent.attachEndpoint({ namespace, pod: name, ifindex, ifname, hostMac, podMac })
      }
      return new ManifestStage(network, agent, links, folder, closing)
    } catch (error) {
      for (const close of closing.reverse()) await close().catch(() => {})
      throw error
    }
  }

  /** This text in the folder and nothing else beside the cluster. Resolves when it is enforced. */
  set(text: string): Promise<void> {
    return this.#write(this.file, text)
  }

  /** The cluster with these edits and no others. Resolves when it is enforced. */
  edit(edits: ClusterEdits): Promise<void> {
    return this.#write(join(this.#folder, 'manifests', 'cluster.yaml'), stream(edited(edits)))
  }

  async #write(file: string, text: string): Promise<void> {
    const mark = (turn: number): string => `${marker}-${turn}`
    const before = this.#marks.get(file)
    const now = mark(++this.#turn)
    this.#marks.set(file, now)
    const { agent } = this
    // What the file no longer says goes a moment after what it says instead has come.
    const enforced = firstValueFrom(
      agent.applied.pipe(
        filter(() => {
          const { namespaces } = agent.engine.state
          return namespaces.has(now) && (before === undefined || !namespaces.has(before))
        }),
        timeout(5000),
      ),
    )
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: now } }
    await Promise.all([enforced, writeFile(file, `${text}\n---\n${JSON.stringify(namespace)}\n`)])
  }

  /** What is wrong with what the folder says, as texts. */
  refusals(): readonly string[] {
    return [...this.agent.engine.state.refusals.values()].flatMap(({ problems }) =>
      problems.map(({ path, message }) => `${path}: ${message}`),
    )
  }

  /** What `weir get policies` shows. */
  policies(): Promise<readonly PolicyView[]> {
    return agentClient(join(this.#folder, 'agent.sock')).get<readonly PolicyView[]>('/v1/get/policies')
  }

  /** Whether real packets pass, tried from inside the sender's namespace. */
  passes(from: string, to: string, verb: Verb, port: number, family: 4 | 6, timeoutMs: number): Promise<boolean> {
    const ends = { from: this.addressOf(from, family), to: this.addressOf(to, family) }
    return packetPasses(this.#netnsOf(from), ends, verb, port, timeoutMs)
  }

  /** The same towards any IPv4 address. */
  reaches(from: string, to: string, verb: Verb, port: number, timeoutMs: number): Promise<boolean> {
    return packetPasses(this.#netnsOf(from), { from: this.addressOf(from, 4), to }, verb, port, timeoutMs)
  }

  /** What observers are shown of a try that is denied. */
  async denialOf(from: string, to: string, verb: Verb, port: number): Promise<FlowRecord> {
    const [source, destination] = [this.addressOf(from, 4), this.addressOf(to, 4)]
    const concerns = (flow: FlowRecord) => flow.source.address === source && flow.destination.address === destination
    const denied = firstValueFrom(
      this.agent.flows.live.pipe(
        filter(flow => flow.verdict === 'denied' && concerns(flow)),
        timeout(3000),
      ),
    )
    const [flow] = await Promise.all([denied, this.passes(from, to, verb, port, 4, 300)])
    return flow
  }

  addressOf(name: string, family: 4 | 6): string {
    const at = family === 4 ? 0 : 1
    if (isOutsider(name)) return outsiders[name][at]
    return name === 'host' ? nodeAddresses[at] : actors.find(actor => nameOf(actor) === name)!.addresses[at]!
  }

  #netnsOf(name: string): string {
    if (name === 'host') return this.#network.netnsPath
    return isOutsider(name) ? this.#network.world!.netnsPath : this.#links.get(name)!.netnsPath
  }

  async close(): Promise<void> {
    for (const close of [...this.#closing].reverse()) await close()
  }
}
