import { Engine, type ServiceTables } from '@weir/core'
import { createMemoryBackend, ServiceReconciler } from '@weir/datapath'
import type { ServiceMaps } from '@weir/datapath/backend.js'
import { codecs, frontendFlags, frontendScopes } from '@weir/datapath/codec/maps.js'
import { decodeBackend, frontendKeyBytes, frontendRuns, type Run } from '@weir/datapath/services/encode.js'
import { frontendMaps } from '@weir/datapath/services/installed-frontends.js'
import { bitsOf } from '@weir/datapath/plan/prefix-table.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Batches, configured, numberedBatches } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { serviceHistories } from '../oracle/generate/services.js'
import { watched } from './watched-maps.js'

/** Where packets of each client to each frontend go, by the frontend's key and the client's address. */
type Ways = ReadonlyMap<string, string>

/** Someone who is nobody's backend. */
const strangers = { 4: '203.0.113.77', 6: '2001:db8::77' } as const
const wayOf = (places: Iterable<string>): string => [...new Set(places)].sort().join(', ') || 'refused'
const keyText = (key: Uint8Array): string => Buffer.from(key).toString('hex')
const clientText = (client: string): string => keyText(bitsOf(client).bytes)

function waysOf({ frontends, selections, backends }: ServiceTables, clients: Iterable<string>): Ways {
  const placesOf = (selection: number): string[] =>
    selections.get(selection)!.backends.map(number => {
      const { address, port, protocol } = backends.get(number)!
      return `${address} ${port} ${protocol}`
    })
  const ways = new Map<string, string>()
  for (const [, row] of frontends) {
    if (row.scope !== 'internal') continue
    const spared = row.fromBackends === undefined ? [] : selections.get(row.selection)!.backends
    const own = new Set(spared.map(number => backends.get(number)!.address))
    const beneath = row.fromBackends === 0 ? 'untouched' : wayOf(placesOf(row.fromBackends ?? row.selection))
    for (const client of clients) {
      if (client.includes(':') !== row.address.includes(':')) continue
      const way = own.has(client) ? beneath : wayOf(placesOf(row.selection))
      ways.set(`${keyText(frontendKeyBytes(row))} ${clientText(client)}`, way)
    }
  }
  return ways
}

/** The same as the maps have it. */
function waysIn({ maps, slots }: ServiceMaps, clients: Iterable<string>): Ways {
  const ways = new Map<string, string>()
  for (const map of frontendMaps) {
    const family = map === 'weir_frontends4' ? 4 : 6
    const sets = new Set(
      [...maps[`weir_ranges${family}`].entries()].map(([key]) => {
        const { ranges, address } = codecs[`range${family}`].read(key)
        return `${ranges} ${keyText(address)}`
      }),
    )
    const places = [...maps[`weir_backends${family}`].entries()].map(([, value]) => decodeBackend(family, value))
    const wayTo = ({ first, count }: Run): string =>
      wayOf([...slots.read(first, count)].map(place => places[place] ?? 'a backend that has gone'))
    for (const [key, value] of maps[map].entries()) {
      if (codecs[`frontend${family}`].read(key).scope !== frontendScopes.WEIR_INTERNAL) continue
      const { flags, ranges } = codecs.frontend.read(value)
      const { table, beneath } = frontendRuns(value)
      for (const client of clients) {
        if (client.includes(':') !== (family === 6)) continue
        const isSpared = flags & frontendFlags.WEIR_SPARES_BACKENDS && sets.has(`${ranges} ${clientText(client)}`)
        const isLeft = isSpared && flags & frontendFlags.WEIR_LEAVES_BACKENDS
        ways.set(`${keyText(key)} ${clientText(client)}`, isLeft ? 'untouched' : wayTo(isSpared ? beneath : table))
      }
    }
  }
  return ways
}

/** A history that is looked at whatever is drawn: a redirect that spares its backends comes, is changed and goes. */
const sparing: Batches = [
  [
    configured,
    {
      kind: 'pod.upserted',
      pod: {
        ...{
          namespace: 'default',
          name: 'cache',
          labels: { app: 'cache' },
          serviceAccount: 'default',
          hostNetwork: false,
        },
        ...{ node: 'here', addresses: ['10.0.0.7'], ports: [] },
      },
    },
  ],
  ...[true, false, true].map((spares): Batches[number] => [
    {
      kind: 'localredirect.upserted',
      redirect: {
        ...{ namespace: 'default', name: 'near', skipRedirectFromBackend: spares },
        frontend: { kind: 'address', address: '192.0.2.80', ports: [{ name: '', protocol: 'TCP', port: 80 }] },
        selector: [{ key: 'app', operator: 'In', values: ['cache'] }],
        backendPorts: [{ name: '', protocol: 'TCP', port: 8080 }],
      },
    },
  ]),
  [{ kind: 'localredirect.deleted', namespace: 'default', name: 'near' }],
]

const clientsOf = ({ backends }: ServiceTables): readonly string[] => [...backends].map(([, { address }]) => address)

describe('law 4 for redirects: each client goes where the old tables lead it or where the new ones do', function () {
  this.timeout(120_000)

  async function holds(batches: Batches, restart: boolean): Promise<number> {
    const backend = createMemoryBackend({ maxEntries: { weir_slots: 2 ** 16, weir_backends4: 64, weir_backends6: 64 } })
    const [engine, ahead] = [new Engine(), new Engine()]
    let clients: ReadonlySet<string> = new Set(Object.values(strangers))
    let spared = 0
    let [before, after] = [waysOf(engine.tables, clients), waysOf(engine.tables, clients)]
    const check = (): void => {
      const now = waysIn(backend, clients)
      for (const key of new Set([...before.keys(), ...after.keys(), ...now.keys()]))
        expect([before.get(key), after.get(key)], key).to.include(now.get(key))
    }
    const maps = watched(backend, check)
    const reconcilerOf = (): ServiceReconciler => new ServiceReconciler(maps, { tables: { size: 251, seed: 0 } })
    let reconciler = reconcilerOf()
    await reconciler.start(engine.tables)
    for (const batch of numberedBatches(batches)) {
      ahead.apply(batch)
      clients = new Set([...Object.values(strangers), ...clientsOf(engine.tables), ...clientsOf(ahead.tables)])
      before = waysOf(engine.tables, clients)
      const delta = engine.apply(batch)
      after = waysOf(engine.tables, clients)
      spared += [...engine.tables.frontends].filter(([, row]) => row.fromBackends !== undefined).length
      if (restart) {
        reconciler = reconcilerOf()
        await reconciler.start(engine.tables)
      } else await reconciler.apply(delta, engine.tables)
      await reconciler.settled()
      before = after
      check()
    }
    expect((await reconciler.verify()).batches, 'nothing is left to repair').to.equal(0)
    return spared
  }

  for (const [how, restart, runs] of [
    ['by deltas', false, 60],
    ['by comparison with what is in the maps, as after a restart', true, 30],
  ] as const)
    it(how, async () => {
      let spared = 0
      await fc.assert(
        fc.asyncProperty(serviceHistories(30), async batches => {
          spared += await holds(batches, restart)
        }),
        { ...sampling<[Batches]>(`redirects into maps ${how}`, runs), examples: [[sparing]] },
      )
      expect(spared, 'redirects that spare their own backends').to.be.greaterThan(0)
    })
})
