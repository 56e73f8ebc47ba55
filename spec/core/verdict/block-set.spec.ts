import { expect } from 'chai'
import fc from 'fast-check'
import { containsPrefix, parsePrefix, prefixText } from '@weir/core/address/address.js'
import { BlockSet } from '@weir/core/verdict/block-set.js'

const block = fc
  .tuple(
    fc.constantFrom('10.0.0.0', '10.128.0.0', '11.0.0.0', '::', 'fd00::', 'fd80::'),
    fc.integer({ min: 0, max: 12 }),
  )
  .map(([address, length]) => parsePrefix(`${address}/${length}`)!)

describe('BlockSet', () => {
  it('covers what is in one of its blocks, as blocks come and go', () => {
    const step = fc.record({ block, comes: fc.boolean(), asked: block })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        const set = new BlockSet()
        const model = new Map<string, (typeof steps)[number]['block']>()
        for (const { block: each, comes, asked } of steps) {
          const text = prefixText(each)
          if (comes) set.add(text, each)
          else set.delete(text)
          if (comes) model.set(text, each)
          else model.delete(text)
          expect(set.has(text)).to.equal(comes)
          expect(set.covers(asked)).to.equal([...model.values()].some(other => containsPrefix(other, asked)))
          expect(new Map(set)).to.deep.equal(model)
        }
      }),
      { numRuns: 200 },
    )
  })
})
