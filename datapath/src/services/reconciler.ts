import { setImmediate as turnOfEventLoop } from 'node:timers/promises'
import { defaultMaglevSize } from '@weir/core/service/maglev.js'
import type { ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'
import type { ServiceMaps } from '../backend.js'
import type { WriteCounts } from '../reconcile/report.js'
import { type TurnOptions, Turns } from '../reconcile/turns.js'
import { isDifferent } from './compare.js'
import { countPacked, type PackedBatch, writePacked } from './packed.js'
import { resync } from './resync.js'
import { type MapShortage, shortageError } from './shortage.js'
import type { ServiceStore } from './store.js'
import type { TableOptions } from './table-builds.js'

export interface ServicesReport {
  readonly writes: WriteCounts
  /** Calls to the kernel. */
  readonly batches: number
}

export interface ServiceReconcilerOptions extends TurnOptions<ServicesReport> {
  /** Maglev tables; those of the default size, with seed 0, when absent. */
  readonly tables?: TableOptions
  /** Lets other work be done; a turn of the event loop when absent. */
  readonly nextTurn?: () => Promise<unknown>
  /** Told of every write before it is made: for benchmarks, and for tests that break off there. */
  readonly onBatch?: (batch: PackedBatch) => void
  /** Told when services find no room, or find it again. */
  readonly onShortage?: (shortages: readonly MapShortage[]) => void
}

/**
 * The only writer of the maps of services. New backends and runs come first, where nothing points to them; then each
 * frontend flips in one update; then what nothing points to any more goes. So a connection is to a backend of the old
 * tables or of the new ones. A service that finds no room stays as it was, the others go on, and it is tried again
 * whenever something goes. Large Maglev tables are made between other work; their frontends flip when they are finished.
 * A turn that fails is made up for by a comparison with the maps.
 */
export class ServiceReconciler {
  readonly #backend: ServiceMaps
  readonly #options: ServiceReconcilerOptions
  readonly #turns: Turns<ServicesReport>
  readonly #tableOptions: TableOptions
  readonly #nextTurn: () => Promise<unknown>
  #store: ServiceStore | undefined
  #tables: ServiceTables | undefined
  #building: Promise<void> | undefined
  #toldShort = 0
  #closed = false

  constructor(backend: ServiceMaps, options: ServiceReconcilerOptions = {}) {
    this.#backend = backend
    this.#options = options
    this.#tableOptions = options.tables ?? { size: defaultMaglevSize, seed: 0 }
    this.#nextTurn = options.nextTurn ?? turnOfEventLoop
    this.#turns = new Turns(options, () => this.#resync())
  }

  /** Of the last turn; undefined when it succeeded. */
  get failure(): Error | undefined {
    return this.#turns.lastError
  }

  /** Why the maps aren't as the tables say: the last turn's failure, or WEIR_MAP_FULL of what finds no room. */
  get lastError(): Error | undefined {
    return this.failure ?? shortageError(this.shortages)
  }

  /** Services that stay as they were, for want of room. */
  get shortages(): readonly MapShortage[] {
    return this.#store?.shortages() ?? []
  }

  /** Of weir_slots. */
  get usedLines(): number {
    return this.#store?.slots.usedLines ?? 0
  }

  /** Entries of weir_backends4 and weir_backends6 in use. */
  get usedPlaces(): Readonly<Record<4 | 6, number>> {
    return { 4: this.#store?.places[4].taken ?? 0, 6: this.#store?.places[6].taken ?? 0 }
  }

  /**
   * Takes over what is in the maps and changes what differs from the tables; resolves when all tables are made.
   * @throws WeirError WEIR_DATAPATH_FAILED; the turn is retried meanwhile
   */
  async start(tables: ServiceTables): Promise<ServicesReport> {
    this.#tables = tables
    const report = this.#turns.run(() => this.#resync())
    await this.settled()
    return report
  }

  /**
   * Makes the change, but for Maglev tables that take longer. After a failed turn, makes up for it as well.
   * @param tables as the delta left them
   * @throws as start
   */
  async apply(delta: ServicesDelta, tables: ServiceTables): Promise<ServicesReport> {
    this.#tables = tables
    if (this.#store !== undefined && isNothing(delta)) return nothingDone
    return this.#turns.run(() => {
      const store = this.#store
      if (store === undefined) return this.#resync()
      return this.#carryOut(store, () => store.plan(delta, tables))
    })
  }

  /** Resolves when no table is being made. */
  async settled(): Promise<void> {
    while (this.#building !== undefined) await this.#building
  }

  /** Whether the maps hold what was written to them. Reads them bit by bit; writes may be made meanwhile. */
  async isIntact(): Promise<boolean> {
    const store = this.#store
    if (store === undefined) return false
    const steps = isDifferent(this.#backend, store)
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return !step.value
      await this.#nextTurn()
      // Whoever put another in its place has read the maps.
      if (this.#closed || this.#store !== store) return true
    }
  }

  /** Reads the maps the same way, and sets right what isn't as the tables say. */
  async verify(): Promise<ServicesReport> {
    if (this.#tables === undefined) throw new RangeError('verify before start')
    if (await this.isIntact()) return nothingDone
    return this.#turns.run(() => this.#resync())
  }

  /** Ends retries. The maps stay as they are. */
  close(): void {
    this.#closed = true
    this.#turns.close()
  }

  #resync(): ServicesReport {
    this.#store = undefined
    return this.#carryOut(resync(this.#backend, this.#tables!, this.#tableOptions), () => {})
  }

  #carryOut(store: ServiceStore, plan: () => void): ServicesReport {
    this.#store = undefined
    const writes: WriteCounts = {}
    let calls = 0
    let freed = false
    plan()
    do {
      if (freed) store.planBehind(this.#tables!)
      const batches = store.takeBatches()
      for (const batch of batches) {
        this.#options.onBatch?.(batch)
        writePacked(this.#backend, batch)
      }
      countPacked(batches, writes)
      calls += batches.length
      freed = store.settle()
    } while (freed && store.short > 0)
    this.#store = store
    this.#tellShort(store)
    if (store.building > 0) this.#building ??= this.#build()
    return { writes, batches: calls }
  }

  async #build(): Promise<void> {
    try {
      while (!this.#closed && (this.#store?.building ?? 0) > 0) {
        await this.#nextTurn()
        const store = this.#store
        if (store === undefined || this.#closed) return
        this.#turns.run(() => this.#carryOut(store, () => store.planBehind(this.#tables!)))
      }
    } catch {
      // The turn has told of it, and has scheduled the next.
    } finally {
      this.#building = undefined
    }
  }

  #tellShort(store: ServiceStore): void {
    if (store.short === this.#toldShort) return
    this.#toldShort = store.short
    this.#options.onShortage?.(store.shortages())
  }
}

const nothingDone: ServicesReport = { writes: {}, batches: 0 }

const isNothing = ({ frontends, selections, backends }: ServicesDelta): boolean =>
  frontends.length + selections.length + backends.length === 0
