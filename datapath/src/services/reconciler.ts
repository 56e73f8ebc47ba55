import type { ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'
import { entryOf } from '@weir/core/multimap.js'
import type { ServiceMaps } from '../backend.js'
import { BatchBuilder, type MapWrite, type WriteBatch, writeBatch } from '../reconcile/batch.js'
import { countWrites, type WriteCounts } from '../reconcile/report.js'
import { type TurnOptions, Turns } from '../reconcile/turns.js'
import { resync } from './resync.js'
import type { ServicePlan, ServiceStore } from './store.js'

export interface ServicesReport {
  readonly writes: WriteCounts
  /** Calls to the kernel. */
  readonly batches: number
}

export interface ServiceReconcilerOptions extends TurnOptions<ServicesReport> {
  /** Told of every write before it is made: for benchmarks, and for tests that break off there. */
  readonly onBatch?: (batch: WriteBatch) => void
}

/**
 * The only writer of the maps of services. New backends and tables come first, where nothing points to them; then each
 * frontend flips in one update; then what nothing points to any more goes. So a connection is to a backend of the old
 * tables or of the new ones. A turn that fails is made up for by a comparison with the maps.
 */
export class ServiceReconciler {
  readonly #backend: ServiceMaps
  readonly #options: ServiceReconcilerOptions
  readonly #turns: Turns<ServicesReport>
  #store: ServiceStore | undefined
  #tables: ServiceTables | undefined

  constructor(backend: ServiceMaps, options: ServiceReconcilerOptions = {}) {
    this.#backend = backend
    this.#options = options
    this.#turns = new Turns(options, () => this.#resync())
  }

  get lastError(): Error | undefined {
    return this.#turns.lastError
  }

  /** Of weir_slots. */
  get usedSlots(): number {
    return this.#store?.slots.usedSlots ?? 0
  }

  /**
   * Takes over what is in the maps and changes what differs from the tables.
   * @throws WeirError WEIR_MAP_FULL, WEIR_DATAPATH_FAILED; the turn is retried meanwhile
   */
  async start(tables: ServiceTables): Promise<ServicesReport> {
    this.#tables = tables
    return this.#turns.run(() => this.#resync())
  }

  /**
   * Makes the change. After a failed turn, makes up for it as well.
   * @param tables as the delta left them
   * @throws as start
   */
  async apply(delta: ServicesDelta, tables: ServiceTables): Promise<ServicesReport> {
    this.#tables = tables
    if (this.#store !== undefined && isNothing(delta)) return { writes: {}, batches: 0 }
    return this.#turns.run(() => {
      const store = this.#store
      if (store === undefined) return this.#resync()
      return this.#carryOut(store, () => store.plan(delta, tables))
    })
  }

  /** Reads the maps, and sets right what isn't as the tables say. */
  async verify(): Promise<ServicesReport> {
    if (this.#tables === undefined) throw new RangeError('verify before start')
    return this.#turns.run(() => this.#resync())
  }

  /** Ends retries. The maps stay as they are. */
  close(): void {
    this.#turns.close()
  }

  #resync(): ServicesReport {
    const { store, plan } = resync(this.#backend, this.#tables!, this.#store)
    return this.#carryOut(store, () => plan)
  }

  #carryOut(store: ServiceStore, planned: () => ServicePlan): ServicesReport {
    this.#store = undefined
    const { backends, frontends, erasures } = planned()
    const batches = [backends, frontends, erasures].flatMap(batchesOf)
    for (const batch of batches) {
      this.#options.onBatch?.(batch)
      writeBatch(this.#backend, batch)
    }
    store.settle()
    this.#store = store
    return { writes: countWrites(batches), batches: batches.length }
  }
}

const isNothing = ({ frontends, selections, backends }: ServicesDelta): boolean =>
  frontends.length + selections.length + backends.length === 0

/** One batch for each map and kind, in the order in which they first come. */
function batchesOf(writes: readonly MapWrite[]): readonly WriteBatch[] {
  const builders = new Map<string, BatchBuilder>()
  for (const write of writes)
    entryOf(builders, `${write.map} ${write.value === undefined}`, () => new BatchBuilder()).add(write)
  return [...builders.values()].flatMap(builder => builder.batches())
}
