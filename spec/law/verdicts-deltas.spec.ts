import { Engine } from '@weir/core'
import type { Change, Table, Tables } from '@weir/core/tables/tables.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { histories, numberedBatches } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'

type TableName = keyof Tables
const tableNames: readonly TableName[] = [
  'addresses',
  'prefixes',
  'endpoints',
  'cells',
  'rows',
  'frontends',
  'selections',
  'backends',
  'egressRules',
  'nonMasquerade',
  'masquerade',
]

/** A row with whatever names it. */
interface Keyed {
  readonly address?: string
  readonly prefix?: string
  readonly endpoint?: number
  readonly subject?: number
  readonly direction?: string
  readonly peerClass?: number
  readonly id?: number
  readonly selection?: number
  readonly backend?: number
  readonly port?: number
  readonly protocol?: string
  readonly scope?: string
  readonly source?: string
  readonly ifindex?: number
}

const keyOf: Readonly<Record<TableName, (row: Keyed) => unknown>> = {
  addresses: row => row.address,
  prefixes: row => row.prefix,
  endpoints: row => row.endpoint,
  cells: row => `${row.subject}:${row.direction}:${row.peerClass}`,
  rows: row => row.id,
  frontends: row => `${row.protocol} ${row.address} ${row.port} ${row.scope}`,
  selections: row => row.selection,
  backends: row => row.backend,
  egressRules: row => `${row.source} ${row.prefix}`,
  nonMasquerade: row => row.prefix,
  masquerade: row => row.ifindex,
}

/** What is left when the changes are done to a plain map; each must find what it says was there. */
function replay(name: TableName, copy: Map<unknown, Keyed>, changes: readonly Change<Keyed>[]): void {
  const touched = new Set<unknown>()
  for (const { before, after } of changes) {
    const row = after ?? before
    if (!row) throw new Error(`${name}: a change of nothing`)
    const key = keyOf[name](row)
    expect(touched.has(key), `${name} ${key} changes once`).equals(false)
    touched.add(key)
    if (before && after) expect(keyOf[name](before)).equals(keyOf[name](after))
    expect(copy.get(key), `${name} ${key} before`).deep.equals(before)
    expect(after, `${name} ${key} changes`).not.deep.equals(before)
    if (after) copy.set(key, after)
    else copy.delete(key)
  }
}

const asMap = (table: Table<string, Keyed> | Table<number, Keyed>): ReadonlyMap<unknown, Keyed> =>
  new Map<unknown, Keyed>(table)

describe('law: a delta is the whole difference and nothing else', function () {
  this.timeout(60_000)

  it('leads from the tables before to the tables after', () => {
    fc.assert(
      fc.property(histories(30), batches => {
        const engine = new Engine()
        const copies = new Map(tableNames.map(name => [name, new Map<unknown, Keyed>(engine.tables[name])]))
        for (const batch of numberedBatches(batches)) {
          const delta = engine.apply(batch)
          expect(delta.seq).equals(engine.seq)
          for (const name of tableNames) {
            const copy = copies.get(name) ?? new Map()
            replay(name, copy, delta[name])
            expect(copy).deep.equals(asMap(engine.tables[name]))
          }
        }
      }),
      sampling('deltas', 200),
    )
  })

  it('is empty when facts are said again', () => {
    fc.assert(
      fc.property(histories(24), batches => {
        const engine = new Engine()
        const events = numberedBatches(batches).flat()
        engine.apply(events)
        const { state } = engine
        const again = [
          ...[...state.pods.values()].map(({ fact }) => ({ kind: 'pod.upserted' as const, pod: fact })),
          ...[...state.policies.values()].map(({ fact }) => ({
            kind: 'networkpolicy.upserted' as const,
            policy: fact,
          })),
          ...[...state.namespaces.values()].map(({ fact }) => ({
            kind: 'namespace.upserted' as const,
            namespace: fact,
          })),
        ].map((body, index) => ({ ...body, seq: engine.seq + 1 + index, time: 0, source: 'again' }))
        const delta = engine.apply(again)
        for (const name of tableNames) expect(delta[name], name).deep.equals([])
      }),
      sampling('repeats', 100),
    )
  })
})
