import { objectKey, type TablesDelta, WeirError, type WeirEvent } from '@weir/core'
import { type Comparison, compareStates } from '@weir/core/compare/compare.js'
import { versionOf } from '@weir/core/state/concerned.js'
import type { Stored } from '@weir/core/state/state.js'
import type { EventLog } from '@weir/store'
import { eventAt } from './log-events.js'
import { restoreEngine } from './restore.js'
import { type ServiceChange, serviceHistory } from './service-history.js'

/** The tables by name. */
export type TableName = Exclude<keyof TablesDelta, 'seq'>

/** Rows that came, are others now, and went. */
export interface RowCounts {
  readonly added: number
  readonly changed: number
  readonly removed: number
}

/** What one event changed. */
export interface EventEffect {
  readonly event: WeirEvent
  /** The object that it is about, before and after it; absent where it isn't there then. */
  readonly before?: Stored<unknown>
  readonly after?: Stored<unknown>
  /** Of the tables that changed. */
  readonly tables: Readonly<Partial<Record<TableName, RowCounts>>>
  /** Flows that are judged otherwise since. */
  readonly flows: Comparison
  readonly services: readonly (ServiceChange & { readonly service: string })[]
}

/**
 * What an event of a log changed: the object, the tables in numbers, and which flows and services in particular.
 *
 * @throws WeirError WEIR_NOT_FOUND for an event that the log doesn't have, WEIR_LOG_COMPACTED
 */
export async function effectOf(log: EventLog, seq: number): Promise<EventEffect> {
  if (seq > log.head.seq || seq < 1)
    throw new WeirError('WEIR_NOT_FOUND', `the log has no event ${seq}`, { kind: 'event', name: String(seq), near: [] })
  const event = await eventAt(log, seq)
  const { engine: earlier } = await restoreEngine(log, () => {}, seq - 1, 'fresh')
  const later = earlier.fork()
  later.apply([])
  const delta = later.apply([event])
  const [before, after] = [versionOf(earlier.state, event), versionOf(later.state, event)]
  const services: (ServiceChange & { service: string })[] = []
  for (const service of servicesIn(delta))
    for await (const change of serviceHistory(log, service, { from: seq, to: seq }))
      services.push({ ...change, service })
  return {
    event,
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    tables: countsOf(delta),
    flows: compareStates(earlier, later),
    services,
  }
}

/** The rows that a delta changes, by table; tables without a change are left out. */
export function countsOf(delta: TablesDelta): Readonly<Partial<Record<TableName, RowCounts>>> {
  const counts: Partial<Record<TableName, RowCounts>> = {}
  for (const [name, changes] of Object.entries(delta) as [keyof TablesDelta, unknown][]) {
    if (name === 'seq' || !Array.isArray(changes) || changes.length === 0) continue
    const count = { added: 0, changed: 0, removed: 0 }
    for (const { before, after } of changes as readonly { before?: unknown; after?: unknown }[])
      count[before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'] += 1
    counts[name] = count
  }
  return counts
}

/** The services whose frontends, or whose members, a delta changes. */
function servicesIn({ frontends }: TablesDelta): readonly string[] {
  const keys = frontends.flatMap(({ before, after }) => {
    const row = after ?? before
    return row === undefined || row.kind === 'hostPort' || row.kind === 'localRedirect'
      ? []
      : [objectKey(row.namespace, row.name)]
  })
  return [...new Set(keys)].sort()
}
