import { Engine, type ServiceTables } from '@weir/core'
import { createMemoryBackend, ServiceReconciler } from '@weir/datapath'
import type { ServiceMaps } from '@weir/datapath/backend.js'
import { codecs, frontendFlags, frontendScopes } from '@weir/datapath/codec/maps.js'
import { bitsOf } from '@weir/datapath/plan/prefix-table.js'
import { frontendKeyBytes } from '@weir/datapath/services/encode.js'
import { byteText, frontendMaps } from '@weir/datapath/services/installed-frontends.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { numberedBatches } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { serviceHistories } from '../oracle/generate/services.js'
import { watched } from './watched-maps.js'

/** In each block that a service may be for, at its edges, and in none. */
const clients = {
  4: ['198.51.100.0', '198.51.100.255', '198.51.101.0', '203.0.113.127', '203.0.113.128', '192.0.2.9'],
  6: ['2001:db8:c::1', '2001:db8:c:ffff:ffff:ffff:ffff:ffff', '2001:db8:d::'],
} as const

const isWithin = (address: Uint8Array, block: Uint8Array, length: number): boolean => {
  for (let bit = 0; bit < length; bit += 1) {
    const mask = 0x80 >> (bit % 8)
    if ((address[bit >> 3]! & mask) !== (block[bit >> 3]! & mask)) return false
  }
  return true
}

/** Whom each frontend for the outside lets in, by its key: clients, and nobody where there is none. */
type Doors = ReadonlyMap<string, string>

function doorsOf({ frontends }: ServiceTables): Doors {
  const doors = new Map<string, string>()
  for (const [, row] of frontends) {
    if (row.scope !== 'external') continue
    const admitted = clients[row.address.includes(':') ? 6 : 4].filter(client => {
      if (row.sourceRanges === undefined) return true
      const { family, bytes } = bitsOf(client)
      return row.sourceRanges
        .map(bitsOf)
        .some(block => block.family === family && isWithin(bytes, block.bytes, block.length))
    })
    doors.set(byteText(frontendKeyBytes(row)), admitted.join(' '))
  }
  return doors
}

/** The same as the maps have it: an entry of the frontend's set that contains the client lets it in. */
function doorsIn({ maps }: ServiceMaps): Doors {
  const doors = new Map<string, string>()
  const blocks = ([4, 6] as const).flatMap(family =>
    [...maps[`weir_ranges${family}`].entries()].map(([key]) => {
      const { ranges, address, length } = codecs[`range${family}`].read(key)
      return { family, ranges, address, length: length - 32 }
    }),
  )
  for (const map of frontendMaps)
    for (const [key, value] of maps[map].entries()) {
      const family = map === 'weir_frontends4' ? 4 : 6
      if (codecs[`frontend${family}`].read(key).scope !== frontendScopes.WEIR_EXTERNAL) continue
      const { flags, ranges } = codecs.frontend.read(value)
      const admitted = clients[family].filter(
        client =>
          !(flags & frontendFlags.WEIR_SOURCE_RANGES) ||
          blocks.some(
            block =>
              block.family === family &&
              block.ranges === ranges &&
              isWithin(bitsOf(client).bytes, block.address, block.length),
          ),
      )
      doors.set(byteText(key), admitted.join(' '))
    }
  return doors
}

describe('law 4 for source ranges: a client is let in as by the old tables or as by the new ones', function () {
  this.timeout(120_000)

  async function holds(batches: Parameters<typeof numberedBatches>[0], restart: boolean): Promise<void> {
    const backend = createMemoryBackend({ maxEntries: { weir_slots: 2 ** 16, weir_backends4: 64, weir_backends6: 64 } })
    const engine = new Engine()
    let [before, after] = [doorsOf(engine.tables), doorsOf(engine.tables)]
    const check = (): void => {
      const now = doorsIn(backend)
      for (const key of new Set([...before.keys(), ...after.keys(), ...now.keys()]))
        expect([before.get(key), after.get(key)], Buffer.from(key, 'latin1').toString('hex')).to.include(now.get(key))
    }
    const maps = watched(backend, check)
    const reconcilerOf = (): ServiceReconciler => new ServiceReconciler(maps, { tables: { size: 251, seed: 0 } })
    let reconciler = reconcilerOf()
    await reconciler.start(engine.tables)
    for (const batch of numberedBatches(batches)) {
      const delta = engine.apply(batch)
      after = doorsOf(engine.tables)
      if (restart) {
        reconciler = reconcilerOf()
        await reconciler.start(engine.tables)
      } else await reconciler.apply(delta, engine.tables)
      await reconciler.settled()
      before = after
      check()
    }
    expect((await reconciler.verify()).batches, 'nothing is left to repair').to.equal(0)
  }

  it('by deltas', () =>
    fc.assert(
      fc.asyncProperty(serviceHistories(25), batches => holds(batches, false)),
      sampling('source ranges into maps by deltas', 40),
    ))

  it('by comparison with what is in the maps, as after a restart', () =>
    fc.assert(
      fc.asyncProperty(serviceHistories(20), batches => holds(batches, true)),
      sampling('source ranges into maps by comparison', 20),
    ))
})
