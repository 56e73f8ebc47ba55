import { createMemoryBackend, VirtualSwitch } from '@weir/datapath'
import { Reconciler } from '@weir/datapath'
import { expect } from 'chai'
import { conformsToBackend } from './backend-conformance.js'
import { addresses, fromA, twoPods } from './two-pods.js'

describe('memory backend', () => {
  conformsToBackend({
    factory: async (options = {}) => {
      const backend = createMemoryBackend({ ...options, now: () => process.hrtime.bigint() })
      return { backend, ifindexes: [11, 12], dispose: async () => backend.close() }
    },
    supports: { redirectTarget: true },
  })

  it('delivers between pods by its switch', async () => {
    const backend = createMemoryBackend()
    await new Reconciler(backend).start(twoPods({ ifindexes: [11, 12] }))
    const ports = [
      { ifindex: 11, addresses: addresses.a },
      { ifindex: 12, addresses: addresses.b },
    ]
    const pods = new VirtualSwitch(backend, address => ports.find(port => port.addresses.some(own => own === address)))
    expect(pods.fromEndpoint(11, fromA(80), addresses.b[0])).to.include({ kind: 'endpoint', ifindex: 12 })
    expect(pods.fromEndpoint(11, fromA(22), addresses.b[0])).to.deep.equal({
      kind: 'dropped',
      at: 'weir_from_endpoint',
    })
    expect(pods.toAddress(fromA(80), addresses.b[0])).to.deep.equal({ kind: 'dropped', at: 'weir_to_endpoint' })
  })
})
