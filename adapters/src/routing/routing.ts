import { type ClusterState, objectKey, type WeirEvent } from '@weir/core'
import { isTunnel, type NodeWay, nodeWays, type RoutingMode, type TunnelMode } from '@weir/core/routing/node-ways.js'
import { podSources } from '@weir/core/routing/pod-sources.js'
import { strayAddresses, strayPods, type TunnelRow, tunnelRows } from '@weir/core/routing/tunnel-rows.js'
import type { Attachment } from '@weir/datapath/backend.js'
import type { Clock, Timer } from '../agent/clock.js'
import { allowForwarding } from './forwarding.js'
import { bringRoutes, bringRules, type NextHop, nextHops, type PodRoute } from './kernel-routes.js'
import { type Netns, netnsAt, type Rtnetlink } from './netns.js'
import { overlayDevice, overlayNames, overlays, removeOverlay } from './overlay-device.js'
import { directRoutes, nodeRules, ownAddresses, tunnelMtu, tunnelRoutes } from './wanted.js'

/** How long changes are gathered: nodes come with several of them. */
const gatherMs = 20
/** Somebody may have taken a route away, or a next hop may be on a link by now. */
const periodMs = 30_000

export interface RoutingOptions {
  /** Where nobody asks for any, routes that are there are left. */
  readonly asked: RoutingMode | undefined
  /** What routes are made by; nobody keeps any without it. */
  readonly rtnetlink: Rtnetlink | undefined
  /** The node's namespace; that of this process when absent. */
  readonly path: string | undefined
  readonly clock: Clock
  readonly state: () => ClusterState
  /** Brings programs to devices that tunnels are got into by, others keep theirs; resolves when they are there. */
  readonly addOverlays: (overlays: readonly Attachment[]) => Promise<void>
  /** The same, and takes them off others. */
  readonly useOverlays: (overlays: readonly Attachment[]) => Promise<void>
  /** Says where tunnels lead from now on, besides where they led. */
  readonly addTunnels: (tunnels: ReadonlyMap<string, TunnelRow>) => void
  /** Says where tunnels lead, and nowhere else. */
  readonly useTunnels: (tunnels: ReadonlyMap<string, TunnelRow>) => void
  readonly report: (message: string) => void
}

/** What `weir status` says of the ways to other nodes' pods. */
export interface RoutingView {
  readonly mode: RoutingMode
  /** Blocks of pods that are on other nodes. */
  readonly blocks: number
  /** Those that have a route of Weir's. */
  readonly routes: number
  /** Blocks to which somebody else has a route, that Weir's waits for to go; absent when there are none. */
  readonly taken?: readonly string[]
  /** What pods' packets to other nodes may be at most, where tunnels add to them. */
  readonly mtuBytes?: number
  readonly problem?: string
}

/**
 * Keeps routes to the pods of other nodes as nodes come and go. What it has made stays when it ends, as the datapath does:
 * the next one takes it over by its mark.
 */
export class Routing {
  readonly #options: RoutingOptions & { readonly mode: RoutingMode; readonly netns: Netns }
  readonly #isAsked: boolean
  #turn: Promise<void> = Promise.resolve()
  #gathering: Timer | undefined
  #timer: Timer | undefined
  #view: RoutingView
  /** What is known of ways and routes since they were last asked for. */
  #hops: ReadonlyMap<string, NextHop> = new Map()
  #routes: readonly PodRoute[] | undefined
  /** Pods that were in no block of their node, by `namespace/name`. */
  #strays: ReadonlySet<string> = new Set()

  constructor(options: RoutingOptions) {
    const { asked, rtnetlink, path } = options
    const mode = rtnetlink === undefined ? undefined : asked
    this.#isAsked = mode !== undefined
    this.#options = { ...options, mode: mode ?? 'off', netns: netnsAt(path, rtnetlink) }
    this.#view = { mode: this.#options.mode, blocks: 0, routes: 0 }
  }

