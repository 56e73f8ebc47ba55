import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt } from '@weir/adapters/demo/attempt.js'
import { nodes, podOn, policy, port } from '@weir/adapters/demo/cluster/plan.js'
import { type ClusterPod, ClusterStage } from '@weir/adapters/demo/cluster/stage.js'
import { protocolNumbers } from '@weir/core'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import { patience } from './agent-process.js'

export { nodes, podOn, policy, port }

export const server = podOn(1, 1, 'server')
export const client = podOn(2, 1, 'client')
export const stranger = podOn(2, 2, 'stranger')

/** Two nodes: a server on the first, a client and a stranger on the second. */
export class ClusterSite {
  readonly stage: ClusterStage
  readonly #folder: string

  private constructor(stage: ClusterStage, folder: string) {
    this.stage = stage
    this.#folder = folder
  }

  static async create(id: string, mode: RoutingMode, words: readonly string[] = []): Promise<ClusterSite> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-cluster-'))
    const site = new ClusterSite(await ClusterStage.create({ id, folder, words }), folder)
    try {
      for (const plan of nodes.slice(0, 2)) await site.stage.addNode(plan)
      await site.stage.addPods([server, client, stranger], [port])
      await site.stage.say(policy)
      for (const { name } of nodes.slice(0, 2)) await site.stage.startAgent(name, mode)
      return site
    } catch (error) {
      await site.close()
      throw error
    }
  }

  /** Whether a pod, or the node itself, gets an answer of another pod. */
  async asks(
    from: ClusterPod | { readonly netns: string },
    to: ClusterPod,
    family: 4 | 6,
    protocol: 'TCP' | 'UDP' = 'TCP',
    timeoutMs = 2000 * patience,
  ): Promise<string> {
    const own = 'netns' in from ? undefined : from.addresses[family === 4 ? 0 : 1]
    const netns = 'netns' in from ? from.netns : this.stage.netnsOf(from.name)
    const address = to.addresses[family === 4 ? 0 : 1]!
    const flow = {
      from: own ?? (family === 4 ? '0.0.0.0' : '::'),
      to: address,
      protocol: protocolNumbers[protocol],
      port,
    }
    const cell = { from: '', to: to.name, family, protocol, port, flow }
    return (await attempt(netns, cell, timeoutMs)).kind
  }

  async close(): Promise<void> {
    await this.stage.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
