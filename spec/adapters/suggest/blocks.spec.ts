import { blocksAround } from '@weir/adapters/suggest/blocks.js'
import { containsPrefix, parseAddress, parsePrefix } from '@weir/core/address/address.js'
import { expect } from 'chai'
import fc from 'fast-check'

const anyAddress = fc.oneof(
  fc.integer({ min: 0, max: 63 }).map(last => `192.0.2.${last}`),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 255 })).map(([a, b]) => `${a}.7.${b}.9`),
  fc.nat({ max: 15 }).map(last => `2001:db8::${last.toString(16)}`),
)
const within = (block: string, address: string): boolean => containsPrefix(parsePrefix(block)!, parseAddress(address)!)
/** Addresses in an IPv4 block. */
const sizeOf = (block: string): number => 2 ** (32 - Number(block.split('/')[1]))

describe('blocks around addresses', () => {
  it('hold every address and no other as long as they are few', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyAddress, { maxLength: 40 }), addresses => {
        const { blocks, widened } = blocksAround(addresses, 99, [])
        expect(widened).to.equal(false)
        for (const address of addresses) expect(blocks.filter(block => within(block, address))).to.have.length(1)
        const four = addresses.filter(address => !address.includes(':'))
        const size = blocks.filter(block => !block.includes(':')).reduce((sum, block) => sum + sizeOf(block), 0)
        expect(size).to.equal(four.length)
        expect(blocksAround(addresses.toReversed(), 99, []).blocks).to.deep.equal(blocks)
      }),
    )
  })

  it('are the fewest for neighbours', () => {
    const addresses = Array.from({ length: 8 }, (_, at) => `192.0.2.${at + 4}`)
    expect(blocksAround(addresses, 99, []).blocks).to.deep.equal(['192.0.2.4/30', '192.0.2.8/30'])
  })

  it('become wider where they are too many, and still hold every address', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyAddress, { minLength: 1 }), fc.integer({ min: 1, max: 8 }), (addresses, most) => {
        const { blocks, widened } = blocksAround(addresses, most, [])
        for (const address of addresses) expect(blocks.some(block => within(block, address))).to.equal(true)
        const four = blocks.filter(block => !block.includes(':'))
        // The first octets are at most four, which a /8 tells apart.
        expect(four.length).to.be.at.most(Math.max(most, 4))
        const members = addresses.filter(address => !address.includes(':')).length
        if (!widened) expect(four.reduce((sum, block) => sum + sizeOf(block), 0)).to.equal(members)
      }),
    )
    const spread = ['192.0.2.1', '192.0.2.200', '198.51.100.7']
    expect(blocksAround(spread, 2, [])).to.deep.equal({ blocks: ['192.0.2.0/24', '198.51.100.7/32'], widened: true })
  })

  it('never become wide enough to hold what belongs to others', () => {
    const spread = ['192.0.2.1', '192.0.2.200', '198.51.100.7', '198.51.100.100']
    const { blocks } = blocksAround(spread, 2, [parsePrefix('192.0.2.128/26')!])
    expect(blocks).to.deep.equal(['192.0.2.1/32', '192.0.2.200/32', '198.51.100.0/25'])
  })
})
