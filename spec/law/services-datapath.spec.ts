import { Engine, type ServiceTables } from '@weir/core'
import { createMemoryBackend, type MemoryBackendHandle, ServiceReconciler } from '@weir/datapath'
import { expect } from 'chai'
import fc from 'fast-check'
import { numberedBatches } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { serviceHistories } from '../oracle/generate/services.js'
import { watched } from './watched-maps.js'

/** Where a connection to each service address may go: backends, or nowhere. */
function outcomes({ frontends, selections, backends }: ServiceTables): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const [, { address, port, protocol, scope, selection }] of frontends) {
    if (scope !== 'internal' || protocol === 'SCTP') continue
    const members = selections.get(selection)!.backends.map(number => backends.get(number)!)
    const places = members.map(member => `${member.address} ${member.port}`)
    found.set(`${protocol} ${address} ${port}`, new Set(places.length > 0 ? places : ['refused']))
  }
  return found
}

const limits = { weir_slots: 2 ** 14, weir_backends4: 64, weir_backends6: 64 }
let sockets = 0

function connected(backend: MemoryBackendHandle, place: string): string {
  const [protocol, address, port] = place.split(' ') as ['TCP' | 'UDP', string, string]
  const family = address.includes(':') ? 6 : 4
  sockets += 1
  const call = { family, protocol, address, port: Number(port), socket: sockets } as const
  const result = backend.runSocket(family === 4 ? 'weir_connect4' : 'weir_connect6', call)
  return result.allowed ? `${result.address} ${result.port}` : 'refused'
}

describe('law 4 for services: a connection is to a backend of the old tables or of the new ones', function () {
  this.timeout(120_000)

  /** Folds the batches, checking after each write; `restart`: each change is made by a reconciler that finds the maps. */
  async function holds(batches: Parameters<typeof numberedBatches>[0], restart: boolean): Promise<void> {
    const backend = createMemoryBackend({ maxEntries: limits })
    const engine = new Engine()
    let [before, after] = [outcomes(engine.tables), outcomes(engine.tables)]
    const check = (): void => {
      for (const place of new Set([...before.keys(), ...after.keys()])) {
        const [, address, port] = place.split(' ')
        const untouched = new Set([`${address} ${port}`])
        const allowed = [before, after].flatMap(state => [...(state.get(place) ?? untouched)])
        expect(allowed, place).to.include(connected(backend, place))
      }
    }
    const maps = watched(backend, check)
    let reconciler = new ServiceReconciler(maps)
    await reconciler.start(engine.tables)
    for (const batch of numberedBatches(batches)) {
      const delta = engine.apply(batch)
      before = after
      after = outcomes(engine.tables)
      if (restart) {
        reconciler = new ServiceReconciler(maps)
        await reconciler.start(engine.tables)
      } else await reconciler.apply(delta, engine.tables)
      before = after
      check()
    }
    expect((await reconciler.verify()).batches, 'nothing is left to repair').to.equal(0)
    expect((await new ServiceReconciler(maps).start(engine.tables)).batches, 'a restart changes nothing').to.equal(0)
  }

  it('by deltas', () =>
    fc.assert(
      fc.asyncProperty(serviceHistories(30), batches => holds(batches, false)),
      sampling('services into maps by deltas', 60),
    ))

  it('by comparison with what is in the maps, as after a restart', () =>
    fc.assert(
      fc.asyncProperty(serviceHistories(30), batches => holds(batches, true)),
      sampling('services into maps by comparison', 40),
    ))

  it('from the maps of another history', () =>
    fc.assert(
      fc.asyncProperty(serviceHistories(20), serviceHistories(20), async (one, other) => {
        const backend = createMemoryBackend({ maxEntries: limits })
        const [a, b] = [one, other].map(batches => {
          const engine = new Engine()
          for (const batch of numberedBatches(batches)) engine.apply(batch)
          return engine.tables
        })
        await new ServiceReconciler(backend).start(a!)
        const [before, after] = [outcomes(a!), outcomes(b!)]
        const check = (): void => {
          for (const [place, places] of after) {
            const [, address, port] = place.split(' ')
            const old = before.get(place) ?? new Set([`${address} ${port}`])
            expect([...places, ...old], place).to.include(connected(backend, place))
          }
        }
        await new ServiceReconciler(watched(backend, check)).start(b!)
        for (const [place, places] of after) expect([...places], place).to.include(connected(backend, place))
      }),
      sampling('services into maps of another log', 60),
    ))
})
