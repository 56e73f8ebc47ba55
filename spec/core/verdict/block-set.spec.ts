import { expect } from 'chai'
import fc from 'fast-check'
import { containsPrefix, parsePrefix, prefixText } from '@weir/core/address/address.js'
import { BlockSet, type HoledBlock } from '@weir/core/verdict/block-set.js'

const block = fc
  .tuple(
    fc.constantFrom('10.0.0.0', '10.128.0.0', '11.0.0.0', '::', 'fd00::', 'fd80::'),
    fc.integer({ min: 0, max: 12 }),
  )
  .map(([address, length]) => parsePrefix(`${address}/${length}`)!)

const holed = fc.record({ block, holes: fc.array(block, { maxLength: 2 }) })

const textOf = ({ block: whole, holes }: HoledBlock): string => [whole, ...holes].map(prefixText).join(' ')

describe('BlockSet', () => {
  it('covers what is in one of its blocks and in no hole of that one, as blocks come and go', () => {
    const step = fc.record({ holed, comes: fc.boolean(), asked: block })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        const set = new BlockSet()
        const model = new Map<string, HoledBlock>()
        for (const { holed: each, comes, asked } of steps) {
          const text = textOf(each)
          if (comes) set.add(text, each)
          else set.delete(text)
          if (comes) model.set(text, each)
          else model.delete(text)
          expect(set.has(text)).to.equal(comes)
          const covers = (other: HoledBlock): boolean =>
            containsPrefix(other.block, asked) && !other.holes.some(hole => containsPrefix(hole, asked))
          expect(set.covers(asked)).to.equal([...model.values()].some(covers))
          expect(Object.fromEntries(set)).to.deep.equal(Object.fromEntries(model))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('has a block once, however often it comes', () => {
    const set = new BlockSet()
    const of = (text: string): HoledBlock => ({ block: parsePrefix(text)!, holes: [] })
    const texts = ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/8']
    for (const text of texts) set.add(text, of(text))
    expect(texts.map(text => set.covers(parsePrefix(text)!))).to.deep.equal([true, true, true])
    set.add('10.0.0.0/8', of('10.0.0.0/8'))
    set.delete('10.0.0.0/8')
    expect(texts.map(text => set.covers(parsePrefix(text)!))).to.deep.equal([false, true, true])
  })
})
