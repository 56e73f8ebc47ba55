import type { Tables, TablesDelta } from '@weir/core'
import type { PacketReport } from './flows.js'
import type { CounterRow } from './protocol.js'

/** Where verdicts are enforced, as the agent sees it. */
export interface Datapath {
  readonly kind: 'kernel' | 'memory'
  /** Packets' events from now on. */
  watch(onPacket: (report: PacketReport) => void, onLost: (count: number) => void): void
  start(tables: Tables): Promise<void>
  /** Returns how many operations it took. */
  apply(delta: TablesDelta, tables: Tables): Promise<number>
  /** Returns how many entries had to be repaired. */
  verify(tables: Tables): Promise<number>
  sweep(): Promise<void>
  figures(): Promise<{
    readonly features: Readonly<Record<string, string | number | boolean>>
    readonly maps: readonly { readonly name: string; readonly entries: number; readonly maxEntries: number }[]
    readonly counters: readonly CounterRow[]
  }>
  close(): Promise<void>
}
export async function openDatapath(_options: object, _report: (m: string) => void): Promise<Datapath> {
  throw new Error('')
}
export async function kernelObstacle(): Promise<string | undefined> {
  return undefined
}
