import { Engine, type Tables } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { cidrContains, parseAddress } from '../oracle/address.js'
import { keepsAddress, type Leaving, leavingOf } from '../oracle/egress.js'
import { leavingHistories, moreDestinations } from '../oracle/generate/egress.js'
import { numbered, numberedBatches, reordered } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf } from '../oracle/index.js'

const applied = (...batches: readonly (readonly WeirEvent[])[]): Engine => {
  const engine = new Engine()
  for (const batch of batches) engine.apply(batch)
  return engine
}

const lengthOf = (prefix: string): number => Number(prefix.slice(prefix.indexOf('/') + 1))

/** As the kernel looks it up: of the source's rows that with the longest prefix. */
function leavingByTables({ egressRules }: Tables, source: string, destination: string): Leaving {
  const rows = [...egressRules].flatMap(([, row]) =>
    row.source === source && cidrContains(row.prefix, parseAddress(destination)) ? [row] : [],
  )
  const row = rows.sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix))[0]
  switch (row?.action) {
    case undefined:
    case 'pass':
      return { does: 'nothing' }
    case 'steer':
      return { does: 'steer', to: row!.gatewayAddress }
    case 'translate':
      return { does: 'translate', to: row!.egressAddress }
    case 'noGateway':
      return { does: 'drop', for: 'no gateway' }
    case 'noAddress':
      return { does: 'drop', for: 'no address' }
  }
}

const keepsByTables = ({ nonMasquerade }: Tables, destination: string): boolean =>
  [...nonMasquerade].some(([prefix]) => cidrContains(prefix, parseAddress(destination)))

const masquerades = ({ state }: Engine, destination: string): boolean =>
  state.agent?.fact.masquerade?.includes(destination.includes(':') ? 'ipv6' : 'ipv4') === true

const rowsOf = ({ egressRules, nonMasquerade, masquerade }: Tables) => ({
  egressRules: new Map(egressRules),
  nonMasquerade: new Map(nonMasquerade),
  masquerade: new Map(masquerade),
})

describe('law: ways out of the cluster', function () {
  this.timeout(120_000)

  it('are after every batch what the facts alone say', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(leavingHistories(40), batches => {
        const engine = new Engine()
        const bodies = []
        for (const [index, batch] of numberedBatches(batches).entries()) {
          engine.apply(batch)
          bodies.push(...batches[index]!)
          const cluster = clusterOf(bodies)
          const sources = new Set(cluster.pods.flatMap(({ addresses }) => addresses))
          for (const destination of moreDestinations) {
            for (const source of sources) {
              const expected = leavingOf(cluster, source, destination)
              seen.set(expected.does, (seen.get(expected.does) ?? 0) + 1)
              const found = leavingByTables(engine.tables, source, destination)
              expect(found, `${source} → ${destination}`).deep.equals(expected)
            }
            const keeps = !masquerades(engine, destination) || keepsByTables(engine.tables, destination)
            expect(keeps, destination).equals(keepsAddress(cluster, destination))
          }
        }
      }),
      sampling('ways out by the oracle', 200),
    )
    // A property that never meets an outcome says nothing of it.
    for (const outcome of ['nothing', 'steer', 'translate', 'drop']) expect(seen.get(outcome) ?? 0).above(20)
  })

  it('have one digest for one state, whatever the order and the batches, and from a snapshot', () => {
    fc.assert(
      fc.property(
        leavingHistories(40),
        fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }),
        fc.nat(9),
        (batches, drawn, at) => {
          const bodies = batches.flat()
          const one = applied(numbered(bodies))
          const other = applied(...numbered(reordered(bodies, drawn)).map(event => [event]))
          expect(rowsOf(other.tables)).deep.equals(rowsOf(one.tables))
          expect(other.digest().parts.egress).equals(one.digest().parts.egress)
          const events = numberedBatches(batches)
          const again = Engine.restore(structuredClone(applied(...events.slice(0, at)).snapshot()))
          for (const batch of events.slice(at)) again.apply(batch)
          expect(rowsOf(again.tables)).deep.equals(rowsOf(one.tables))
          expect(again.digest()).deep.equals(one.digest())
        },
      ),
      sampling('digest of ways out', 100),
    )
  })

  it('change by deltas that are the whole difference', () => {
    fc.assert(
      fc.property(leavingHistories(40), batches => {
        const engine = new Engine()
        const rules = new Map(engine.tables.egressRules)
        for (const batch of numberedBatches(batches)) {
          for (const { before, after } of engine.apply(batch).egressRules) {
            const { source, prefix } = (after ?? before)!
            expect(rules.get(`${source} ${prefix}`)).deep.equals(before)
            if (after === undefined) rules.delete(`${source} ${prefix}`)
            else rules.set(`${source} ${prefix}`, after)
          }
          expect(rules).deep.equals(new Map(engine.tables.egressRules))
        }
      }),
      sampling('deltas of ways out', 100),
    )
  })
})
