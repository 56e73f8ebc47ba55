import { expect } from 'chai'
import fc from 'fast-check'
import { cidrBounds, cidrContains, formatAddress, neighbour, parseAddress } from './address.js'

describe('oracle: addresses', () => {
  it('reads both families', () => {
    expect(parseAddress('10.0.0.255')).deep.equals({ family: 4, value: 0x0a0000ffn })
    expect(parseAddress('2001:db8::1').value).equals((0x20010db8n << 96n) + 1n)
    expect(parseAddress('::').value).equals(0n)
  })
  for (const wrong of ['10.0.0', '10.0.0.256', '1::2::3', '1:2:3', 'fd00::g', ''])
    it(`refuses ${JSON.stringify(wrong)}`, () => expect(() => parseAddress(wrong)).throws(RangeError))
  it('reads what it writes', () => {
    const family4 = fc.bigInt(0n, (1n << 32n) - 1n).map(value => ({ family: 4 as const, value }))
    const family6 = fc.bigInt(0n, (1n << 128n) - 1n).map(value => ({ family: 6 as const, value }))
    const sparse6 = fc.array(fc.constantFrom(0n, 1n, 0xfd00n), { minLength: 8, maxLength: 8 }).map(groups => ({
      family: 6 as const,
      value: groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n),
    }))
    fc.assert(
      fc.property(fc.oneof(family4, family6, sparse6), address => {
        expect(parseAddress(formatAddress(address))).deep.equals(address)
      }),
    )
  })
  it('writes IPv6 in the canonical form', () => {
    expect(formatAddress(parseAddress('fd00:0:0:1:0:0:0:1'))).equals('fd00:0:0:1::1')
    expect(formatAddress(parseAddress('0:0:0:0:0:0:0:0'))).equals('::')
    expect(formatAddress(parseAddress('1:0:2:0:3:0:4:5'))).equals('1:0:2:0:3:0:4:5')
  })
  it('knows the edges of a block', () => {
    expect(cidrBounds('10.1.2.3/23')).deep.equals(['10.1.2.0', '10.1.3.255'])
    expect(cidrBounds('::/0')[1]).equals('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    expect(neighbour('10.0.0.255', 1n)).equals('10.0.1.0')
    expect(neighbour('255.255.255.255', 1n)).equals(undefined)
    expect(cidrContains('10.0.0.0/31', parseAddress('10.0.0.1'))).equals(true)
    expect(cidrContains('10.0.0.0/31', parseAddress('10.0.0.2'))).equals(false)
    expect(cidrContains('0.0.0.0/0', parseAddress('::1'))).equals(false)
  })
})
