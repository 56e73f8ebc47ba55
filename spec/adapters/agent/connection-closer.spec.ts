import { systemClock } from '@weir/adapters'
import { ConnectionCloser, type ConnectionCloserOptions } from '@weir/adapters/agent/connection-closer.js'
import type { BackendRow, FrontendRow } from '@weir/core'
import { createMemoryBackend } from '@weir/datapath'
import { codecs } from '@weir/datapath/codec/maps.js'
import { bitsOf } from '@weir/datapath/plan/prefix-table.js'
import { expect } from 'chai'

const backend = (number: number, address: string, more: Partial<BackendRow> = {}): BackendRow => ({
  ...{ backend: number, address, port: 8080, protocol: 'TCP', local: true, state: 'active', zone: '' },
  ...more,
})
const frontend = (address: string): FrontendRow => ({
  ...{ address, port: 80, protocol: 'TCP', scope: 'internal', kind: 'clusterIp', selection: 1, affinitySeconds: 0 },
  ...{ namespace: 'shop', name: 'web', portName: '', local: false },
})
const big = (port: number): number => ((port & 0xff) << 8) | (port >> 8)

function stage(more: Partial<ConnectionCloserOptions> = {}) {
  const map = createMemoryBackend().maps.weir_connections
  const destroyed: string[] = []
  const reports: string[] = []
  const closer = new ConnectionCloser({
    map,
    namespaces: async cookies => new Map([...cookies].filter(cookie => cookie < 90n).map(each => [each, `ns ${each}`])),
    destroy: (netns, protocol, cookies) => {
      destroyed.push(...cookies.map(cookie => `${netns} ${protocol} ${cookie}`))
      return cookies.length
    },
    report: message => reports.push(message),
    nextTurn: () => systemClock.nextTurn(),
    ...more,
  })
  const wide = (address: string): Uint8Array => {
    const bytes = new Uint8Array(16)
    bytes.set(bitsOf(address).bytes)
    return bytes
  }
  /** As the programs note it. */
  const connect = (cookie: bigint, to: string, service = '10.96.0.1', netns = 1n): void => {
    const bytes = new Uint8Array(codecs.connection.size)
    bytes.set(wide(service), 0)
    bytes.set(wide(to), 16)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(32, netns, true)
    view.setUint16(40, big(80), true)
    view.setUint16(42, big(8080), true)
    view.setUint8(44, 6)
    view.setUint8(45, to.includes(':') ? 6 : 4)
    map.update(codecs.connectionKey.encode(cookie), bytes)
  }
  return { map, destroyed, reports, closer, connect }
}

describe('connections of processes to backends that went', () => {
  const [a, b, six] = [backend(1, '10.1.0.1'), backend(2, '10.1.0.2'), backend(3, 'fd01::1')]

  it('are ended by namespace, and those to others and to other ports are left', async () => {
    const { closer, connect, destroyed, map } = stage()
    connect(1n, '10.1.0.1')
    connect(2n, '10.1.0.2')
    connect(3n, 'fd01::1', 'fd96::1', 2n)
    connect(4n, '10.1.0.1', '10.96.0.9', 2n)
    closer.apply([{ before: a }, { before: six }, { before: backend(4, '10.1.0.2', { port: 8081 }) }])
    await closer.settled
    expect([...destroyed].sort()).to.deep.equal(['ns 1 tcp 1', 'ns 2 tcp 3', 'ns 2 tcp 4'])
    expect(closer.closed).to.equal(3)
    expect([...map.entries()]).to.have.length(1)
  })

  it('stay while a backend only changes, or comes back at the same moment', async () => {
    const { closer, connect, destroyed } = stage()
    connect(1n, '10.1.0.1')
    closer.apply([{ before: a, after: { ...a, state: 'terminating' } }])
    closer.apply([{ before: a }, { after: { ...a, backend: 9 } }])
    closer.apply([{ before: { ...a, backend: 9 } }])
    closer.apply([{ after: { ...a, backend: 10 } }])
    await closer.settled
    expect(destroyed).to.deep.equal([])
    closer.apply([{ before: { ...a, backend: 10 } }])
    await closer.settled
    expect(destroyed).to.deep.equal(['ns 1 tcp 1'])
  })

  it('are found at the start where the service is there and the backend went meanwhile', async () => {
    const { closer, connect, destroyed } = stage()
    connect(1n, '10.1.0.1')
    connect(2n, '10.1.0.2')
    connect(3n, '10.1.0.1', '10.96.0.77')
    const frontends = new Map([['web', frontend('10.96.0.1')]])
    closer.start({ frontends, selections: new Map(), backends: new Map([[2, b]]) })
    await closer.settled
    expect(destroyed, 'of a service that nobody knows nothing is ended').to.deep.equal(['ns 1 tcp 1'])
  })

  it('are told of once where they can’t be ended, and are no longer once they can', async () => {
    let isAble = false
    const { closer, connect, reports } = stage({
      destroy: () => {
        if (!isAble) throw new Error('not supported')
        return 1
      },
    })
    for (const each of [a, b]) {
      connect(BigInt(each.backend), each.address)
      closer.apply([{ before: each }])
      await closer.settled
    }
    expect(reports).to.deep.equal(['connections to backends that went stay open: not supported'])
    expect(closer.failing).to.equal('not supported')
    isAble = true
    connect(1n, '10.1.0.1')
    closer.apply([{ before: a }])
    await closer.settled
    expect([closer.failing, closer.closed]).to.deep.equal([undefined, 1])
  })

  it('in namespaces that are gone, or can’t be found, are left', async () => {
    const { closer, connect, destroyed } = stage()
    connect(1n, '10.1.0.1', '10.96.0.1', 99n)
    closer.apply([{ before: a }])
    await closer.settled
    expect(destroyed).to.deep.equal([])
    expect(closer.failing).to.equal(undefined)
  })
})
