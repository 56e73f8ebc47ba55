import { createHmac } from 'node:crypto'
import { commonBits, containsPrefix, parseAddress, parsePrefix } from '@weir/core/address/address.js'
import { addressText } from '@weir/core/input/address.js'
import { AddressPseudonyms } from '@weir/core/pseudonym/addresses.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../../oracle/generate/seed.js'

const keyed = (key: number) => (domain: string, text: string) =>
  createHmac('sha256', Buffer.alloc(32, key)).update(`${domain} ${text}`).digest()

const addressOf = (family: 4 | 6): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 })
    .map(bytes => addressText({ family, bytes, length: bytes.length * 8 }))

/** Two of a family, as often as not with a beginning in common. */
const pairs = fc.constantFrom(4 as const, 6 as const).chain(family =>
  fc.tuple(addressOf(family), addressOf(family), fc.nat(family === 4 ? 32 : 128)).map(([a, b, shared]) => {
    const [one, other] = [parseAddress(a)!, parseAddress(b)!]
    const bytes = other.bytes.map((byte, at) => {
      const bits = Math.max(0, Math.min(8, shared - at * 8))
      const mask = (0xff00 >> bits) & 0xff
      return (one.bytes[at]! & mask) | (byte & ~mask & 0xff)
    })
    return [a, addressText({ ...other, bytes })] as const
  }),
)

describe('addresses under pseudonyms', () => {
  it('share as many leading bits as they did', () => {
    fc.assert(
      fc.property(pairs, fc.nat(255), ([a, b], key) => {
        const others = new AddressPseudonyms(keyed(key))
        const common = (x: string, y: string) =>
          commonBits(parseAddress(x)!.bytes, parseAddress(y)!.bytes, parseAddress(x)!.length)
        expect(common(others.of(a), others.of(b))).equals(common(a, b))
      }),
      sampling('pairs of addresses', 300),
    )
  })

  it('are in the blocks that they were in, and in no others', () => {
    fc.assert(
      fc.property(pairs, fc.nat(128), fc.nat(255), ([a, b], length, key) => {
        const others = new AddressPseudonyms(keyed(key))
        const block = `${a}/${Math.min(length, parseAddress(a)!.length)}`
        const isIn = (address: string, of: string) => containsPrefix(parsePrefix(of)!, parseAddress(address)!)
        expect(isIn(others.of(b), others.of(block))).equals(isIn(b, block))
      }),
      sampling('addresses in blocks', 300),
    )
  })

  it('stay what they are where that means something', () => {
    const others = new AddressPseudonyms(keyed(3))
    for (const text of [
      ...['0.0.0.0', '0.0.0.0/0', '127.0.0.1', '169.254.169.254', '169.254.0.0/16', '224.0.0.251', '239.1.2.3'],
      ...['255.255.255.255', '240.0.0.0/4', '::', '::1', '::/0', 'fe80::1', 'fe80::/10', 'ff02::fb', 'None', ''],
    ])
      expect(others.of(text), text).equals(text)
    for (const text of ['10.1.2.3', '192.168.7.7', '8.8.8.8', 'fd00::1:2:3', '2001:db8::9'])
      expect(others.of(text), text).not.equals(text)
  })
})
