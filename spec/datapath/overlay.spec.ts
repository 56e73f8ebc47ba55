import type { AddressRow } from '@weir/core'
import type { TunnelRow } from '@weir/core/routing/tunnel-rows.js'
import { codecs } from '@weir/datapath/codec/maps.js'
import { createMemoryBackend } from '@weir/datapath/memory/backend.js'
import { markOf } from '@weir/datapath/overlay/mark.js'
import { OverlayReconciler } from '@weir/datapath/overlay/reconciler.js'
import { expect } from 'chai'

const labels: Readonly<Record<number, readonly string[]>> = { 256: ['k8s:app=web'], 257: ['k8s:app=db'] }
const row = (address: string, identity: number): AddressRow => ({
  address,
  identity,
  peerClass: 1,
  subject: 0,
  endpoint: 0,
})

describe('maps of tunnels', () => {
  const open = (rows: readonly AddressRow[]) => {
    const backend = createMemoryBackend()
    const overlay = new OverlayReconciler(backend, { labelsOf: identity => labels[identity] })
    overlay.start({ addresses: new Map(rows.map(each => [each.address, each])) })
    const fellow = (identity: number): string | undefined => {
      const value = backend.maps.weir_fellows.lookup(codecs.mark.encode(markOf(labels[identity]!)))
      return value && codecs.fellow.read(value).ipv4.join('.')
    }
    return { backend, overlay, fellow }
  }

  it('have a mark for each identity of pods, and somebody who stands for it', () => {
    const { backend, fellow } = open([row('10.0.0.1', 256), row('10.0.0.2', 257), row('10.0.0.3', 6)])
    expect([fellow(256), fellow(257)]).to.deep.equal(['10.0.0.1', '10.0.0.2'])
    const marks = [...backend.maps.weir_marks.entries()].map(([key]) => codecs.index.read(key))
    expect(marks.sort()).to.deep.equal([256, 257])
  })

  it('name another one before he goes, and nobody once the last has gone', () => {
    const [one, two] = [row('10.0.0.1', 256), row('10.0.0.2', 256)]
    const { overlay, fellow, backend } = open([one])
    expect(overlay.arrive([{ after: two }])).to.equal(0)
    overlay.leave([{ before: one }])
    expect(fellow(256)).to.equal('10.0.0.2')
    const elsewhere = row('10.0.0.2', 257)
    overlay.leave([{ before: two, after: elsewhere }])
    expect(fellow(256)).to.equal(undefined)
    overlay.arrive([{ before: two, after: elsewhere }])
    expect(fellow(257)).to.equal('10.0.0.2')
    expect([...backend.maps.weir_marks.entries()]).to.have.length(1)
  })

  it('are repaired, and taken over as they are', () => {
    const { overlay, backend, fellow } = open([row('10.0.0.1', 256)])
    const tunnels = new Map<string, TunnelRow>([
      ['10.2.0.0/24', { prefix: '10.2.0.0/24', address: '192.0.2.2', isNode: false }],
      ['192.0.2.2/32', { prefix: '192.0.2.2/32', address: '192.0.2.2', isNode: true }],
    ])
    expect(overlay.useTunnels(tunnels)).to.equal(2)
    expect(overlay.verify()).to.equal(0)
    for (const [key] of [...backend.maps.weir_tunnels4.entries()]) backend.maps.weir_tunnels4.delete(key.slice())
    backend.maps.weir_fellows.delete(codecs.mark.encode(markOf(labels[256]!)))
    backend.maps.weir_marks.update(codecs.index.encode(999), codecs.mark.encode(markOf(['x'])))
    expect(overlay.verify()).to.equal(4)
    expect(fellow(256)).to.equal('10.0.0.1')
    expect(overlay.useTunnels(new Map())).to.equal(2)
  })

  it('keep where the run before led, until no route leads there', () => {
    const { backend } = open([])
    const [one, other] = ['10.2.0.0/24', '10.3.0.0/24'].map(prefix => ({ prefix, address: '192.0.2.2', isNode: false }))
    const there = (): number => [...backend.maps.weir_tunnels4.entries()].length
    const next = new OverlayReconciler(backend, { labelsOf: identity => labels[identity] })
    expect(next.addTunnels(new Map([[one!.prefix, one!]])), 'before it starts').to.equal(0)
    expect(next.start({ addresses: new Map() })).to.equal(1)
    const last = new OverlayReconciler(backend, { labelsOf: identity => labels[identity] })
    last.start({ addresses: new Map() })
    expect(there(), 'nobody has said anything').to.equal(1)
    expect(last.addTunnels(new Map([[other!.prefix, other!]]))).to.equal(1)
    expect([there(), last.verify()]).to.deep.equal([2, 0])
    expect(last.useTunnels(new Map([[other!.prefix, other!]]))).to.equal(1)
    expect(there()).to.equal(1)
  })

  it('call an identity the same whoever has numbered it, and never as a reserved one', () => {
    expect(markOf(['k8s:app=web'])).to.deep.equal(markOf(['k8s:app=web']))
    expect(markOf(['k8s:app=web'])).to.not.deep.equal(markOf(['k8s:app=db']))
    for (let at = 0; at < 2000; at++) expect(markOf([String(at)]).vni).to.be.within(256, 2 ** 24 - 1)
  })
})
