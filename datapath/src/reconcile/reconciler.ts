import type { Tables, TablesDelta } from '@weir/core/tables/tables.js'
import type { Attachment, AttachOptions, Backend } from '../backend.js'
import { endpointOf } from '../peer.js'
import { goalFromDelta, goalFromTables } from '../plan/goal.js'
import type { Goal, Phase } from '../plan/operation.js'
import { planTransition } from '../plan/plan.js'
import { type AttachReport, Attachments } from './attachments.js'
import type { MapWrite } from './batch.js'
import { bumpEndpoints, describeGoal, deviceRepairs } from './differences.js'
import { ownDeviceWrites } from './own-devices.js'
import { type Content, readContent } from './read.js'
import { countWrites, type ReconcilerCounters, type ReconcileReport, type RepairReport } from './report.js'
import { isAsKnown } from './scan.js'
import { type TurnOptions, Turns, typedError } from './turns.js'
import { BatchBuilder, type WriteBatch, writeBatch } from './batch.js'
import { bindPlan, checkRoom, settle } from './writer.js'

export interface ReconcilerOptions extends AttachOptions, TurnOptions<ReconcileReport> {
  /** Told of every write before it is made: for benchmarks, and for tests that break off there. */
  readonly onBatch?: (batch: WriteBatch) => void
}

export interface ReconcilerStatus {
  /** False from a failed turn to the retry that makes up for it. What was in force stays in force meanwhile. */
  readonly inSync: boolean
  readonly lastError?: Error
  readonly counters: ReconcilerCounters
}

/**
 * The only writer of the maps. Keeps what they hold, and brings them to what the tables say in the order of a plan
 * (planTransition), one batch call per phase and map. A turn that fails is retried; it is safe to repeat any of them.
 */
