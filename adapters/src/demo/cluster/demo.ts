import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import type { SnapshotAnswer } from '../../agent/protocol.js'
import { tableLines } from '../../cli/table.js'
import type { Colour } from '../../cli/terminal.js'
import { clearLeftovers, clearRun, recordRun } from '../leftovers.js'
import { loadOracle, type Oracle } from '../oracle.js'
import { type Matrix, tryMatrix } from './matrix.js'
import { nodes, podsOn, policy, port, service } from './plan.js'
import { clusterFolders, ClusterStage } from './stage.js'
import { Streams } from './streams.js'

export interface ClusterDemoOptions {
  readonly interrupted: AbortSignal
  readonly colour: Colour
  /** A line for people. */
  readonly say: (text: string) => Promise<void>
}

/** What became of one step. */
export interface ClusterStep extends Matrix {
  readonly name: string
  /** Connections between the other nodes: how many are open, answers during the step, longest without one, how many ended. */
  readonly streams: {
    readonly open: number
    readonly answers: number
    readonly longestMs: number
    readonly broken: number
  }
  /** Whether other nodes may not notice. */
  readonly isQuiet: boolean
}

export interface ClusterReport {
  /** Part of the name of all that the run made. */
  readonly id: string
  readonly steps: readonly ClusterStep[]
  /** Tries that came out otherwise than the reference semantics say, and connections that broke. */
  readonly wrong: number
}

/** Shows three nodes on one segment, by direct routes and by VXLAN, and takes all of it away again. */
export async function runClusterDemo(options: ClusterDemoOptions): Promise<ClusterReport | undefined> {
  const { interrupted } = options
  await clearLeftovers()
  const oracle = await loadOracle()
  const id = randomBytes(3).toString('hex')
  const folder = join(tmpdir(), `weir-demo-${id}`)
  const { pins, cgroups } = clusterFolders(
    id,
    nodes.map(({ name }) => name),
  )
  const run = await recordRun(id, [folder, ...pins], cgroups)
  let stage: ClusterStage | undefined
  const streams = new Streams()
  try {
    await mkdir(folder, { mode: 0o700 })
    stage = await ClusterStage.create({ id, folder })
    return { id, ...(await new Course(stage, streams, oracle, options).run()) }
  } catch (error) {
    if (interrupted.aborted) return undefined
    throw error
  } finally {
    streams.close()
    await stage?.close()
    await rm(folder, { recursive: true, force: true })
    await clearRun(run)
  }
}

/** Longest that agents may take to know of a change. */
const patienceMs = 60_000

/** What isn't answered for so long is noticed by people. */
const noticeableMs = 3000

/** What is done, one after the other. */
class Course {
  readonly #stage: ClusterStage
  readonly #streams: Streams
  readonly #oracle: Oracle
  readonly #options: ClusterDemoOptions
  readonly #steps: ClusterStep[] = []
  #mode: RoutingMode = 'native'

  constructor(stage: ClusterStage, streams: Streams, oracle: Oracle, options: ClusterDemoOptions) {
    this.#stage = stage
    this.#streams = streams
    this.#oracle = oracle
    this.#options = options
  }

