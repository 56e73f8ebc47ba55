import type { LogDatabase } from '@weir/store'
import { MemoryLevel } from 'memory-level'

/** Decides about each batch before it is written: throw to refuse it, `await` to delay it. */
export type Fault = (number: number) => void | Promise<void>

/** A database in memory whose writes pass through `fault`; `writes` counts them. */
export class FaultyLevel extends MemoryLevel<string, string> {
  fault: Fault = () => undefined
  writes = 0
  /** Of each write, whether it asked to be synced. */
  readonly synced: boolean[] = []

  get asLog(): LogDatabase {
    return this as unknown as LogDatabase
  }

  // The hook of abstract-level behind batch() and chained batches; its types leave it out.
  async _batch(operations: unknown, options: unknown): Promise<void> {
    this.synced.push((options as { sync?: boolean }).sync === true)
    await this.fault(++this.writes)
    const parent = MemoryLevel.prototype as unknown as { _batch(operations: unknown, options: unknown): Promise<void> }
    await parent._batch.call(this, operations, options)
  }
}
