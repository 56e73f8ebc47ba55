import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeirError } from '@weir/core'
import { type Agent, createAgent } from '../agent/agent.js'
import type { BackendChoice } from '../agent/agent-options.js'
import { systemClock } from '../agent/clock.js'
import type { Colour } from '../cli/terminal.js'
import { demoNetwork } from './addresses.js'
import { chooseBackend } from './choose.js'
import { clearLeftovers, clearRun, recordRun } from './leftovers.js'
import type { Ground } from './ground.js'
import { loadOracle } from './oracle.js'
import { outsideDevice } from '../network/node-network.js'
import { Plugger } from './plug.js'
import type { DemoReport } from './report.js'
import { tellStory } from './story.js'

export interface DemoOptions {
  /** Kubernetes manifests: a folder or a file. */
  readonly folder: string
  readonly backend: BackendChoice
  /** Stay until interrupted. */
  readonly keep: boolean
  readonly timeBudgetMs: number
  /** How long silence is waited for before it counts as a no; 500 when absent. Of real packets only. */
  readonly patienceMs?: number
  readonly interrupted: AbortSignal
  readonly colour: Colour
  /** A line for people. */
  readonly say: (text: string) => Promise<void>
  /** Called when the work is done, before staying. */
  readonly onResult: (report: DemoReport) => Promise<void>
}

/** Name of the node that the demo's pods run on. */
export const demoNode = 'demo-node'

/**
 * Shows Weir at work on a folder of manifests, and checks each verdict. What it makes is gone when it returns or
 * throws, and what crashed runs left is cleared first.
 *
 * @returns the report; undefined when it was interrupted before it was done.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport | undefined> {
  const { say, interrupted } = options
  // From the background: a reader who has gone is told of by the next line of the story.
  const mutter = (text: string): void => void say(text).catch(() => {})
  const start = performance.now()
  if (!existsSync(options.folder))
    throw new WeirError('WEIR_NOT_FOUND', `there is nothing at ${options.folder}`, {
      kind: 'folder',
      name: options.folder,
      near: [],
    })
  const cleared = await clearLeftovers()
  if (cleared.length > 0)
    await say(`cleared what ${cleared.length === 1 ? 'an earlier run' : `${cleared.length} earlier runs`} left behind`)
  const oracle = await loadOracle()
  const { kind, reason } = await chooseBackend(options.backend)
  if (reason !== undefined) await say(reason)

  const id = randomBytes(4).toString('hex')
  const stateFolder = join(tmpdir(), `weir-demo-${id}`)
  const pinName = `demo-${id}`
  const recorded = recordRun(id, [stateFolder, `/sys/fs/bpf/weir/${pinName}`])
  // In memory all that a crash could leave is a folder, and who isn't root can't write down even that.
  const run = await (kind === 'kernel' ? recorded : recorded.catch(() => undefined))
  const undo: (() => Promise<void>)[] = []
  try {
    await mkdir(stateFolder, { mode: 0o700 })
    undo.push(() => rm(stateFolder, { recursive: true, force: true }))
    const ground: Ground = await openGround(kind, id, options.patienceMs)
    undo.push(() => ground.close())
    const socketPath = join(stateFolder, 'agent.sock')
    const agent: Agent = await createAgent({
      stateFolder,
      socketPath,
      node: demoNode,
      backend: kind,
      clock: systemClock,
      manifests: options.folder,
      nodeAddresses: demoNetwork.nodeAddresses,
      podCidrs: demoNetwork.podCidrs,
      report: message => mutter(`agent: ${message}`),
      pinName,
      ...(ground.netns !== undefined && { netns: ground.netns, devices: [outsideDevice] }),
    })
    undo.push(() => agent.stop())
    ground.join(agent)
    const plugger = new Plugger(agent, ground)
    const following = agent.applied.subscribe(
      () => void plugger.settle().catch(error => mutter(`plugging pods in failed: ${String(error)}`)),
    )
    undo.push(async () => following.unsubscribe())
    await agent.ready
    await plugger.settle()
    const setUpMs = performance.now() - start
    const report = await tellStory({ ...options, agent, ground, oracle, plugger, kind, setUpMs, startedAt: start })
    if (report !== undefined) await options.onResult(report)
    if (report !== undefined && options.keep && !interrupted.aborted) {
      await say(`\nleft running; in another terminal:  npx weir status --socket ${socketPath}`)
      await say(`                                    npx weir observe --last 20 --socket ${socketPath}`)
      await say('Ctrl-C ends it and takes everything away.')
      await new Promise<void>(done => interrupted.addEventListener('abort', () => done(), { once: true }))
    }
    return report
  } catch (error) {
    // Ctrl-C reaches the commands that are under way too, and they fail by it.
    if (interrupted.aborted) return undefined
    throw error
  } finally {
    for (const step of undo.reverse()) await step().catch(error => mutter(`cleaning up: ${String(error)}`))
    if (run !== undefined) await clearRun(run)
  }
}

/** Native code and WebAssembly are loaded only by those who use them. */
async function openGround(kind: 'kernel' | 'memory', id: string, patienceMs: number | undefined): Promise<Ground> {
  if (kind === 'memory') return (await import('./memory-ground.js')).createMemoryGround()
  return await (await import('./kernel-ground.js')).createKernelGround({
    id,
    ...(patienceMs !== undefined && { patienceMs }),
  })
}
