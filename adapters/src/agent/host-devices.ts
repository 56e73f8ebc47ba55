import type { ClusterState, WeirEvent } from '@weir/core'
import { sameFact } from '@weir/core/input/same-fact.js'
import { chooseDevices, type NodeDevice } from '../network/node-devices.js'
import type { Network } from '../network/network.js'
import { deviceFacts, ObservedAddresses, type Sight } from '../network/observed-addresses.js'
import type { Clock, Timer } from './clock.js'
import type { Fact, Facts, Submitted } from './intake.js'
import { hostAddresses } from './places.js'

/** How long changes are gathered at least: a device comes with several of them. */
const gatherMs = 20

/** As many times as long as a look took: where pods come and go all the time, looking stays a small part of the work. */
const restFactor = 10

export interface HostDevicesOptions {
  /** The node's namespace; that of this process when absent. */
  readonly netns: string | undefined
  readonly network: () => Promise<Network>
  /** As DeviceChoice has them. */
  readonly patterns: readonly string[] | undefined
  readonly clock: Clock
  readonly state: () => ClusterState
  /** Brings the programs to these devices; resolves when they are there. */
  readonly use: (devices: readonly NodeDevice[]) => Promise<void>
  readonly submit: (origin: string, facts: Facts) => Promise<Submitted>
  readonly report: (message: string) => void
}

/**
 * Follows the node's devices: which are its own, as they come and go, get addresses or lose routes, and which addresses
 * they all have, by any of which the node may be reached.
 */
export class HostDevices {
  readonly #options: HostDevicesOptions
  #devices: readonly NodeDevice[] = []
  #problem: string | undefined
  #watch: { close(): void } | undefined
  #gathering: Timer | undefined
  readonly #observed = new ObservedAddresses()
  #again: Timer | undefined
  #isClosed = false
  #restMs = gatherMs
  #turn: Promise<void> = Promise.resolve()

  constructor(options: HostDevicesOptions) {
    this.#options = options
  }

  get current(): readonly NodeDevice[] {
    return this.#devices
  }

  /** The largest packet that leaves by any of them, in bytes; undefined while there is none. */
  get mtuBytes(): number | undefined {
    const known = this.#devices.map(({ mtuBytes }) => mtuBytes).filter(mtuBytes => mtuBytes > 0)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  /** Set while programs couldn't be brought to a device; tried again at the next change and comparison. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Finds the devices and watches them from now on. */
  async start(): Promise<void> {
    await this.refresh()
    try {
      const { watchDevicesIn } = await this.#options.network()
      this.#watch = watchDevicesIn(this.#netns, () => this.changed())
      // What came while nobody watched.
      this.changed()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Something may have changed: looks at it soon. */
  changed(): void {
    this.#gathering ??= this.#after(this.#restMs, () => {
      this.#gathering = undefined
      return this.refresh()
    })
  }

  /** Looks now. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look())
    return this.#turn
  }

  async close(): Promise<void> {
    this.#watch?.close()
    this.#isClosed = true
    this.#gathering?.stop()
    await this.#turn
    this.#again?.stop()
  }

  #after(delayMs: number, work: () => Promise<void>): Timer {
    const timer = this.#options.clock.every(delayMs, () => {
      timer.stop()
      return work()
    })
    return timer
  }

  get #netns(): string {
    return this.#options.netns ?? '/proc/self/ns/net'
  }

  async #look(): Promise<void> {
    const { patterns, state, use, network, clock } = this.#options
    try {
      const { devicesIn } = await network()
      const podIfindexes = new Set([...state().endpoints.values()].map(({ fact }) => fact.ifindex))
      const nodeAddresses = hostAddresses(state())
      const began = clock.nowMs()
      const devices = devicesIn(this.#netns)
      this.#restMs = Math.max(gatherMs, restFactor * (clock.nowMs() - began))
      const found = chooseDevices(devices, {
        nodeAddresses,
        podIfindexes,
        ...(patterns !== undefined && { patterns }),
      })
      const ownIfindexes = new Set(found.map(({ ifindex }) => ifindex))
      await this.#observe({ devices, podIfindexes, ownIfindexes })
      const isSame = this.#problem === undefined && placesOf(found) === placesOf(this.#devices)
      this.#devices = found
      if (!isSame) await use(found)
      this.#problem = undefined
    } catch (error) {
      this.#failed(error)
    }
  }

  async #observe(sight: Sight): Promise<void> {
    const { state, clock, submit } = this.#options
    const said = state().host?.fact.addresses ?? []
    const { addresses, againMs } = this.#observed.look(sight, said, clock.nowMs())
    this.#again?.stop()
    if (againMs !== undefined && !this.#isClosed) this.#again = this.#after(againMs, () => this.refresh())
    const facts: Fact[] = sameFact(said, addresses) ? [] : [{ kind: 'host.observed', host: { addresses } }]
    const devices = deviceFacts(sight, state().devices?.fact ?? [], addresses)
    if (asksForDevices(state()) && !sameFact(state().devices?.fact, devices))
      facts.push({ kind: 'devices.observed', devices })
    // What isn't enforced yet, or no longer durable, is told by the status.
    if (facts.length > 0) await submit('agent', facts).catch(() => {})
  }

  #failed(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem !== this.#problem) this.#options.report(`not all devices of the node have their programs: ${problem}`)
    this.#problem = problem
  }
}

/** Whether it may make a device the node's own, or no longer, or be the first to ask for devices. */
export function saysWhatIsOwn({ kind }: WeirEvent): boolean {
  return kind.startsWith('node.') || kind.startsWith('endpoint.') || kind === 'egressgateway.upserted'
}

/** Whether what devices have decides anything: it is said of no node that sends nothing under its own address. */
const asksForDevices = ({ agent, egressGateways, devices }: ClusterState): boolean =>
  (agent?.fact.masquerade ?? []).length > 0 || egressGateways.size > 0 || devices !== undefined

const placesOf = (devices: readonly NodeDevice[]): string =>
  devices.map(({ ifindex, ifname, sources }) => [ifindex, ifname, ...sources].join(' ')).join()
