import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import type { ServiceTables } from '@weir/core/tables/tables.js'
import { createMemoryBackend, type MemoryBackendHandle, ServiceReconciler } from '@weir/datapath'
import { codecs } from '@weir/datapath/codec/maps.js'
import { expect } from 'chai'

const frontend = (address: string, sourceRanges?: readonly string[]): FrontendRow => ({
  ...{ address, port: 80, protocol: 'TCP', scope: 'external', kind: 'loadBalancer', selection: 1, affinitySeconds: 0 },
  ...{ namespace: 'shop', name: 'web', portName: '', local: false },
  ...(sourceRanges !== undefined && { sourceRanges }),
})

const tablesOf = (...rows: readonly FrontendRow[]): ServiceTables => ({
  frontends: new Map(rows.map((row, at) => [String(at), row])),
  selections: new Map([[1, { selection: 1, backends: [1] }]]),
  backends: new Map([
    [1, { backend: 1, address: '10.1.0.1', port: 8080, protocol: 'TCP', local: true, state: 'active', zone: '' }],
  ]),
})

/** Entries as text: `1 10.0.0.0/8`. */
const entriesOf = ({ maps }: MemoryBackendHandle): readonly string[] =>
  Array.from(maps.weir_ranges4.entries(), ([key]) => {
    const { ranges, address, length } = codecs.range4.read(key)
    return `${ranges} ${address.join('.')}/${length - 32}`
  }).sort()

const write = ({ maps }: MemoryBackendHandle, ranges: number, address: string, length: number): void =>
  maps.weir_ranges4.update(
    codecs.range4.encode({ length: 32 + length, ranges, address: Uint8Array.from(address.split('.').map(Number)) }),
    new Uint8Array(codecs.slot.size),
  )

const small = { tables: { size: 251, seed: 0 } }
const nested = tablesOf(frontend('192.0.2.1', ['10.0.0.0/8', '10.7.0.0/16']))

async function started(tables: ServiceTables, maxEntries = {}) {
  const backend = createMemoryBackend({ maxEntries })
  const reconciler = new ServiceReconciler(backend, small)
  await reconciler.start(tables)
  return { backend, reconciler }
}

describe('source ranges that were tampered with', () => {
  it('are repaired where an entry is lost, also one that another entry of the set contains', async () => {
    const { backend, reconciler } = await started(nested)
    expect((await reconciler.verify()).batches).to.equal(0)
    const whole = entriesOf(backend)
    for (const at of [0, 1]) {
      const key = [...backend.maps.weir_ranges4.entries()].map(([bytes]) => bytes.slice())[at]!
      backend.maps.weir_ranges4.delete(key)
      expect((await reconciler.verify()).batches, 'a repair').to.be.greaterThan(0)
      expect(entriesOf(backend).map(entry => entry.split(' ')[1])).to.deep.equal(
        whole.map(entry => entry.split(' ')[1]),
      )
      expect((await reconciler.verify()).batches, 'repaired').to.equal(0)
    }
  })

  it('let nobody else in where a block was added to their set', async () => {
    const { backend, reconciler } = await started(nested)
    write(backend, 1, '0.0.0.0', 0)
    expect((await reconciler.verify()).batches).to.be.greaterThan(0)
    expect(entriesOf(backend).some(entry => entry.endsWith('0.0.0.0/0'))).to.equal(false)
    write(backend, 9, '0.0.0.0', 0)
    expect((await reconciler.verify()).batches, 'a set that nobody names').to.be.greaterThan(0)
    expect(entriesOf(backend).some(entry => entry.endsWith('0.0.0.0/0'))).to.equal(false)
  })

  it('have nothing under the number that frontends for nobody name, whoever wrote it there', async () => {
    const tables = tablesOf(frontend('192.0.2.1', ['203.0.113.9/32']), frontend('192.0.2.2', []))
    const backend = createMemoryBackend()
    write(backend, 0, '203.0.113.9', 32)
    const reconciler = new ServiceReconciler(backend, small)
    await reconciler.start(tables)
    expect(entriesOf(backend)).to.deep.equal(['1 203.0.113.9/32'])
    write(backend, 0, '203.0.113.9', 32)
    expect((await reconciler.verify()).batches).to.be.greaterThan(0)
    expect(entriesOf(backend)).to.deep.equal(['1 203.0.113.9/32'])
  })

  it('leave an open service as it was where they don’t fit, and say so', async () => {
    const { backend, reconciler } = await started(tablesOf(frontend('192.0.2.1')), { weir_ranges4: 2 })
    const blocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']
    await reconciler.start(tablesOf(frontend('192.0.2.1', blocks)))
    expect(entriesOf(backend)).to.deep.equal([])
    expect(reconciler.shortages.map(({ map }) => map)).to.deep.equal(['weir_ranges4'])
    const [value] = Array.from(backend.maps.weir_frontends4.entries(), ([, bytes]) => codecs.frontend.read(bytes))
    expect(value).to.include({ flags: 0, ranges: 0 })
  })
})
