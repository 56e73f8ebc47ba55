import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Engine } from '@weir/core'
import type { EventBody, WeirEvent } from '@weir/core/event/event.js'
import { type Backend, createMemoryBackend, Reconciler } from '@weir/datapath'
import type { Figure, Goal } from './bench.js'

/** What one change cost, from its events to its operations handed over. */
export interface Cost {
  /** Microseconds until the delta of the tables is there. */
  readonly core: number
  /** Microseconds until all operations have been handed to the maps. */
  readonly whole: number
  /** Map entries written and deleted. */
  readonly operations: number
}

/** An engine and a reconciler on maps in memory, fed event by event as an agent feeds them. */
export class Live {
  readonly engine = new Engine()
  readonly backend: Backend = createMemoryBackend({ maxEntries: { weir_addr4: 262_144, weir_cells: 1_048_576 } })
  readonly #reconciler = new Reconciler(this.backend)
  #seq = 0

  /** Folds everything, derives the tables once, writes all maps. */
  async start(bodies: Iterable<EventBody>): Promise<void> {
    let batch: WeirEvent[] = []
    for (const body of bodies) {
      if (batch.push(this.#numbered(body)) < 1000) continue
      this.engine.fold(batch)
      batch = []
    }
    this.engine.fold(batch)
    await this.install()
  }

  async install(): Promise<void> {
    await this.#reconciler.start(this.engine.tables)
  }

  /** One batch, as one change. */
  async change(...bodies: readonly EventBody[]): Promise<Cost> {
    this.#seq = this.engine.seq
    const events = bodies.map(body => this.#numbered(body))
    const start = process.hrtime.bigint()
    const delta = this.engine.apply(events)
    const derived = process.hrtime.bigint()
    const { writes } = await this.#reconciler.apply(delta, this.engine.tables)
    const end = process.hrtime.bigint()
    const operations = Object.values(writes).reduce((sum, { updated, deleted }) => sum + updated + deleted, 0)
    return { core: Number(derived - start) / 1000, whole: Number(end - start) / 1000, operations }
  }

  close(): void {
    this.#reconciler.close()
  }

  #numbered(body: EventBody): WeirEvent {
    this.#seq += 1
    return { ...body, seq: this.#seq, time: 1_700_000_000_000 + this.#seq, source: 'bench' }
  }
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export interface Goals {
  readonly p50?: number
  readonly p99?: number
}

/** p50 and p99 of the whole way, p50 of core's part, and the most operations of one change. Goals in the unit named. */
export function costFigures(
  title: string,
  costs: readonly Cost[],
  goals: Goals = {},
  unit: 'µs' | 'ms' = 'µs',
): Record<string, Figure> {
  const scale = unit === 'µs' ? 1 : 1000
  const figure = (value: number, most?: number): Figure =>
    most === undefined ? { value: value / scale, unit } : { value: value / scale, unit, goal: { atMost: most } as Goal }
  const whole = costs.map(cost => cost.whole)
  return {
    [`${title}, p50`]: figure(percentile(whole, 0.5), goals.p50),
    [`${title}, p99`]: figure(percentile(whole, 0.99), goals.p99),
    [`${title}, of that in core, p50`]: figure(
      percentile(
        costs.map(cost => cost.core),
        0.5,
      ),
    ),
    [`${title}, most operations`]: { value: Math.max(...costs.map(cost => cost.operations)), unit: 'entries' },
  }
}

/** Bytes of the JavaScript heap that are reachable. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
