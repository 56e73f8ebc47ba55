import { expect } from 'chai'
import fc from 'fast-check'
import { containsPrefix, parseAddress, parsePrefix, prefixText, type Prefix } from '@weir/core/address/address.js'
import { PrefixTrie } from '@weir/core/address/trie.js'

/** Short prefixes over few bits, so that they nest and repeat. */
const prefix = fc
  .tuple(fc.constantFrom(0, 0x40, 0x80, 0xff), fc.constantFrom(0, 1, 0x80), fc.integer({ min: 0, max: 32 }))
  .map(([a, b, length]) => parsePrefix(`${a}.${b}.0.1/${length}`)!)

describe('prefixes', () => {
  it('are read in canonical form, host bits cleared', () => {
    const texts = ['10.1.2.3/8', '10.1.2.3/32', '1.2.3.4/0', 'fd00:0:0:0::1/64', '2001:DB8::/33']
    expect(texts.map(text => prefixText(parsePrefix(text)!))).to.deep.equal([
      '10.0.0.0/8',
      '10.1.2.3/32',
      '0.0.0.0/0',
      'fd00::/64',
      '2001:db8::/33',
    ])
  })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '::/129', 'x/8', '10.0.0.0/', '10.0.0.0/-1', '']) {
    it(`are not read from ${JSON.stringify(text)}`, () => expect(parsePrefix(text)).to.equal(undefined))
  }
  it('contain what has their bits, of their own family', () => {
    const inside = (outer: string, inner: string) => containsPrefix(parsePrefix(outer)!, parseAddress(inner)!)
    expect(inside('10.0.0.0/9', '10.127.255.255')).to.equal(true)
    expect(inside('10.0.0.0/9', '10.128.0.0')).to.equal(false)
    expect(inside('0.0.0.0/0', '::1')).to.equal(false)
    expect(inside('fd00::/15', 'fc00::1')).to.equal(false)
  })
})

describe('PrefixTrie', () => {
  it('finds what a scan finds, after any sets and deletes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(prefix, fc.boolean()), { maxLength: 40 }), prefix, (steps, asked) => {
        const trie = new PrefixTrie<Prefix>()
        const model = new Map<string, Prefix>()
        for (const [each, sets] of steps) {
          if (sets) trie.set(each.bytes, each.length, each)
          else trie.delete(each.bytes, each.length)
          if (sets) model.set(prefixText(each), each)
          else model.delete(prefixText(each))
        }
        const around = [...model.values()]
          .filter(each => containsPrefix(each, asked))
          .sort((a, b) => b.length - a.length)
        const inside = [...model.values()].filter(each => containsPrefix(asked, each))
        const text = (each: Prefix | undefined) => each && prefixText(each)
        expect(text(trie.longest(asked.bytes, asked.length))).to.equal(text(around[0]))
        expect(trie.around(asked.bytes, asked.length).map(text)).to.deep.equal(around.map(text).reverse())
        expect(text(trie.get(asked.bytes, asked.length))).to.equal(text(model.get(prefixText(asked))))
        expect(trie.within(asked.bytes, asked.length).map(text).sort()).to.deep.equal(inside.map(text).sort())
      }),
      { numRuns: 500 },
    )
  })
})