export class Reconciler {
  readonly #backend: Backend
  readonly #options: ReconcilerOptions
  readonly #turns: Turns<ReconcileReport>
  readonly #attachments: Attachments
  readonly #counters = {
    transitions: 0,
    entriesWritten: 0,
    entriesDeleted: 0,
    repairs: 0,
    repairedEntries: 0,
  }
  #content: Content | undefined
  #tables: Tables | undefined

  constructor(backend: Backend, options: ReconcilerOptions = {}) {
    this.#backend = backend
    this.#options = options
    this.#attachments = new Attachments(backend, options)
    this.#turns = new Turns(options, () => this.#resync())
  }

  get status(): ReconcilerStatus {
    const counters = { ...this.#counters, ...this.#turns.counts }
    const { lastError } = this.#turns
    return lastError === undefined
      ? { inSync: this.#content !== undefined, counters }
      : { inSync: false, lastError, counters }
  }

  /**
   * Takes over what is pinned and changes what differs from the tables, flow by flow lawfully. Established connections
   * that the tables allow go on; each is judged again.
   * @throws WeirError WEIR_MAP_FULL, WEIR_DATAPATH_FAILED; the turn is retried meanwhile
   */
  async start(tables: Tables): Promise<ReconcileReport> {
    this.#tables = tables
    return this.#turns.run(() => this.#resync())
  }

  /**
   * Makes the change. After a failed turn, makes up for it as well.
   * @param tables as the delta left them
   * @throws as start
   */
  async apply(delta: TablesDelta, tables: Tables): Promise<ReconcileReport> {
    this.#tables = tables
    return this.#turns.run(() => {
      if (this.#content === undefined || this.#turns.lastError !== undefined) return this.#resync()
      return this.#reach(this.#content, goalFromDelta(delta, tables), tables)
    })
  }

  /**
   * The node's own devices get their programs, and those that are such no longer lose them. Said before start(), this
   * happens at the start.
   * @throws WeirError WEIR_DATAPATH_FAILED for the first that can't be changed; the others are
   */
  async useDevices(devices: readonly Attachment[]): Promise<void> {
    this.#attachments.expectDevices(devices)
    this.#reachDevices()
  }

  /** Devices that tunnels are got into by get their programs; others keep what they have. @throws as useDevices */
  async addOverlays(overlays: readonly Attachment[]): Promise<void> {
    this.#attachments.expectOverlays(overlays, true)
    this.#reachDevices()
  }

  /** The same, and others lose them: no route leads into those any more. @throws as useDevices */
  async useOverlays(overlays: readonly Attachment[]): Promise<void> {
    this.#attachments.expectOverlays(overlays, false)
    this.#reachDevices()
  }

  #reachDevices(): void {
    if (this.#content === undefined) return
    try {
      this.#writeOwnDevices()
      this.#attachments.reachDevices()
      this.#writeOwnDevices()
    } catch (cause) {
      throw typedError(cause)
    }
  }

  /**
   * Whether the maps hold what was written to them: false says that it takes a verify(). Reads them bit by bit, and writes may
   * be made meanwhile, which verify() would hold up.
   * @param nextTurn resolves when others have had their turn
   */
  async isIntact(nextTurn: () => Promise<unknown>): Promise<boolean> {
    const content = this.#content
    if (content === undefined) return false
    try {
      const steps = isAsKnown(this.#backend, content)
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) return step.value && this.#attachments.lost().length === 0
        await nextTurn()
        if (this.#turns.lastError !== undefined) return false
        // Whoever put another in its place has read the maps.
        if (this.#content !== content) return true
      }
    } catch {
      // What keeps maps from being read is verify()'s to say.
      return false
    }
  }

  /** Reads all maps, sets right what isn't as the tables say, and tells what it was. */
  async verify(): Promise<RepairReport> {
    const tables = this.#tables
    if (tables === undefined) throw new RangeError('verify before start')
    return this.#turns.run(() => {
      const actual = readContent(this.#backend)
      const known = this.#content?.installed
      const goal = goalFromTables(actual.installed, tables)
      const rewound = [...(known?.endpoints ?? [])].filter(
        ([slot, { generation }]) => actual.installed.endpoint(slot).generation !== generation,
      ).length
      actual.installed.raiseGeneration(known?.generation ?? 0)
      const lost = this.#attachments.lost()
      const described = describeGoal(goal, deviceRepairs(actual).length, lost)
      const differences = { ...described.differences, endpoints: described.differences.endpoints + rewound }
      const total = Object.values(differences).reduce((sum, count) => sum + count, 0)
      this.#content = actual
      if (total === 0) return { ...nothingDone, ...described }
      this.#counters.repairs += 1
      this.#counters.repairedEntries += total
      this.#attachments.forget(lost)
      const report = this.#reach(actual, goal, tables, { bumpAll: true })
      return { ...report, examples: described.examples, differences }
    })
  }

  /** Ends retries. The maps stay as they are. */
  close(): void {
    this.#turns.close()
  }

  #resync(): ReconcileReport {
    const content = readContent(this.#backend)
    content.installed.raiseGeneration(this.#content?.installed.generation ?? 0)
    this.#content = content
    this.#attachments.resume()
    return this.#reach(content, goalFromTables(content.installed, this.#tables!), this.#tables!, { bumpAll: true })
  }

  /** From what is installed to the goal; then the programs to where endpoints are. */
  #reach(content: Content, goal: Goal, tables: Tables, { bumpAll = false } = {}): ReconcileReport {
    const phases = this.#plan(content, goal, bumpAll)
    const planned = this.#bind(content, phases)
    const slots = [...goal.endpoints.keys()]
    const devicesBefore = slots.map(slot => content.installed.endpoint(slot).wiring.ifindex)
    for (const batch of planned) {
      this.#options.onBatch?.(batch)
      writeBatch(this.#backend, batch)
    }
    settle(content, phases)
    const repairs = bumpAll ? [...this.#repairDevices(content), ...this.#writeOwnDevices(() => false)] : []
    const batches = repairs.length === 0 ? planned : [...planned, ...repairs]
    this.#count(batches)
    const attachments = bumpAll
      ? this.#attachments.reachAll(tables)
      : this.#attachChanged(content, slots, tables, devicesBefore)
    if (bumpAll) this.#writeOwnDevices()
    return { writes: countWrites(batches), batches: batches.length, ...attachments }
  }

  #plan({ installed }: Content, goal: Goal, bumpAll: boolean): readonly Phase[] {
    const phases = planTransition(installed, goal)
    if (!bumpAll) return phases
    const planned = phases.flatMap(phase => phase.operations)
    return [...phases, { name: 'generations', operations: bumpEndpoints(installed, planned) }]
  }

  #bind(content: Content, phases: readonly Phase[]): readonly WriteBatch[] {
    try {
      const planned = bindPlan(content, phases)
      checkRoom(this.#backend, content, planned)
      return planned
    } catch (error) {
      content.rows.settle()
      throw error
    }
  }

  #repairDevices(content: Content): readonly WriteBatch[] {
    const batches = this.#writeApart(deviceRepairs(content))
    content.devices.clear()
    for (const [slot, { wiring }] of content.installed.endpoints) {
      if (wiring.ifindex !== 0) content.devices.set(wiring.ifindex, slot)
    }
    return batches
  }

  /**
   * A device that sends on for services does so under an address of the node: known before its programs are there. That
   * other devices may send by it is known only while they are: unknown, traffic control sends.
   */
  #writeOwnDevices(
    takesFrames = (device: Attachment): boolean => this.#backend.takesFrames(device, this.#options),
  ): readonly WriteBatch[] {
    const { expectedDevices, leftDevices } = this.#attachments
    return this.#writeApart(ownDeviceWrites(this.#backend, expectedDevices, leftDevices, takesFrames))
  }

  /** Writes of a map that no plan is about: deletions first. */
  #writeApart(writes: readonly MapWrite[]): readonly WriteBatch[] {
    const into = new BatchBuilder()
    for (const write of writes) if (write.value === undefined) into.add(write)
    for (const write of writes) if (write.value !== undefined) into.add(write)
    const batches = into.batches()
    for (const batch of batches) writeBatch(this.#backend, batch)
    return batches
  }

  #count(planned: readonly WriteBatch[]): void {
    if (planned.length > 0) this.#counters.transitions += 1
    for (const { kind, count } of planned) {
      if (kind === 'update') this.#counters.entriesWritten += count
      else this.#counters.entriesDeleted += count
    }
  }

  #attachChanged(
    content: Content,
    slots: readonly number[],
    tables: Tables,
    devicesBefore: readonly number[],
  ): AttachReport {
    if (slots.length === 0) return { attached: [], detached: [] }
    const wirings = slots.flatMap(slot => tables.endpoints.get(endpointOf(slot))?.wiring ?? [])
    return this.#attachments.reachEndpoints(
      wirings,
      devicesBefore.filter(ifindex => !content.devices.has(ifindex)),
    )
  }
}

const nothingDone: ReconcileReport = { writes: {}, batches: 0, attached: [], detached: [] }
