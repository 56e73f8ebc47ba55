import type { ClusterState, WeirEvent } from '@weir/core'
import { nodeAddress, nodeWays, type NodeWay, type RoutingMode } from '@weir/core/routing/node-ways.js'
import type { Clock, Timer } from '../agent/clock.js'
import { bringRoutes, type NextHop, nextHops, type PodRoute } from './kernel-routes.js'

/** How long changes are gathered: nodes come with several of them. */
const gatherMs = 20
/** Somebody may have taken a route away, or a next hop may be on a link by now. */
const periodMs = 30_000

export interface RoutingOptions {
  readonly mode: RoutingMode
  /** The node's namespace; that of this process when absent. */
  readonly netns: string | undefined
  readonly clock: Clock
  readonly state: () => ClusterState
  readonly report: (message: string) => void
}

/** What `weir status` says of the ways to other nodes' pods. */
export interface RoutingView {
  readonly mode: RoutingMode
  /** Blocks of pods that are on other nodes. */
  readonly blocks: number
  /** Those that have a route of Weir's. */
  readonly routes: number
  readonly problem?: string
}

/**
 * Keeps routes to the pods of other nodes as nodes come and go. What it has made stays when it ends, as the datapath does:
 * the next one takes it over by its mark.
 */
export class Routing {
  readonly #options: RoutingOptions
  #turn: Promise<void> = Promise.resolve()
  #gathering: Timer | undefined
  #timer: Timer | undefined
  #view: RoutingView

  constructor(options: RoutingOptions) {
    this.#options = options
    this.#view = { mode: options.mode, blocks: 0, routes: 0 }
  }

  get view(): RoutingView {
    return this.#view
  }

  /** Routes are there when it resolves, or the status says why not. */
  async start(): Promise<void> {
    await this.refresh()
    if (this.#options.mode !== 'off') this.#timer = this.#options.clock.every(periodMs, () => this.refresh())
  }

  /** Looks at what events may have changed, soon. */
  observe(events: readonly WeirEvent[]): void {
    if (this.#options.mode === 'off' || this.#gathering !== undefined || !events.some(saysWhereNodesAre)) return
    const timer = this.#options.clock.every(gatherMs, () => {
      timer.stop()
      this.#gathering = undefined
      return this.refresh()
    })
    this.#gathering = timer
  }

  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#bring())
    return this.#turn
  }

  async close(): Promise<void> {
    this.#timer?.stop()
    this.#gathering?.stop()
    await this.#turn
  }

  async #bring(): Promise<void> {
    const { mode, netns, state, report } = this.#options
    try {
      const ways = mode === 'off' ? [] : nodeWays(state(), false)
      const hops = await nextHops(netns, new Set(ways.map(({ address }) => address)))
      const routes = directRoutes(ways, hops, ownAddresses(state()))
      await bringRoutes(netns, routes)
      this.#view = { mode, blocks: ways.length, routes: routes.length }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      if (problem !== this.#view.problem) report(`not all routes to other nodes' pods are there: ${problem}`)
      this.#view = { ...this.#view, problem }
    }
  }
}

/** Routes by nodes that are on a link of this one; the others are the fabric's. */
export function directRoutes(
  ways: readonly NodeWay[],
  hops: ReadonlyMap<string, NextHop>,
  own: readonly string[],
): readonly PodRoute[] {
  return ways.flatMap(({ block, family, address }): PodRoute[] => {
    const hop = hops.get(address)
    if (hop === undefined || hop.via !== undefined) return []
    const src = nodeAddress(own, family)
    return [{ block, family, via: address, dev: hop.dev, ...(src !== undefined && { src }) }]
  })
}

function ownAddresses({ agent, nodes }: ClusterState): readonly string[] {
  return nodes.get(agent?.fact.node ?? '')?.fact.addresses ?? []
}

const saysWhereNodesAre = ({ kind }: WeirEvent): boolean => kind.startsWith('node.') || kind === 'agent.configured'
