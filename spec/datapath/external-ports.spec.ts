import { natPortOverlaps, natPorts } from '@weir/datapath/kernel/nat-ports.js'
import { ServiceReconciler } from '@weir/datapath'
import { createMemoryBackend } from '@weir/datapath/memory/backend.js'
import { codecs } from '@weir/datapath/codec/maps.js'
import { expect } from 'chai'
import { ServiceCluster } from './service-cluster.js'

describe('ports of services for those outside', () => {
  const backend = createMemoryBackend({ maxEntries: { weir_slots: 4096 } })
  const ports = (): readonly number[] =>
    [...backend.maps.weir_ports.entries()].flatMap(([key, value]) => {
      const { bits } = codecs.ports.read(value)
      return Array.from({ length: 64 }, (_, bit) => bit)
        .filter(bit => (bits >> BigInt(bit)) & 1n)
        .map(bit => codecs.index.read(key) * 64 + bit)
    })

  it('are marked before a frontend is there, stay for open flows when the last one is gone, and are the same after a restart', async () => {
    const cluster = new ServiceCluster(['10.0.0.9', 'fd00::9'])
    const web = { name: 'web', clusterIps: ['10.96.0.1'], nodePort: 30_080 }
    const dns = { name: 'dns', clusterIps: ['10.96.0.2'], nodePort: 30_053, protocol: 'UDP' } as const
    for (const service of [web, dns]) cluster.service(service)
    const orders: string[] = []
    const reconciler = new ServiceReconciler(backend, { onBatch: ({ map, kind }) => orders.push(`${kind} ${map}`) })
    await reconciler.start(cluster.engine.tables)
    const udp = 65_536
    const some = 3 * 65_536
    expect(ports()).to.deep.equal([30_080, udp + 30_053, some])
    expect(orders.indexOf('update weir_ports')).to.be.lessThan(orders.indexOf('update weir_frontends4'))
    const gone = cluster.tell({ kind: 'service.deleted', namespace: 'shop', name: 'web' })
    orders.length = 0
    await reconciler.apply(gone, cluster.engine.tables)
    expect(orders).to.include('delete weir_frontends4')
    expect(ports()).to.deep.equal([30_080, udp + 30_053, some])
    const again = await new ServiceReconciler(backend).start(cluster.engine.tables)
    expect(again.batches).to.equal(0)
  })
})

describe('ports for flows that get another one', () => {
  it('are the longest run that neither the kernel’s own connections nor node ports have', () => {
    expect(natPorts({ first: 32_768, last: 60_999 })).to.deep.equal({ first: 1024, last: 29_999 })
    expect(natPorts({ first: 1024, last: 29_999 })).to.deep.equal({ first: 32_768, last: 65_535 })
    expect(natPorts({ first: 1024, last: 65_535 })).to.deep.equal({ first: 1024, last: 65_535 })
  })

  it('are told apart from what the kernel and node ports have, to the port', () => {
    const local = { first: 32_768, last: 60_999 }
    expect(natPortOverlaps({ first: 1024, last: 29_999 }, local)).to.deep.equal([])
    expect(natPortOverlaps({ first: 61_000, last: 65_535 }, local)).to.deep.equal([])
    expect(natPortOverlaps({ first: 32_767, last: 32_767 }, local)).to.deep.equal(['node ports 30000-32767'])
    expect(natPortOverlaps({ first: 60_999, last: 65_535 }, local)).to.deep.equal([
      "the kernel's own 32768-60999 (net.ipv4.ip_local_port_range)",
    ])
    expect(natPortOverlaps({ first: 1024, last: 65_535 }, local)).to.have.length(2)
  })
})
