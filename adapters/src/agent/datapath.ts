import type { BackendRow, Change, Tables, TablesDelta } from '@weir/core'
import type { Attachment, AttachOptions, Backend, EventBatch } from '@weir/datapath/backend.js'
import { keptRecords } from '@weir/datapath/flow/event.js'
import { reasonName } from '@weir/datapath/flow/reasons.js'
import { LeavingReconciler } from '@weir/datapath/leaving/reconciler.js'
import { OverlayReconciler } from '@weir/datapath/overlay/reconciler.js'
import { isTunnel } from '@weir/core/routing/node-ways.js'
import type { TunnelRow } from '@weir/core/routing/tunnel-rows.js'
import { Reconciler } from '@weir/datapath/reconcile/reconciler.js'
import { ServiceReconciler } from '@weir/datapath/services/reconciler.js'
import { shortageText } from '@weir/datapath/services/shortage.js'
import type { WriteCounts } from '@weir/datapath/reconcile/report.js'
import type { Subscription } from 'rxjs'
import type { AgentOptions } from './agent-options.js'
import type { Clock } from './clock.js'
import { type ConnectionCloser, createConnectionCloser } from './connection-closer.js'
import type { PacketReport } from '../flows/namer.js'
import { packetReport } from './packet-report.js'
import { PacedQueue } from './paced-queue.js'
import { delaysBy } from './delays.js'
import { Lately } from './lately.js'
import { fillsOf } from './map-fills.js'
import type { MapFill, StatusReport } from './protocol.js'

/** Who is told of packets that made events. */
export interface PacketWatcher {
  /** All that were read in one turn of the event loop, as they are. */
  onBatch(batch: EventBatch): void
  /** Of how many of so many packets `onPacket` is to be told. */
  wanted(count: number): number
  /** One of them; soon, but not before other work when there are many. */
  onPacket(report: PacketReport): void
  /** Events that were in no batch. */
  onLost(count: number): void
  /** Packets that `onPacket` isn't told of, because there were too many. */
  onSkipped(count: number): void
}

/** Where verdicts are enforced, as the agent sees it. */
export interface Datapath {
  readonly kind: 'kernel' | 'memory'
  readonly backend: Backend
  /** Tells what the datapath says of packets, from now on. */
  watch(watcher: PacketWatcher): void
  start(tables: Tables): Promise<void>
  /** The tables have all that was to be known at the start: what went before it is told from what isn't known yet. */
  complete(tables: Tables): void
  /** The node's own devices; before the start, for the start. */
  useDevices(devices: readonly Attachment[]): Promise<void>
  /** Devices that tunnels are got into by, besides those that have programs. */
  addOverlays(overlays: readonly Attachment[]): Promise<void>
  /** The devices that tunnels are got into by, and no others. */
  useOverlays(overlays: readonly Attachment[]): Promise<void>
  /** Where tunnels lead from now on, besides where they led. */
  addTunnels(tunnels: ReadonlyMap<string, TunnelRow>): void
  /** Where tunnels lead, and nowhere else. */
  useTunnels(tunnels: ReadonlyMap<string, TunnelRow>): void
  /** Interfaces that have the programs. */
  attachments(): readonly Attachment[]
  /** Brings the maps to the tables; returns how many entries were written or deleted. */
  apply(delta: TablesDelta, tables: Tables): Promise<number>
  /** Compares the maps with the tables and repairs them, `exclusively`: while nothing is applied. How many differed. */
  verify(exclusively?: Exclusively): Promise<number>
  sweep(): void
  figures(): Omit<StatusReport['backend'], 'kind' | 'maps'>
  /** How full maps are. They are counted in steps, between which other work is done: some are large. */
  fills(): Promise<readonly MapFill[]>
  /** Set while the last change isn't enforced yet; it is tried again without being asked. */
  readonly failing: string | undefined
  /** Programs and maps that are pinned go on. */
  close(): void
}

