import { serviceHistory } from '@weir/adapters/agent/service-history.js'
import { Engine, objectKey, type WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'
import { expect } from 'chai'
import fc from 'fast-check'
import { numbered } from '../../oracle/generate/history.js'
import { sampling } from '../../oracle/generate/seed.js'
import { serviceHistories } from '../../oracle/generate/services.js'

/** As far as a history reads it. */
const logOf = (events: readonly WeirEvent[]): EventLog =>
  ({
    head: { seq: events.length },
    base: { seq: 0 },
    snapshots: { latest: async () => undefined },
    async *read({ from = 1, to = events.length } = {}) {
      yield events.slice(from - 1, to)
    },
  }) as unknown as EventLog

/** Who serves at which addresses of a service, by the tables alone. */
function servingNow({ state, tables }: Engine, service: string): string {
  const rows = [...tables.frontends].map(([, row]) => row).filter(row => objectKey(row.namespace, row.name) === service)
  const own = state.services.has(service)
    ? rows.filter(({ kind }) => !['hostPort', 'localRedirect'].includes(kind))
    : []
  const members = own.map(({ kind, address, port, protocol, selection }) => [
    [kind, address, port, protocol],
    (tables.selections.get(selection)?.backends ?? []).map(number => tables.backends.get(number)?.address).sort(),
  ])
  return JSON.stringify(members.map(each => JSON.stringify(each)).sort())
}

describe('the history of a service', () => {
  it('has every event that changed who serves, and starts anywhere', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(serviceHistories(30), fc.nat(40), async (batches, at) => {
        const events = numbered(batches.flat())
        const named = events.flatMap(event => (event.kind === 'service.upserted' ? [event.service] : []))
        const service = objectKey(named[0]?.namespace ?? '', named[0]?.name ?? '')
        const engine = new Engine()
        const expected: number[] = []
        for (const event of events) {
          const before = servingNow(engine, service)
          engine.apply([event])
          if (servingNow(engine, service) !== before) expected.push(event.seq)
        }
        const told: number[] = []
        for await (const { seq } of serviceHistory(logOf(events), service)) told.push(seq)
        expect(told).includes.members(expected)
        const from = Math.min(events.length, at + 1)
        const later: number[] = []
        for await (const { seq } of serviceHistory(logOf(events), service, { from })) later.push(seq)
        expect(later).deep.equals(told.filter(seq => seq >= from))
      }),
      sampling('histories of services', 150),
    )
  })
})