  async run(): Promise<Omit<ClusterReport, 'id'>> {
    const { say, colour } = this.#options
    for (const number of [1, 2]) await this.#make(number)
    await this.#stage.say(`${policy}---\n${service}`)
    for (const name of ['n1', 'n2']) await this.#stage.startAgent(name, this.#mode)
    await say(
      'Each node with a network, an agent, a log, pins and a cgroup of its own; pods of the others by direct routes.\n',
    )
    const [server, client] = [podsOn(1)[0]!, podsOn(2)[1]!]
    await this.#settled(['n1', 'n2'])
    await this.#streams.open(this.#stage, client, server)
    await this.#step('two nodes', ['n1', 'n2'])
    await this.#step('a third is added', ['n1', 'n2', 'n3'], async () => {
      await this.#make(3)
      await this.#stage.say(`${policy}---\n${service}`)
      await this.#stage.startAgent('n3', this.#mode)
    })
    await this.#dies('n3')
    const turnOver = async (): Promise<void> => {
      this.#mode = 'vxlan'
      for (const name of ['n1', 'n2', 'n3']) {
        await this.#stage.agents.get(name)!.end('SIGTERM')
        await this.#stage.startAgent(name, this.#mode)
      }
    }
    // Half way through, two nodes speak in different ways.
    await this.#step('VXLAN instead', ['n1', 'n2', 'n3'], turnOver, false)
    await this.#dies('n3')
    for (const line of stepLines(this.#steps, colour)) await say(line)
    const complaints = this.#steps.flatMap(({ name, wrong }) => wrong.map(text => `${name}: ${text}`))
    for (const text of complaints) await say(colour.bad(text))
    const noticed = this.#steps.filter(step => step.isQuiet && step.streams.longestMs > noticeableMs)
    for (const { name, streams } of noticed)
      await say(colour.bad(`${name}: a connection of other nodes had no answer for ${streams.longestMs} ms`))
    const wrong = complaints.length + this.#streams.broken + noticed.length
    const tried = this.#steps.reduce((sum, step) => sum + step.tried, 0)
    await say('')
    await say(
      wrong === 0
        ? colour.good(`All ${tried} tries came out as the reference semantics say, and no connection ended.`)
        : colour.bad(`${wrong} things are not as they should be.`),
    )
    return { steps: this.#steps, wrong }
  }

  async #dies(node: string): Promise<void> {
    await this.#step(`${node} is killed and unplugged`, ['n1', 'n2'], async () => {
      await this.#stage.agents.get(node)!.end('SIGKILL')
      await this.#stage.segment.plug(node, false)
      await this.#stage.say(`${policy}---\n${service}`, ['n1', 'n2'], this.#stage.pods, [node])
    })
    await this.#step(`${node} comes back`, ['n1', 'n2', 'n3'], async () => {
      await this.#stage.segment.plug(node, true)
      await this.#stage.say(`${policy}---\n${service}`)
      await this.#stage.startAgent(node, this.#mode)
    })
  }

  async #make(number: number): Promise<void> {
    await this.#stage.addNode(nodes[number - 1]!)
    await this.#stage.addPods(podsOn(number), [port])
  }

  async #step(
    name: string,
    among: readonly string[],
    change = async (): Promise<void> => {},
    isQuiet = true,
  ): Promise<void> {
    if (this.#options.interrupted.aborted) throw new Error('interrupted')
    const { answers, broken } = this.#streams
    this.#streams.takeLongestMs()
    await change()
    await this.#settled(among)
    const matrix = await tryMatrix(this.#stage, among, this.#oracle)
    this.#steps.push({
      ...{ name, ...matrix, isQuiet },
      streams: {
        open: this.#streams.count,
        answers: this.#streams.answers - answers,
        longestMs: this.#streams.takeLongestMs(),
        broken: this.#streams.broken - broken,
      },
    })
  }

  /** Waits until the agents of some nodes know every pod, what its service leads to, and the ways to every other node. */
  async #settled(among: readonly string[]): Promise<void> {
    const deadline = Date.now() + patienceMs
    for (const node of among)
      while (!(await this.#isSettled(node))) {
        if (Date.now() > deadline)
          throw new Error(`${node} doesn't know the others: ${this.#stage.agents.get(node)!.said}`)
        await pause(50)
      }
  }

  async #isSettled(node: string): Promise<boolean> {
    const { client } = this.#stage.agents.get(node)!
    const [{ engine }, status] = await Promise.all([
      client.get<SnapshotAnswer>('/v1/snapshot'),
      this.#stage.agents.get(node)!.status(),
    ])
    const others = this.#stage.segment.networks.size - 1
    const { pods, endpointSlices } = engine.state
    const endpoints = endpointSlices.flatMap(([, { fact }]) => fact.endpoints.flatMap(({ addresses }) => addresses))
    const servers = this.#stage.pods.filter(({ labels }) => labels.role === 'server')
    return (
      pods.length === this.#stage.pods.length &&
      // What a service leads to is told after the pods that it selects.
      endpoints.toSorted().join() ===
        servers
          .flatMap(({ addresses }) => addresses)
          .toSorted()
          .join() &&
      (status.routing?.routes ?? 0) >= 2 * others
    )
  }
}

const stepLines = (steps: readonly ClusterStep[], colour: Colour): readonly string[] =>
  tableLines(steps, [
    { heading: 'step', cell: ({ name }) => name },
    { heading: 'tries', cell: ({ tried }) => String(tried) },
    { heading: 'across nodes', cell: ({ across }) => String(across) },
    { heading: 'allowed', cell: ({ allowed }) => String(allowed) },
    {
      heading: 'as the oracle says',
      cell: ({ tried, wrong }) =>
        (wrong.length === 0 ? colour.good : colour.bad)(`${tried - wrong.length} of ${tried}`),
    },
    {
      heading: 'open connections',
      cell: ({ streams: { open, answers, longestMs, broken } }) =>
        broken === 0
          ? colour.good(`${open} kept, ${answers} answers, ${longestMs} ms at most`)
          : colour.bad(`${broken} of ${open} broke`),
    },
  ])