/** One comparison in so many holds what was written to the tables, too, not the maps alone to what was written. */
const thoroughEvery = 60

export type Exclusively = <Result>(work: () => Promise<Result>) => Promise<Result>

export type AttachChoice = 'auto' | 'tcx' | 'clsact'

export interface DatapathOptions extends Pick<AgentOptions, 'netns' | 'cgroup' | 'clock' | 'maglev' | 'routing'> {
  /** The labels of pods' identities in use. */
  readonly labelsOf: (identity: number) => readonly string[] | undefined
}

/** What brings a backend to tables, and keeps it there. */
export function createDatapath(
  backend: Backend,
  options: DatapathOptions,
  report: (message: string) => void,
): Datapath {
  return new ReconciledDatapath(backend, options, report)
}

/** Why there can be no kernel backend on this machine; undefined when there can. */
export async function kernelObstacle(): Promise<Error | undefined> {
  try {
    const { loadKernelBackend } = await import('@weir/datapath/kernel/create-lazily.js')
    const trial = await loadKernelBackend({ node: `probe-${process.pid}` })
    trial.uninstall()
    trial.close()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

class ReconciledDatapath implements Datapath {
  readonly kind: 'kernel' | 'memory'
  readonly backend: Backend
  readonly #inNetns: AttachOptions
  readonly #reconciler: Reconciler
  readonly #services: ServiceReconciler
  readonly #leaving: LeavingReconciler
  /** Where packets to other nodes travel within others. */
  readonly #overlay: OverlayReconciler | undefined
  readonly #cgroup: string | undefined
  readonly #report: (message: string) => void
  readonly #clock: Clock
  readonly #closer: ConnectionCloser
  readonly #withoutPort: Lately
  #socketsFailing: string | undefined
  #comparisons = 0
  /** Changes of backends, connections to which aren't ended yet. */
  readonly #unclosed: Change<BackendRow>[] = []
  /** Changes that nobody was told of but the tunnels, which still name who goes; all make up for them from the tables. */
  #held: { readonly tables: Tables; readonly backends: Change<BackendRow>[] } | undefined
  #queue: PacedQueue<Uint8Array> | undefined
  #events: Subscription | undefined

  constructor(
    backend: Backend,
    { netns, cgroup, clock, maglev, routing = 'off', labelsOf }: DatapathOptions,
    report: (message: string) => void,
  ) {
    this.kind = backend.kind
    this.backend = backend
    this.#withoutPort = new Lately(() => Number(backend.counters().tallies.nat_exhausted ?? 0))
    this.#clock = clock
    this.#inNetns = netns === undefined ? {} : { netns }
    this.#cgroup = cgroup
    this.#report = report
    const timer = delaysBy(clock)
    this.#services = new ServiceReconciler(backend, {
      ...{ timer, nextTurn: () => clock.nextTurn() },
      ...(maglev !== undefined && { tables: maglev }),
      onShortage: shortages =>
        report(shortages.length === 0 ? 'all services have room again' : shortages.map(shortageText).join('; ')),
      onRecovered: () => {
        report('what the datapath refused of services before is in force now')
        this.#closeTo([])
      },
    })
    this.#closer = createConnectionCloser(backend, netns, clock, report)
    this.#leaving = new LeavingReconciler(backend, {
      timer,
      onRecovered: () => report('what the datapath refused of ways out before is in force now'),
    })
    if (isTunnel(routing))
      this.#overlay = new OverlayReconciler(backend, {
        timer,
        labelsOf,
        onRecovered: () => {
          report('what the datapath refused of tunnels before is in force now')
          this.#catchUp().catch(() => {})
        },
      })
    this.#reconciler = new Reconciler(backend, {
      ...this.#inNetns,
      timer,
      onRecovered: () => report('what the datapath refused before is enforced now'),
    })
  }

  get failing(): string | undefined {
    return (
      this.#reconciler.status.lastError?.message ??
      this.#services.failure?.message ??
      this.#leaving.lastError?.message ??
      this.#overlay?.lastError?.message
    )
  }

  watch({ onBatch, wanted, onPacket, onLost, onSkipped }: PacketWatcher): void {
    const work = (record: Uint8Array): void => {
      const report = packetReport(record)
      if (report !== undefined) onPacket(report)
    }
    const queue = new PacedQueue(this.#clock, work, onSkipped)
    this.#queue = queue
    this.#events = this.backend.events.subscribe(batch => {
      if (batch.lost > 0) onLost(batch.lost)
      onBatch(batch)
      const count = wanted(Math.min(batch.count, queue.room))
      if (count < batch.count) onSkipped(batch.count - count)
      queue.push(keptRecords(batch, count))
    })
  }

  async start(tables: Tables): Promise<void> {
    try {
      await together(this.#reconciler.start(tables), this.#services.start(tables), this.#leaving.start(tables))
    } finally {
      // Tunnels don't wait for what has no room.
      this.#overlay?.start(tables)
    }
    this.#placeSockets()
  }

  complete(tables: Tables): void {
    this.#closer.start(tables)
  }

  useDevices(devices: readonly Attachment[]): Promise<void> {
    return this.#reconciler.useDevices(devices)
  }

  addOverlays(overlays: readonly Attachment[]): Promise<void> {
    return this.#reconciler.addOverlays(overlays)
  }

  useOverlays(overlays: readonly Attachment[]): Promise<void> {
    return this.#reconciler.useOverlays(overlays)
  }

  addTunnels(tunnels: ReadonlyMap<string, TunnelRow>): void {
    this.#overlay?.addTunnels(tunnels)
  }

  useTunnels(tunnels: ReadonlyMap<string, TunnelRow>): void {
    this.#overlay?.useTunnels(tunnels)
  }

  attachments(): readonly Attachment[] {
    return this.backend.attachments(this.#inNetns)
  }

  async apply(delta: TablesDelta, tables: Tables): Promise<number> {
    let left = 0
    try {
      left = this.#overlay?.leave(delta.addresses) ?? 0
    } catch (error) {
      this.#hold(delta, tables)
      throw error
    }
    if (this.#held !== undefined) {
      this.#hold(delta, tables)
      return left + (await this.#catchUp())
    }
    let arrived = 0
    // Who goes was no matter of ways out before, and who comes is none any more: their change shows for neither.
    const early = delta.addresses.some(({ after }) => after === undefined) && this.#leaving.apply(delta, tables)
    const work = [
      this.#reconciler.apply(delta, tables),
      this.#services.apply(delta, tables),
      early || this.#leaving.apply(delta, tables),
    ] as const
    try {
      await together(...work)
    } finally {
      this.#closeTo(delta.backends)
      arrived = this.#overlay?.arrive(delta.addresses) ?? 0
    }
    const reports = await Promise.all(work)
    return reports.reduce((sum, { writes }) => sum + entriesOf(writes), left + arrived)
  }

  /** Ends connections to what went, once no more of them begin. */
  #closeTo(backends: readonly Change<BackendRow>[]): void {
    this.#unclosed.push(...backends)
    if (this.#services.failure === undefined) this.#closer.apply(this.#unclosed.splice(0))
  }

  #hold({ backends }: TablesDelta, tables: Tables): void {
    this.#held = { tables, backends: [...(this.#held?.backends ?? []), ...backends] }
  }

  /** Brings all to the tables, once the tunnels name nobody who goes. */
  async #catchUp(): Promise<number> {
    const held = this.#held
    if (held === undefined) return 0
    let written = this.#overlay?.letGo() ?? 0
    this.#held = undefined
    const { tables, backends } = held
    const work = [this.#leaving.start(tables), this.#reconciler.start(tables), this.#services.start(tables)] as const
    try {
      await together(...work)
    } finally {
      this.#closeTo(backends)
      written += this.#overlay?.start(tables) ?? 0
    }
    const reports = await Promise.all(work)
    return reports.reduce((sum, { writes }) => sum + entriesOf(writes), written)
  }

  async verify(exclusively: Exclusively = work => work()): Promise<number> {
    this.#comparisons += 1
    const areTablesIntact =
      this.#comparisons % thoroughEvery !== 0 && (await this.#reconciler.isIntact(() => this.#clock.nextTurn()))
    const areServicesIntact = await this.#services.isIntact().catch(() => false)
    return exclusively(async () => {
      if (this.#held !== undefined) return this.#catchUp()
      let inTunnels = 0
      const work = [
        areTablesIntact ? Promise.resolve(undefined) : this.#reconciler.verify(),
        areServicesIntact ? Promise.resolve({ writes: {} }) : this.#services.verify(),
        this.#leaving.verify(),
      ] as const
      try {
        await together(...work)
      } finally {
        inTunnels = this.#overlay?.verify() ?? 0
      }
      this.#placeSockets()
      const [repaired, ...others] = await Promise.all(work)
      const differing = Object.values(repaired?.differences ?? {}).reduce((sum, count) => sum + count, inTunnels)
      return others.reduce((sum, { writes }) => sum + entriesOf(writes), differing)
    })
  }

  sweep(): void {
    this.backend.sweep()
    this.#withoutPort.turn()
  }

  figures(): Omit<StatusReport['backend'], 'kind' | 'maps'> {
    const { platform, attach, coarseClock, redirectPeer, sweep, refusal, maps: notes } = this.backend.features
    const { reasons, tallies } = this.backend.counters()
    return {
      features: { platform, attach, coarseClock, redirectPeer, sweep, sockets: this.#socketsText(), refusal },
      notes,
      shortages: this.#services.shortages,
      withoutPort: this.#withoutPort.count,
      connections: {
        closed: this.#closer.closed,
        ...(this.#closer.failing !== undefined && { failing: this.#closer.failing }),
      },
      counters: reasons.flatMap(({ reason, egress, ingress }) =>
        Object.entries({ egress, ingress }).map(([direction, { packets, bytes }]) => ({
          reason: reasonName(reason),
          direction,
          packets: Number(packets),
          bytes: Number(bytes),
        })),
      ),
      tallies: Object.fromEntries(Object.entries(tallies).map(([name, count]) => [name, Number(count)])),
    }
  }

  fills(): Promise<readonly MapFill[]> {
    return fillsOf(this.backend, this.#services, () => this.#clock.nextTurn())
  }

  /** Programs where they belong; what they can't do is told once, and tried again by the next comparison. */
  #placeSockets(): void {
    try {
      if (this.#cgroup === undefined) this.backend.detachSockets()
      else this.backend.attachSockets(this.#cgroup)
      this.#socketsFailing = undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#socketsFailing) this.#report(`addresses of services aren't translated: ${reason}`)
      this.#socketsFailing = reason
    }
  }

  #socketsText(): string {
    const { sockets } = this.backend.features
    if (sockets === 'unsupported') return 'unsupported'
    if (this.#socketsFailing !== undefined) return 'failing'
    if (this.#cgroup === undefined) return 'off'
    return sockets === 'memory' ? sockets : `${this.#cgroup} (${this.backend.socketsAttached()} programs)`
  }

  close(): void {
    this.#closer.close()
    this.#reconciler.close()
    this.#services.close()
    this.#leaving.close()
    this.#overlay?.close()
    this.#events?.unsubscribe()
    this.#queue?.close()
    this.backend.close()
  }
}

/** All are waited for, so that a failure of one doesn't leave another half-done; the first failure is thrown. */
async function together<Results extends readonly unknown[]>(
  ...work: { [At in keyof Results]: Promise<Results[At]> }
): Promise<Results> {
  await Promise.allSettled(work)
  return (await Promise.all(work)) as unknown as Results
}

function entriesOf(writes: WriteCounts): number {
  return Object.values(writes).reduce((sum, { updated, deleted }) => sum + updated + deleted, 0)
}
