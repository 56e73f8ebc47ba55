import { codecOf, type LayoutType } from '@weir/datapath/codec/codec.js'
import { expect } from 'chai'
import fc from 'fast-check'

const uint = <const Size extends number>(size: Size) => ({ kind: 'int', size, signed: false }) as const

/** A field of each kind, two bytes of padding after the first. */
const padded = {
  kind: 'struct',
  name: 'padded',
  size: 32,
  members: [
    { name: 'half', offsetBits: 0, type: uint(2) },
    { name: 'pad', offsetBits: 16, type: uint(2) },
    { name: 'side', offsetBits: 32, bits: 1, type: uint(4) },
    { name: 'number', offsetBits: 33, bits: 31, type: uint(4) },
    { name: 'long', offsetBits: 64, type: uint(8) },
    { name: 'bytes', offsetBits: 128, type: { kind: 'array', length: 4, element: uint(1) } },
    { name: 'words', offsetBits: 160, type: { kind: 'array', length: 3, element: uint(4) } },
  ],
} as const satisfies LayoutType

const most = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const value = fc.record({
  half: most(16),
  side: most(1),
  number: most(31),
  long: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  words: fc.array(most(32), { minLength: 3, maxLength: 3 }),
})

describe('a codec made from a layout', () => {
  const codec = codecOf(padded)

  it('reads what it wrote, over whatever was there, and leaves padding zero', () => {
    fc.assert(
      fc.property(value, written => {
        const bytes = new Uint8Array(40).fill(0xff)
        codec.write(bytes, 4, written)
        expect(codec.read(bytes, 4)).to.deep.equal(written)
        expect([...bytes.subarray(0, 4), ...bytes.subarray(36)]).to.deep.equal(new Array(8).fill(0xff))
        expect([...bytes.subarray(6, 8)]).to.deep.equal([0, 0])
        expect(codec.encode(written)).to.deep.equal(bytes.slice(4, 36))
      }),
    )
  })

  it('takes no array of another length', () => {
    const written = { half: 0, side: 0, number: 0, long: 0n, bytes: new Uint8Array(3), words: [1, 2, 3] }
    expect(() => codec.encode(written)).to.throw(RangeError)
    expect(() => codec.encode({ ...written, bytes: new Uint8Array(4), words: [1] })).to.throw(RangeError)
  })
})
