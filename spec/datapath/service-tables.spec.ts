import { maglevTable } from '@weir/core/service/maglev.js'
import { codecs, type MemoryBackendHandle, ServiceReconciler } from '@weir/datapath'
import { createMemoryBackend } from '@weir/datapath'
import { Regions } from '@weir/datapath/services/regions.js'
import { spread } from '@weir/datapath/services/spread.js'
import { tableSizeFor } from '@weir/datapath/services/table-builds.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../oracle/generate/seed.js'
import { type Endpoint, ServiceCluster, type ServiceOf } from './service-cluster.js'

const endpointsOf = (count: number): readonly Endpoint[] =>
  Array.from({ length: count }, (_, index) => ({ address: `10.1.${index >> 8}.${index & 255}` }))

const nodePortOf = (port: number): Uint8Array =>
  codecs.frontend4.encode({ address: Uint8Array.of(10, 0, 0, 9), port, protocol: 6, scope: 1 })

/** The table that clients outside go by, as texts of backends; undefined where the port leads nowhere. */
function tableAt({ maps, slots }: MemoryBackendHandle, port: number): readonly string[] | undefined {
  const value = maps.weir_frontends4.lookup(nodePortOf(port))
  if (value === undefined) return undefined
  const { first, count } = codecs.frontend.read(value)
  return Array.from(slots.read(first, count), place => {
    const { address, port: at } = codecs.backend4.read(maps.weir_backends4.lookup(codecs.index.encode(place))!)
    return `${address.join('.')}:${at}/TCP`
  })
}

const expected = (endpoints: readonly Endpoint[], size: number, seed: number): readonly string[] => {
  const members = endpoints.map(({ address }) => ({ key: `${address}:8080/TCP`, weight: 1 }))
  return Array.from(maglevTable(members, { size, seed }), index => members[index]!.key)
}

const serviceAt = (index: number): ServiceOf => ({
  name: `s${index}`,
  clusterIps: [`10.96.${index >> 8}.${index & 255}`],
  nodePort: 30_000 + index,
})

async function node(services: readonly ServiceOf[], endpoints: readonly Endpoint[], size = 16_381, seed = 0) {
  const backend = createMemoryBackend({
    maxEntries: { weir_slots: 2 ** 16, weir_backends4: 4096, weir_backends6: 64 },
  })
  const cluster = new ServiceCluster(['10.0.0.9'])
  for (const service of services) {
    cluster.service(service)
    cluster.endpoints(service, endpoints)
  }
  const reconciler = new ServiceReconciler(backend, { tables: { size, seed } })
  await reconciler.start(cluster.engine.tables)
  await reconciler.settled()
  return { backend, cluster, reconciler }
}

describe('tables of services in slots', () => {
  it('are for clients outside the Maglev tables of their backends, whatever else a node has and had', async () => {
    const endpoints = endpointsOf(7)
    const alone = await node([serviceAt(1)], endpoints)
    const crowded = await node(
      Array.from({ length: 40 }, (_, index) => serviceAt(index)),
      [...endpoints].reverse(),
    )
    await crowded.reconciler.apply(
      crowded.cluster.endpoints(serviceAt(1), endpointsOf(3)),
      crowded.cluster.engine.tables,
    )
    await crowded.reconciler.apply(crowded.cluster.endpoints(serviceAt(1), endpoints), crowded.cluster.engine.tables)
    const table = expected(endpoints, 4093, 0)
    expect(tableAt(alone.backend, 30_001)).to.deep.equal(table)
    expect(tableAt(crowded.backend, 30_001)).to.deep.equal(table)
  })

  it('have the size and seed that they are told to', async () => {
    const endpoints = endpointsOf(5)
    for (const [size, seed] of [
      [251, 7],
      [1021, 0],
    ] as const) {
      const { backend } = await node([serviceAt(1)], endpoints, size, seed)
      expect(tableAt(backend, 30_001)).to.deep.equal(expected(endpoints, size, seed))
    }
  })

  it('are made in turns: what needs none is in force at once, and old ones stay until new ones are finished', async () => {
    const at = await node([serviceAt(1), serviceAt(2)], endpointsOf(2), 65_521)
    const before = tableAt(at.backend, 30_001)
    const { tables } = at.cluster.engine
    await at.reconciler.apply(at.cluster.endpoints(serviceAt(1), endpointsOf(600)), tables)
    expect(tableAt(at.backend, 30_001)).to.deep.equal(before)
    expect((await at.reconciler.verify()).batches, 'nothing is wrong meanwhile').to.equal(0)
    await at.reconciler.apply(at.cluster.endpoints(serviceAt(2), endpointsOf(3)), tables)
    await at.reconciler.settled()
    expect(tableAt(at.backend, 30_001)).to.deep.equal(expected(endpointsOf(600), 65_521, 0))
    expect(tableAt(at.backend, 30_002)).to.deep.equal(expected(endpointsOf(3), 4093, 0))
    expect(at.reconciler.lastError).to.equal(undefined)
  })

  it('take their size from the number of backends alone', () => {
    expect(
      [2, 40, 41, 163, 164, 4095, 4096, 32_767, 32_768, 131_071].map(count => tableSizeFor(count, 16_381)),
    ).to.deep.equal([4093, 4093, 8191, 16_381, 16_381, 16_381, 32_749, 131_071, 131_071, 131_071])
    expect(tableSizeFor(131_072, 16_381)).to.equal(undefined)
    expect(tableSizeFor(10, 251)).to.equal(251)
  })

  it('have each backend as often as its weight says', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 40 }), weights => {
        const run = spread(
          Uint32Array.from(weights, (_, index) => index + 5),
          weights,
        )
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        for (const [index, weight] of weights.entries()) {
          const found = run.filter(number => number === index + 5).length
          expect(found).to.be.at.least(1)
          expect(Math.abs(found - (run.length * weight) / total)).to.be.at.most(1.5 + (weights.length * weight) / total)
        }
      }),
      sampling('weights in slots', 200),
    ))

  it('have small weights exactly', () => {
    expect([...spread(Uint32Array.of(3, 9), [200, 100])]).to.deep.equal([3, 3, 9])
  })
})

describe('regions of slots', () => {
  it('rest when they are given back, as long as there is room elsewhere', () => {
    const regions = new Regions(16)
    const first = regions.take(1)!
    regions.give(first)
    expect(regions.settle()).to.equal(true)
    expect(regions.settle()).to.equal(false)
    const others = Array.from({ length: 15 }, () => regions.take(1)!.line)
    expect(others).not.to.include(first.line)
    expect(regions.usedLines).to.equal(15)
    expect(regions.take(1)).to.deep.equal(first)
    expect(regions.take(1)).to.equal(undefined)
    expect(regions.hasRoom(1)).to.equal(false)
  })
})
