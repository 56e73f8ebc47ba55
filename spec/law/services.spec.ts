import { Engine, type Tables } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { numbered, numberedBatches, reordered } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { serviceHistories } from '../oracle/generate/services.js'
import { clusterOf } from '../oracle/index.js'
import { balancingOf } from '../oracle/services.js'
import { balancingByTables, sorted } from '../oracle/balancing-by-tables.js'

const applied = (...batches: readonly (readonly WeirEvent[])[]): Engine => {
  const engine = new Engine()
  for (const batch of batches) engine.apply(batch)
  return engine
}

const rowsOf = ({ frontends, selections, backends }: Tables) => ({
  frontends: new Map(frontends),
  selections: new Map(selections),
  backends: new Map(backends),
})

const choices = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 })

describe('law: services', function () {
  this.timeout(120_000)

  it('are after every batch what the facts alone say', () => {
    fc.assert(
      fc.property(serviceHistories(40), batches => {
        const engine = new Engine()
        const bodies = []
        for (const [index, batch] of numberedBatches(batches).entries()) {
          engine.apply(batch)
          bodies.push(...batches[index]!)
          const expected = balancingOf(clusterOf(bodies))
          const found = balancingByTables(engine.tables)
          expect(sorted(found.backends)).deep.equals(sorted(expected.backends))
          expect(sorted(found.frontends)).deep.equals(sorted(expected.frontends))
          expect(conflictTexts(engine)).deep.equals(expected.conflicts)
        }
      }),
      sampling('services by the oracle', 300),
    )
  })

  it('have one digest for one state, whatever the order and the batches', () => {
    fc.assert(
      fc.property(serviceHistories(40), choices, (batches, drawn) => {
        const bodies = batches.flat()
        const one = applied(numbered(bodies)).digest()
        expect(applied(...numberedBatches(batches)).digest()).deep.equals(one)
        const other = reordered(bodies, drawn)
        const engine = new Engine()
        for (const event of numbered(other)) {
          engine.apply([event])
          engine.digest()
        }
        expect(engine.digest()).deep.equals(one)
      }),
      sampling('digest of services', 150),
    )
  })

  it('have another digest when anything about them is another', () => {
    fc.assert(
      fc.property(serviceHistories(40), fc.nat(100), (batches, at) => {
        const bodies = batches.flat()
        const fewer = bodies.filter((_, index) => index !== at % bodies.length)
        const [whole, lacking] = [applied(numbered(bodies)), applied(numbered(fewer))]
        const same = (of: 'frontends' | 'backends'): boolean => {
          const [a, b] = [whole, lacking].map(engine => sorted<{ at: string }>(balancingByTables(engine.tables)[of]))
          return JSON.stringify(a) === JSON.stringify(b)
        }
        for (const part of ['frontends', 'backends'] as const)
          expect(whole.digest().parts[part] === lacking.digest().parts[part]).equals(same(part))
      }),
      sampling('digest tells services apart', 150),
    )
  })

  it('go on from a snapshot with the same numbers, as if they had never stopped', () => {
    fc.assert(
      fc.property(serviceHistories(40), fc.nat(9), (batches, at) => {
        const events = numberedBatches(batches)
        const before = applied(...events.slice(0, at))
        const after = Engine.restore(structuredClone(before.snapshot()))
        expect(rowsOf(after.tables)).deep.equals(rowsOf(before.tables))
        for (const batch of events.slice(at)) after.apply(batch)
        const whole = applied(...events)
        expect(after.digest()).deep.equals(whole.digest())
        expect(conflictTexts(after)).deep.equals(conflictTexts(whole))
        const found = balancingByTables(after.tables)
        expect(sorted(found.frontends)).deep.equals(sorted(balancingByTables(whole.tables).frontends))
      }),
      sampling('services from a snapshot', 150),
    )
  })

  it('change by deltas that are the whole difference, and that give no number two meanings', () => {
    fc.assert(
      fc.property(serviceHistories(40), batches => {
        const engine = new Engine()
        let before = rowsOf(engine.tables)
        for (const batch of numberedBatches(batches)) {
          const delta = engine.apply(batch)
          const after = rowsOf(engine.tables)
          expect(
            changed(
              before.frontends,
              delta.frontends,
              row => `${row.protocol} ${row.address} ${row.port} ${row.scope}`,
            ),
          ).deep.equals(after.frontends)
          expect(changed(before.selections, delta.selections, row => row.selection)).deep.equals(after.selections)
          expect(changed(before.backends, delta.backends, row => row.backend)).deep.equals(after.backends)
          for (const { before: was, after: is } of delta.selections)
            expect(was === undefined || is === undefined).equals(true)
          for (const { before: was, after: is } of delta.backends)
            if (was && is) expect([is.address, is.port, is.protocol]).deep.equals([was.address, was.port, was.protocol])
          before = after
        }
      }),
      sampling('deltas of services', 150),
    )
  })

  it('are gone when everything that brought them is', () => {
    fc.assert(
      fc.property(serviceHistories(40), batches => {
        const bodies = batches.flat()
        const engine = applied(...numberedBatches(batches))
        const left = clusterOf(bodies)
        const gone = [
          ...(left.services ?? []).map(({ namespace, name }) => ({
            kind: 'service.deleted' as const,
            namespace,
            name,
          })),
          ...left.pods.map(({ namespace, name }) => ({ kind: 'pod.deleted' as const, namespace, name })),
          ...(left.redirects ?? []).map(({ namespace, name }) => ({
            kind: 'localredirect.deleted' as const,
            namespace,
            name,
          })),
        ]
        engine.apply(numbered(gone, engine.seq + 1))
        const { frontends, selections, backends } = engine.tables
        expect([frontends.size, selections.size, backends.size]).deep.equals([0, 0, 0])
        const { parts } = engine.digest()
        const bare = new Engine().digest().parts
        expect([parts.frontends, parts.backends]).deep.equals([bare.frontends, bare.backends])
      }),
      sampling('services that went', 100),
    )
  })
})

function conflictTexts(engine: Engine): readonly string[] {
  return [...engine.frontendConflicts()]
    .flatMap(({ address, port, protocol, winner, losers }) =>
      losers.map(
        loser =>
          `${address} ${port} ${protocol}: ${winner.kind} ${winner.namespace}/${winner.name} over ` +
          `${loser.kind} ${loser.namespace}/${loser.name}`,
      ),
    )
    .sort()
}

function changed<Key, Row>(
  rows: ReadonlyMap<Key, Row>,
  changes: readonly { readonly before?: Row; readonly after?: Row }[],
  keyOf: (row: Row) => Key,
): ReadonlyMap<Key, Row> {
  const copy = new Map(rows)
  for (const { before, after } of changes) {
    const key = keyOf((after ?? before)!)
    expect(copy.get(key)).deep.equals(before)
    expect(after).not.deep.equals(before)
    if (after === undefined) copy.delete(key)
    else copy.set(key, after)
  }
  return copy
}
