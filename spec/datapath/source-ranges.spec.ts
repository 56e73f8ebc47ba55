import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import { codecs, frontendFlags } from '@weir/datapath/codec/maps.js'
import { frontendKeyBytes } from '@weir/datapath/services/encode.js'
import { byteText } from '@weir/datapath/services/installed-frontends.js'
import type { PackedBatch } from '@weir/datapath/services/packed.js'
import { SourceRanges } from '@weir/datapath/services/source-ranges.js'
import { expect } from 'chai'

const sizes = { weir_ranges4: 4, weir_ranges6: 4 }

const frontend = (address: string, ...sourceRanges: readonly string[]): FrontendRow => ({
  ...{ address, port: 80, protocol: 'TCP', scope: 'external', kind: 'loadBalancer', selection: 1, affinitySeconds: 0 },
  ...{ namespace: 'shop', name: 'web', portName: '', local: false },
  ...(sourceRanges.length > 0 && { sourceRanges }),
})

const keyOf = (address: string): string => byteText(frontendKeyBytes(frontend(address)))

/** Entries as text: `1 10.0.0.0/8`. */
function entriesOf({ map, count, keys }: PackedBatch): readonly string[] {
  const codec = map === 'weir_ranges4' ? codecs.range4 : codecs.range6
  return Array.from({ length: count }, (_, at) => {
    const { ranges, address, length } = codec.read(keys.subarray(at * codec.size, (at + 1) * codec.size))
    return `${ranges} ${address.slice(0, 4).join('.')}/${length - 32}`
  })
}

const textOf = (batches: readonly PackedBatch[]): readonly string[] =>
  batches.map(batch => `${batch.kind} ${batch.map}: ${entriesOf(batch).join(', ')}`)

describe('source ranges of services in the maps', () => {
  it('are one set for all frontends that have the same, there before the first and until the last', () => {
    const ranges = new SourceRanges(sizes)
    expect(ranges.use('a', frontend('192.0.2.1', '10.0.0.0/8', '198.51.100.0/24'))).to.equal(1)
    expect(ranges.use('b', frontend('192.0.2.2', '198.51.100.0/24', '10.0.0.0/8'))).to.equal(1)
    expect(ranges.use('c', frontend('192.0.2.3'))).to.equal(0)
    const forNobody = { ...frontend('2001:db8::1'), sourceRanges: [] }
    expect(ranges.use('d', forNobody), 'a number that would have no entries').to.equal(0)
    expect(textOf(ranges.takeAdded())).to.deep.equal(['update weir_ranges4: 1 10.0.0.0/8, 1 198.51.100.0/24'])
    expect(ranges.takeRemoved()).to.deep.equal([])
    ranges.leave('a')
    expect([...ranges.takeAdded(), ...ranges.takeRemoved()]).to.deep.equal([])
    expect(ranges.settle()).to.equal(false)
    ranges.leave('b')
    expect(textOf(ranges.takeRemoved())).to.deep.equal(['delete weir_ranges4: 1 10.0.0.0/8, 1 198.51.100.0/24'])
    expect(ranges.settle()).to.equal(true)
  })

  it('that change are another set: its blocks come before the frontend flips, the old ones go after it', () => {
    const ranges = new SourceRanges(sizes)
    ranges.use('a', frontend('2001:db8::1', '2001:db8:a::/48'))
    ranges.takeAdded()
    ranges.takeRemoved()
    expect(ranges.use('a', frontend('2001:db8::1', '2001:db8:b::/48'))).to.equal(2)
    expect(ranges.takeAdded().map(({ map, kind }) => `${kind} ${map}`)).to.deep.equal(['update weir_ranges6'])
    expect(ranges.takeRemoved().map(batch => entriesOf(batch)[0]?.split(' ')[0])).to.deep.equal(['1'])
    // Whoever has read the frontend before it changed may still look for the old number.
    expect(ranges.use('a', frontend('2001:db8::1', '2001:db8:c::/48'))).to.equal(3)
  })

  it('that don’t fit are a shortage, and the frontend goes on with what it has', () => {
    const ranges = new SourceRanges(sizes)
    const many = Array.from({ length: 4 }, (_, at) => `10.${at}.0.0/16`)
    expect(ranges.use('a', frontend('192.0.2.1', '198.51.100.0/24'))).to.equal(1)
    const lack = ranges.use('a', frontend('192.0.2.1', ...many))
    expect(lack).to.deep.include({ kind: 'shortage', map: 'weir_ranges4', entries: 4 })
    expect(ranges.use('b', frontend('192.0.2.1', ...many)), 'the same lack').to.deep.equal(lack)
    expect(textOf(ranges.takeAdded())).to.deep.equal(['update weir_ranges4: 1 198.51.100.0/24'])
    expect(ranges.takeRemoved()).to.deep.equal([])
  })

  it('are found again after a restart; what nobody names goes', () => {
    const before = new SourceRanges(sizes)
    before.use(keyOf('192.0.2.1'), frontend('192.0.2.1', '10.0.0.0/8'))
    before.use(keyOf('192.0.2.2'), frontend('192.0.2.2', '198.51.100.0/24'))
    const keys = before
      .takeAdded()
      .flatMap(({ count, keys: bytes }) =>
        Array.from({ length: count }, (_, at) => bytes.slice(at * codecs.range4.size, (at + 1) * codecs.range4.size)),
      )
    const value = (number: number): Uint8Array =>
      codecs.frontend.encode({
        ...{ first: 0, count: 0, members_first: 0, members: 0, beneath_first: 0, beneath: 0, affinity: 0 },
        ...{ flags: frontendFlags.WEIR_SOURCE_RANGES, ranges: number },
      })
    const after = new SourceRanges(sizes)
    after.adopt('weir_ranges4', keys)
    after.adoptFrontend(keyOf('192.0.2.1'), value(1))
    after.adoptFrontend(keyOf('192.0.2.2'), value(2))
    expect(after.use(keyOf('192.0.2.1'), frontend('192.0.2.1', '10.0.0.0/8'))).to.equal(1)
    after.leave(keyOf('192.0.2.2'))
    expect(after.takeAdded()).to.deep.equal([])
    expect(textOf(after.takeRemoved())).to.deep.equal(['delete weir_ranges4: 2 198.51.100.0/24'])
  })
})
