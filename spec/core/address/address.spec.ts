import { expect } from 'chai'
import fc from 'fast-check'
import {
  addressBits,
  bitAt,
  canonicalPrefix,
  commonBits,
  containsPrefix,
  isCanonicalQuad,
  parseAddress,
  parsePrefix,
  prefixText,
} from '@weir/core/address/address.js'

const octet = fc.integer({ min: 0, max: 255 })
const quad = fc.tuple(octet, octet, octet, octet)
const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 })

/** As a string of 0 and 1, from the most significant bit of the first byte. */
const bits = (of: Iterable<number>): string => [...of].map(byte => byte.toString(2).padStart(8, '0')).join('')

describe('addresses', () => {
  it('have 32 or 128 bits', () => expect([addressBits(4), addressBits(6)]).to.deep.equal([32, 128]))
  it('of IPv4 are four bytes in network order', () => {
    fc.assert(
      fc.property(quad, parts => {
        expect(parseAddress(parts.join('.'))).to.deep.equal({ family: 4, bytes: Uint8Array.from(parts), length: 32 })
      }),
    )
  })
  it('of IPv6 are sixteen bytes, however they are written', () => {
    const last = (...parts: number[]) => Uint8Array.from([...Array(16 - parts.length).fill(0), ...parts])
    expect(parseAddress('::102:304')).to.deep.equal({ family: 6, bytes: last(1, 2, 3, 4), length: 128 })
    expect(parseAddress('0:0:0:0:0:0:1.2.3.4')).to.deep.equal({ family: 6, bytes: last(1, 2, 3, 4), length: 128 })
    expect(parseAddress('FD00::')?.bytes[0]).to.equal(0xfd)
  })
  const none = [
    '',
    '1.2.3.256',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..2.3',
    '1.2.3.4x',
    '1.2.3.x',
    '1,2,3,4',
    'a.b.c.d',
  ]
  for (const text of [
    ...none,
    '1111.2.3.4',
    '1.2.3.1000',
    '1.2.3/4',
    '1:2:3',
    '::g',
    '1.2.3.4/8',
    '1.2.3.4 ',
    '01.2.3.4',
    '1.2.3.00',
    '1.2.3',
    '0x1.2.3.4',
  ]) {
    it(`are not read from ${JSON.stringify(text)}`, () => expect(parseAddress(text)).to.equal(undefined))
  }
})

describe('prefixes of addresses', () => {
  it('of IPv4 keep the bits that their length says, and have one text', () => {
    fc.assert(
      fc.property(quad, fc.integer({ min: 0, max: 32 }), (parts, length) => {
        const read = parsePrefix(`${parts.join('.')}/${length}`)!
        const kept = bits(parts).slice(0, length).padEnd(32, '0')
        expect([read.family, read.length, bits(read.bytes)]).to.deep.equal([4, length, kept])
        expect(parsePrefix(prefixText(read))).to.deep.equal(read)
      }),
    )
  })
  it('of IPv6 do so too', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 128 }), (address, length) => {
        const groups = Array.from({ length: 8 }, (_, n) => ((address[2 * n]! << 8) | address[2 * n + 1]!).toString(16))
        const read = parsePrefix(`${groups.join(':')}/${length}`)!
        const kept = bits(address).slice(0, length).padEnd(128, '0')
        expect([read.family, read.length, bits(read.bytes)]).to.deep.equal([6, length, kept])
        expect(parsePrefix(prefixText(read))).to.deep.equal(read)
      }),
    )
  })
  for (const text of [
    '1.2.3.4/',
    '1.2.3.4/x',
    '1.2.3.4/8x',
    '1.2.3.4/x8',
    '1.2.3.4/0008',
    '1.2.3.256/8',
    '/8',
    '1.2/8/8',
  ]) {
    it(`are not read from ${JSON.stringify(text)}`, () => expect(parsePrefix(text)).to.equal(undefined))
  }
  it('have the longest text that an address can have', () => {
    expect(prefixText(parsePrefix('255.255.255.255/32')!)).to.equal('255.255.255.255/32')
    expect(prefixText(parsePrefix('1.2.3.4/32')!)).to.equal('1.2.3.4/32')
  })
  it('share as many leading bits as their bytes do, and contain whom they share all of them with', () => {
    const near = fc.tuple(bytes, fc.integer({ min: 0, max: 128 }), fc.integer({ min: 0, max: 128 }))
    fc.assert(
      fc.property(near, fc.nat(127), ([a, limit, length], flipped) => {
        const b = Uint8Array.from(a, (byte, index) => (index === flipped >> 3 ? byte ^ (0x80 >> (flipped & 7)) : byte))
        expect(commonBits(a, b, limit)).to.equal(Math.min(limit, flipped))
        expect(commonBits(a, a, limit)).to.equal(limit)
        expect(bitAt(a, flipped)).to.equal(Number(bits(a)[flipped]))
        const outer = { family: 6, bytes: a, length: limit } as const
        const inner = { family: 6, bytes: b, length } as const
        expect(containsPrefix(outer, inner)).to.equal(limit <= length && limit <= flipped)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the canonical text of a prefix', () => {
  const part = fc.oneof(fc.constantFrom('0', '00', '01', '255', '256', '', 'a', '-1', ' 1'), octet.map(String))
  const length = fc.oneof(
    fc.constantFrom('', '0', '00', '08', '032', '33', '40', '3a', ':', '/1'),
    fc.nat(32).map(String),
  )
  const text = fc.oneof(
    fc
      .tuple(fc.array(part, { minLength: 3, maxLength: 5 }), length)
      .map(([parts, bits]) => `${parts.join('.')}/${bits}`),
    fc.tuple(quad, fc.nat(32)).map(([parts, bits]) => `${parts.join('.')}/${bits}`),
    fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.nat(32))
      .map(([first, bits]) => prefixText(parsePrefix(`${first}.128.64.1/${bits}`)!)),
    fc.constantFrom('1.2.3.4', '/8', '', '1.2.3/8', '1.2.3.4.0/32', 'fd00::1/8', '::/0', 'FD00:0::/16', '1.2.3.0.0/24'),
  )

  it('is what reading and writing it makes, and none where there is nothing to read', () => {
    fc.assert(
      fc.property(text, one => {
        const prefix = parsePrefix(one)
        expect(canonicalPrefix(one), one).to.equal(prefix && prefixText(prefix))
        expect(isCanonicalQuad(one), one).to.equal(prefix?.family === 4 && prefixText(prefix) === one)
      }),
      { numRuns: 2000 },
    )
  })
})
