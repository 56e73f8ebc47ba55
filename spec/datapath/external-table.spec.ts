import { createMemoryBackend, ServiceReconciler } from '@weir/datapath'
import { codecs } from '@weir/datapath/codec/maps.js'
import { bitsOf } from '@weir/datapath/plan/prefix-table.js'
import { externalTable, tupleHash } from '@weir/datapath/services/external-table.js'
import { expect } from 'chai'
import { tcpFrame } from './frames.js'
import { ServiceCluster } from './service-cluster.js'

const ifindex = 7
const macs = { sourceMac: '02:77:00:00:00:01', destinationMac: '02:77:00:00:01:01' }
const tables = { size: 251, seed: 9 }
const node = { 4: '10.0.0.9', 6: 'fd00::9' } as const
const clients = { 4: '203.0.113.77', 6: '2001:db8:c::77' } as const

/** The address that a frame goes to. */
const destinationOf = (frame: Uint8Array, family: 4 | 6): string =>
  Buffer.from(family === 4 ? frame.subarray(30, 34) : frame.subarray(38, 54)).toString('hex')

describe('the table that clients outside go by', () => {
  for (const family of [4, 6] as const)
    it(`is told before a packet comes: IPv${family}`, async () => {
      const addresses = Array.from({ length: 5 }, (_, at) => (family === 4 ? `10.1.0.${at + 1}` : `fd01::${at + 1}`))
      const cluster = new ServiceCluster([node[family]])
      const web = { name: 'web', clusterIps: [family === 4 ? '10.96.0.1' : 'fd96::1'], nodePort: 30_080 }
      cluster.service(web)
      cluster.endpoints(
        web,
        addresses.map(address => ({ address })),
      )
      const backend = createMemoryBackend({ maxEntries: { weir_slots: 4096 } })
      backend.maps.weir_own.update(
        codecs.index.encode(ifindex),
        codecs.own.encode({ four: bitsOf(node[4]).bytes, six: bitsOf(node[6]).bytes, takes_frames: 0 }),
      )
      for (const address of addresses)
        backend.maps[`weir_addr${family}`].update(
          codecs[`address${family}`].encode({ address: bitsOf(address).bytes }),
          codecs.peer.encode({ identity: 1000, peer_class: 1, subject: 0, slot: 1 }),
        )
      const reconciler = new ServiceReconciler(backend, { tables })
      await reconciler.start(cluster.engine.tables)
      const { frontends, selections, backends } = cluster.engine.tables
      const row = [...frontends]
        .map(([, each]) => each)
        .find(({ scope, kind }) => scope === 'external' && kind === 'nodePort')!
      const selection = selections.get(row.selection)!
      const table = externalTable(selection, backends, tables)!
      expect(table).to.have.length(251)
      const met = new Set<string>()
      for (let sourcePort = 40_000; sourcePort < 40_060; sourcePort += 1) {
        const ends = { source: clients[family], sourcePort, destination: node[family], destinationPort: 30_080 }
        const slot = tupleHash({ ...ends, protocol: 'TCP' }) % table.length
        const { address } = backends.get(selection.backends[table[slot]!]!)!
        const frame = tcpFrame({ from: ends.source, to: ends.destination, sourcePort, port: 30_080, ...macs })
        const { packet } = backend.runProgram('weir_from_device', frame, { ifindex, ingressIfindex: ifindex })
        const expected = destinationOf(tcpFrame({ from: ends.source, to: address, port: 1, ...macs }), family)
        expect(destinationOf(packet, family), `from port ${sourcePort}`).to.equal(expected)
        met.add(address)
      }
      expect(met.size, 'backends met').to.equal(5)
    })

  it('has one slot where there is one backend, and none without', () => {
    const backend = {
      backend: 1,
      address: '10.1.0.1',
      port: 80,
      protocol: 'TCP',
      local: true,
      state: 'active',
      zone: '',
    } as const
    const backends = new Map([[1, backend]])
    expect(externalTable({ selection: 1, backends: [1] }, backends, tables)).to.deep.equal(new Uint32Array(1))
    expect(externalTable({ selection: 1, backends: [] }, backends, tables)).to.equal(undefined)
  })
})
