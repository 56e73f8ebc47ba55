import { WeirError } from '@weir/core/errors.js'
import type { EgressDelta, EgressTables } from '@weir/core/tables/tables.js'
import type { Backend } from '../backend.js'
import type { TableMapName } from '../codec/maps.js'
import { BatchBuilder, type MapWrite, type WriteBatch, writeBatch } from '../reconcile/batch.js'
import { countWrites, type WriteCounts } from '../reconcile/report.js'
import { type TurnOptions, Turns } from '../reconcile/turns.js'
import { changesOf, differences, type Entries, entriesOf, nameOf, planned } from './plan.js'

export interface LeavingReport {
  readonly writes: WriteCounts
}

export interface LeavingReconcilerOptions extends TurnOptions<LeavingReport> {
  /** Told of every write before it is made: for tests that break off there. */
  readonly onBatch?: (batch: WriteBatch) => void
}

const maps = [
  'weir_leaving',
  'weir_masquerade',
  'weir_unmasked4',
  'weir_unmasked6',
  'weir_egress4',
  'weir_egress6',
] as const satisfies readonly TableMapName[]

/**
 * The only writer of the maps that say how pods' packets leave the node. A turn that fails is made up for by a comparison
 * with the maps.
 */
export class LeavingReconciler {
  readonly #backend: Pick<Backend, 'maps'>
  readonly #options: LeavingReconcilerOptions
  readonly #turns: Turns<LeavingReport>
  /** What the maps hold, while it is known. */
  #there: Map<string, MapWrite> | undefined
  /** How many entries each map holds. */
  readonly #sizes = new Map<TableMapName, number>()
  #tables: EgressTables | undefined

  constructor(backend: Pick<Backend, 'maps'>, options: LeavingReconcilerOptions = {}) {
    this.#backend = backend
    this.#options = options
    this.#turns = new Turns(options, () => this.#resync())
  }

  get lastError(): Error | undefined {
    return this.#turns.lastError
  }

  /**
   * Takes over what is in the maps and changes what differs from the tables.
   * @throws WeirError WEIR_MAP_FULL, WEIR_DATAPATH_FAILED; the turn is retried meanwhile
   */
  async start(tables: EgressTables): Promise<LeavingReport> {
    this.#tables = tables
    return this.#turns.run(() => this.#resync())
  }

  /**
   * Makes the change. After a failed turn, makes up for it as well.
   * @param tables as the delta left them
   * @throws as start
   */
  async apply(delta: EgressDelta, tables: EgressTables): Promise<LeavingReport> {
    this.#tables = tables
    const { egressRules, nonMasquerade, masquerade } = delta
    const isNothing = egressRules.length + nonMasquerade.length + masquerade.length === 0
    if (this.#there !== undefined && isNothing) return { writes: {} }
    return this.#turns.run(() => {
      const there = this.#there
      return there === undefined ? this.#resync() : this.#bring(there, changesOf(delta, tables))
    })
  }

  /** Reads the maps, and sets right what isn't as the tables say. */
  async verify(): Promise<LeavingReport> {
    if (this.#tables === undefined) throw new RangeError('verify before start')
    return this.#turns.run(() => this.#resync())
  }

  /** Ends retries. The maps stay as they are. */
  close(): void {
    this.#turns.close()
  }

  #resync(): LeavingReport {
    const found = new Map<string, MapWrite>()
    for (const map of maps) {
      const before = found.size
      for (const [key, value] of this.#backend.maps[map].entries()) {
        const entry = { map, key: key.slice(), value: value.slice() }
        found.set(nameOf(entry), entry)
      }
      this.#sizes.set(map, found.size - before)
    }
    return this.#bring(found, differences(found, entriesOf(this.#tables!)))
  }

  #bring(there: Map<string, MapWrite>, changes: Entries): LeavingReport {
    this.#there = undefined
    this.#checkRoom(there, changes)
    const writes = planned(there, changes)
    // The order of single writes counts: none shares a call with another.
    const batches = writes.flatMap(write => {
      const builder = new BatchBuilder()
      builder.add(write)
      return builder.batches()
    })
    for (const batch of batches) {
      this.#options.onBatch?.(batch)
      writeBatch(this.#backend, batch)
    }
    for (const write of writes) {
      const name = nameOf(write)
      const had = there.has(name)
      if (write.value === undefined) there.delete(name)
      else there.set(name, write)
      this.#sizes.set(write.map, this.#sizes.get(write.map)! + Number(there.has(name)) - Number(had))
    }
    this.#there = there
    return { writes: countWrites(batches) }
  }

  /** Old and new entries are there together for a moment. */
  #checkRoom(there: Map<string, MapWrite>, changes: Entries): void {
    for (const map of maps) {
      const added = [...changes].filter(
        ([name, write]) => write.map === map && write.value !== undefined && !there.has(name),
      )
      const needed = (this.#sizes.get(map) ?? 0) + added.length
      const size = this.#backend.maps[map].maxEntries
      if (added.length > 0 && needed > size)
        throw new WeirError('WEIR_MAP_FULL', `${map} has ${size} entries, the change needs ${needed}`, {
          map,
          size,
          needed,
        })
    }
  }
}
