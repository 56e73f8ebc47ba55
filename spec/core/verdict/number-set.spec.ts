import { expect } from 'chai'
import fc from 'fast-check'
import { NumberSet } from '@weir/core/verdict/number-set.js'

const rising = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)

/** Numbers close together and far apart, so that sets change form to and fro. */
const number = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 400 }), fc.nat({ max: 20_000 }))
const stepOf = (numbers: fc.Arbitrary<number>) =>
  fc.oneof(
    fc.record({ add: fc.array(numbers, { maxLength: 60 }) }),
    fc.record({ drop: fc.array(numbers, { maxLength: 60 }) }),
    fc.record({ keepOneIn: fc.integer({ min: 1, max: 9 }) }),
  )
/** Of numbers in one range, so that many meet again, or of all ranges. */
const steps = fc.oneof(
  fc.array(stepOf(fc.nat({ max: 60 })), { maxLength: 12 }),
  fc.array(stepOf(fc.nat({ max: 600 })), { maxLength: 12 }),
  fc.array(stepOf(number), { maxLength: 12 }),
)

describe('NumberSet', () => {
  it('is a set, whichever form it has', () => {
    fc.assert(
      fc.property(steps, some => {
        const set = new NumberSet()
        const model = new Set<number>()
        const drop = (each: number): void => {
          expect(set.delete(each)).to.equal(model.delete(each))
        }
        for (const each of some) {
          if ('add' in each)
            for (const member of each.add) {
              set.add(member)
              model.add(member)
            }
          else if ('drop' in each) each.drop.forEach(drop)
          else [...model].filter((_, at) => at % each.keepOneIn !== 0).forEach(drop)
          expect(set.size).to.equal(model.size)
          expect(rising(set)).to.deep.equal(rising(model))
          for (const probe of [0, 31, 32, 400, 20_000, ...model]) expect(set.has(probe)).to.equal(model.has(probe))
        }
      }),
    )
  })

  it('is made of the bits of words, and sets them', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 300 }), numbers => {
        const words = new Uint32Array(626)
        for (const each of numbers) words[each >>> 5]! |= 1 << (each & 31)
        const set = NumberSet.ofWords(words.slice())
        expect(set.size).to.equal(new Set(numbers).size)
        expect(rising(set)).to.deep.equal(rising(new Set(numbers)))
        const again = new Uint32Array(626)
        set.addTo(again)
        expect([...again]).to.deep.equal([...words])
        const short = new Uint32Array(3)
        set.addTo(short)
        expect([...short]).to.deep.equal([...words.subarray(0, 3)])
      }),
    )
  })

  it('knows what it has in common with another, whatever form the two have', () => {
    const numbers = fc.array(number, { maxLength: 200 })
    const setOf = (members: readonly number[]): NumberSet => {
      const set = new NumberSet()
      for (const each of members) set.add(each)
      return set
    }
    fc.assert(
      fc.property(numbers, numbers, fc.boolean(), (a, b, dense) => {
        // A stretch of neighbours makes a bitmap of one.
        const some = dense ? [...a, ...Array.from({ length: 500 }, (_, at) => at)] : a
        const [one, other] = [setOf(some), setOf(b)]
        for (const [x, y] of [
          [one, other],
          [other, one],
          [one, one],
        ] as const) {
          const [common, lacking] = [[...x].filter(each => y.has(each)), [...x].filter(each => !y.has(each))]
          expect(x.countCommon(y)).to.equal(common.length)
          expect(rising(x.common(y))).to.deep.equal(rising(common))
          expect(rising(x.lacking(y))).to.deep.equal(rising(lacking))
        }
      }),
    )
  })

  it('is a bitmap while it is dense, which hands out members rising, and a hash set while it is sparse', () => {
    const set = new NumberSet()
    const added = (...numbers: readonly number[]): number[] => {
      for (const each of numbers) set.add(each)
      return set.toArray()
    }
    const few = [6, 5, 4, 3, 2, 1]
    expect(added(...few)).to.deep.equal(few)
    expect(added(9, 8, 7, 0)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    // A bitmap goes on until something is taken out of one that is nearly empty.
    expect(added(1_000_000, 11)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 1_000_000])
    set.delete(11)
    set.delete(4)
    expect(added(4)).to.deep.equal([0, 1, 2, 3, 5, 6, 7, 8, 9, 1_000_000, 4])
  })

  it('stays a hash set however many there are of members that are far apart', () => {
    const set = new NumberSet()
    const apart = Array.from({ length: 20 }, (_, at) => (20 - at) * 10_000)
    for (const each of apart) set.add(each)
    expect(set.toArray()).to.deep.equal(apart)
  })

  it('stays a bitmap while members go of one that is dense, and is a hash set of the last few', () => {
    const set = NumberSet.ofWords(new Uint32Array(4).fill(-1))
    for (let each = 127; each > 8; each -= 1) set.delete(each)
    set.delete(3)
    set.add(3)
    expect(set.toArray()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    for (const each of [8, 4, 3]) set.delete(each)
    set.add(3)
    expect(set.toArray()).to.deep.equal([0, 1, 2, 5, 6, 7, 3])
  })

  it('hands out members that stay as they were when the set changes', () => {
    const set = new NumberSet()
    for (const each of [1, 2, 3]) set.add(each)
    const seen: number[] = []
    for (const each of set) {
      set.delete(each)
      set.add(each + 100)
      seen.push(each)
    }
    expect(seen).to.deep.equal([1, 2, 3])
    expect(rising(set)).to.deep.equal([101, 102, 103])
  })
})