  get view(): RoutingView {
    return this.#view
  }

  /**
   * Before the datapath is taken over: routes of the run before may lead into tunnels of this mode, so that their device
   * keeps having programs, and these keep knowing where to. What the kernel refuses of it is tried again with all else.
   */
  async takeOver(): Promise<void> {
    try {
      await this.#keepTunnels()
    } catch (error) {
      // The datapath knows by then which devices are wanted: without ways its start is what brings them to that.
      if (this.#isAsked) this.#note(error)
    }
  }

  async #keepTunnels(): Promise<void> {
    const { mode, netns, state, addOverlays, useOverlays, addTunnels } = this.#options
    if (!this.#isAsked) await useOverlays([])
    const ifindex = isTunnel(mode) ? overlays(netns).find(each => each.mode === mode)?.ifindex : undefined
    if (!isTunnel(mode) || ifindex === undefined) return
    addTunnels(tunnelRows(state()))
    await addOverlays([overlayAt(ifindex, mode, ownAddresses(state()))])
  }

  /** Routes are there when it resolves, or the status says why not. */
  async start(): Promise<void> {
    if (!this.#isAsked) return
    if (this.#options.mode !== 'off') await this.#forward()
    await this.refresh()
    this.#timer = this.#options.clock.every(periodMs, () => this.refresh())
  }

  /** A node that may not set it, in a container for one, has it set by whoever may: the check of the node says so. */
  async #forward(): Promise<void> {
    const { netns, report } = this.#options
    try {
      const changed = await allowForwarding(netns)
      if (changed.length > 0) report(`packets are forwarded from now on: ${changed.join(', ')}`)
    } catch (error) {
      report(`the kernel can't be told to forward packets: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Looks at what events may have changed, soon. */
  observe(events: readonly WeirEvent[]): void {
    if (this.#options.mode === 'off' || this.#gathering !== undefined || !this.#concerns(events)) return
    const timer = this.#options.clock.every(gatherMs, () => {
      timer.stop()
      this.#gathering = undefined
      return this.#next(() => this.#bring())
    })
    this.#gathering = timer
  }

  /** Looks at all that there is, and sets right what isn't as it should be. */
  refresh(): Promise<void> {
    return this.#next(() => {
      this.#hops = new Map()
      this.#routes = undefined
      return this.#bring()
    })
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work)
    return this.#turn
  }

  async close(): Promise<void> {
    this.#timer?.stop()
    this.#gathering?.stop()
    await this.#turn
  }

  #concerns(events: readonly WeirEvent[]): boolean {
    if (events.some(saysWhereNodesAre)) return true
    return isTunnel(this.#options.mode) && events.some(event => this.#saysStray(event))
  }

  #saysStray(event: WeirEvent): boolean {
    if (event.kind === 'pod.deleted') return this.#strays.has(objectKey(event.namespace, event.name))
    if (event.kind !== 'pod.upserted') return false
    const { pod } = event
    return this.#strays.has(objectKey(pod.namespace, pod.name)) || strayAddresses(this.#options.state(), pod).length > 0
  }

  /** Direct routes; or none, where the fabric has its own. What tunnels there were are of no use any more. */
  async #bringRoutes(mode: RoutingMode): Promise<RoutingView> {
    const { netns, state, useOverlays } = this.#options
    const ways = mode === 'off' ? [] : nodeWays(state(), false)
    const hops = await this.#hopsTo(ways)
    const routes = directRoutes(ways, hops, ownAddresses(state()))
    await bringRules(netns, [])
    const waiting = await this.#reach(routes)
    await useOverlays([])
    await this.#removeOverlays()
    return { mode, blocks: ways.length, routes: routes.length - waiting.length, ...takenBy(waiting) }
  }

  /**
   * A device, programs that know where to, and only then routes that lead there, and rules by which pods take them. Where
   * nothing leads any more is forgotten last, a device of the other kind with its programs too.
   */
  async #bringTunnels(mode: TunnelMode): Promise<RoutingView> {
    const { netns, state, addOverlays, addTunnels, useOverlays, useTunnels } = this.#options
    const ways = nodeWays(state(), true)
    const tunnels = tunnelRows(state())
    const sources = podSources(state())
    const own = ownAddresses(state())
    this.#strays = strayPods(state())
    const hops = await this.#hopsTo(ways)
    const mtuBytes = tunnelMtu(mode, ways, hops)
    // No route leads into a tunnel that has no device: what was known of a time before would be where the first ones lead.
    if (overlays(netns).length === 0) useTunnels(tunnels)
    const ifindex = await overlayDevice(netns, mode, mtuBytes)
    const overlay = overlayAt(ifindex, mode, own)
    await addOverlays([overlay])
    addTunnels(tunnels)
    const routes = tunnelRoutes(tunnels, ifindex, own)
    const waiting = await this.#reach(routes)
    await bringRules(netns, nodeRules(sources))
    useTunnels(tunnels)
    await useOverlays([overlay])
    await this.#removeOverlays(mode)
    const forAll = (some: readonly PodRoute[]): number => some.filter(({ table }) => table === undefined).length
    return { mode, blocks: ways.length, routes: forAll(routes) - forAll(waiting), mtuBytes, ...takenBy(waiting) }
  }

  /** Asks for the ways that aren't known. */
  async #hopsTo(ways: readonly NodeWay[]): Promise<ReadonlyMap<string, NextHop>> {
    const unknown = new Set(ways.flatMap(({ address }) => (this.#hops.has(address) ? [] : [address])))
    if (unknown.size > 0) this.#hops = new Map([...this.#hops, ...(await nextHops(this.#options.netns, unknown))])
    return this.#hops
  }

  /** @returns routes that wait for those of others to go */
  async #reach(wanted: readonly PodRoute[]): Promise<readonly PodRoute[]> {
    const known = this.#routes
    this.#routes = undefined
    const { routes, waiting } = await bringRoutes(this.#options.netns, wanted, known)
    this.#routes = routes
    return waiting
  }

  async #removeOverlays(except?: TunnelMode): Promise<void> {
    const { netns } = this.#options
    for (const { mode } of overlays(netns)) if (mode !== except) await removeOverlay(netns, mode)
  }

  async #bring(): Promise<void> {
    const { mode } = this.#options
    try {
      const view = isTunnel(mode) ? await this.#bringTunnels(mode) : await this.#bringRoutes(mode)
      this.#tell(view)
      this.#view = view
    } catch (error) {
      this.#note(error)
    }
  }

  #tell({ taken = [] }: RoutingView): void {
    const { taken: before = [] } = this.#view
    if (taken.join() === before.join()) return
    this.#options.report(taken.length === 0 ? "routes of others to nodes' pods are gone" : takenText(taken))
  }

  #note(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem !== this.#view.problem)
      this.#options.report(`not all routes to other nodes' pods are there: ${problem}`)
    this.#view = { ...this.#view, problem }
  }
}

const overlayAt = (ifindex: number, mode: TunnelMode, sources: readonly string[]): Attachment => ({
  ...{ ifindex, ifname: overlayNames[mode], role: 'overlay', sources },
})

/** As many blocks as tell where to look. */
const takenShown = 4

/** That routes of others stay, with some of their blocks. */
export function takenText(taken: readonly string[]): string {
  const more = taken.length - takenShown
  const shown = `${taken.slice(0, takenShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return `somebody else has routes to ${shown}: those stay, Weir's wait until they are gone`
}

const takenBy = (waiting: readonly PodRoute[]): Pick<RoutingView, 'taken'> =>
  waiting.length === 0 ? {} : { taken: [...new Set(waiting.map(({ block }) => block))].sort() }

const saysWhereNodesAre = ({ kind }: WeirEvent): boolean => kind.startsWith('node.') || kind === 'agent.configured'
