import type { TablesDelta } from '@weir/core/tables/tables.js'
import { type Backend, codecs, createMemoryBackend, Reconciler } from '@weir/datapath'
import type { TableMapName } from '@weir/datapath/codec/maps.js'
import { expect } from 'chai'
import { twoPods } from './two-pods.js'
import { nothingElseChanged } from './verdicts-alone.js'

const tables = twoPods({ ifindexes: [11, 12] })
const nextTurn = (): Promise<void> => Promise.resolve()

/** All maps that a reconciler of verdicts writes; of arrays no entry can be taken away. */
const hashes = ['weir_addr4', 'weir_addr6', 'weir_pfx4', 'weir_pfx6', 'weir_cells', 'weir_devices'] as const
const arrays = ['weir_endpoints', 'weir_rows'] as const

async function started(): Promise<{ readonly backend: Backend; readonly reconciler: Reconciler }> {
  const backend = createMemoryBackend()
  const reconciler = new Reconciler(backend)
  await reconciler.start(tables)
  return { backend, reconciler }
}

/** An entry with something in it. */
function entryOf(backend: Backend, map: TableMapName): readonly [Uint8Array, Uint8Array] {
  for (const [key, value] of backend.maps[map].entries()) if (value.some(byte => byte !== 0)) return [key, value]
  throw new Error(`${map} is empty`)
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))

/** Damages a map; false where it has nothing to damage. */
const damages: Readonly<Record<string, (backend: Backend, map: TableMapName) => void>> = {
  'an entry of another value': (backend, map) => {
    const [key, value] = entryOf(backend, map)
    backend.maps[map].update(key, flipped(value))
  },
  'an entry that is gone': (backend, map) => {
    expect(backend.maps[map].delete(entryOf(backend, map)[0])).to.equal(true)
  },
  'an entry that nobody wrote': (backend, map) => {
    const [key, value] = entryOf(backend, map)
    const other = key.slice()
    // The last byte of an address or a class, the first one of an index or a prefix's length.
    other[map === 'weir_devices' || map.startsWith('weir_pfx') ? 0 : other.length - 1]! ^= 0x15
    backend.maps[map].update(other, value)
  },
}

describe('whether maps are intact, read bit by bit', () => {
  it('is so after a start', async () => {
    const { reconciler } = await started()
    expect(await reconciler.isIntact(nextTurn)).to.equal(true)
  })

  for (const map of [...hashes, ...arrays])
    for (const [name, damage] of Object.entries(damages)) {
      if ((arrays as readonly string[]).includes(map) && !name.endsWith('value')) continue
      it(`is not with ${name} in ${map}, and is again when it was repaired`, async () => {
        const { backend, reconciler } = await started()
        damage(backend, map)
        expect(await reconciler.isIntact(nextTurn)).to.equal(false)
        await reconciler.verify()
        expect(await reconciler.isIntact(nextTurn)).to.equal(true)
      })
    }

  it('is not where a program is gone from an interface', async () => {
    const { backend, reconciler } = await started()
    backend.detach(backend.attachments()[0]!)
    expect(await reconciler.isIntact(nextTurn)).to.equal(false)
  })

  it('is so while the reconciler itself writes between the steps', async () => {
    const { backend, reconciler } = await started()
    const row = { address: '10.77.0.3', identity: 1000, peerClass: 2, subject: 0, endpoint: 0 }
    const nothing = { seq: 1, prefixes: [], endpoints: [], cells: [], rows: [], ...nothingElseChanged }
    let turns = 0
    const writing = async (): Promise<void> => {
      turns += 1
      const isThere = turns % 2 === 1
      const delta: TablesDelta = { ...nothing, addresses: [isThere ? { after: row } : { before: row }] }
      const addresses = new Map(tables.addresses)
      if (isThere) addresses.set(row.address, row)
      await reconciler.apply(delta, { ...tables, addresses })
    }
    for (let round = 0; round < 8; round++) expect(await reconciler.isIntact(writing), `round ${round}`).to.equal(true)
    expect(turns).to.be.greaterThan(40)
    backend.maps.weir_addr4.update(codecs.address4.encode({ address: Uint8Array.of(192, 0, 2, 1) }), new Uint8Array(16))
    expect(await reconciler.isIntact(writing), 'damage meanwhile').to.equal(false)
  })
})
