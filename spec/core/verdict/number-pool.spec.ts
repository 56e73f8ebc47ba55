import { expect } from 'chai'
import fc from 'fast-check'
import { NumberPool } from '@weir/core/verdict/number-pool.js'

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('take' as const) },
  { weight: 3, arbitrary: fc.nat() },
  { weight: 1, arbitrary: fc.constant('commit' as const) },
)

/** The lowest number from 1 that is in none of the sets. */
function lowest(...sets: readonly ReadonlySet<number>[]): number {
  let number = 1
  while (sets.some(set => set.has(number))) number += 1
  return number
}

describe('NumberPool', () => {
  it('gives the lowest number that is not taken, and none that was freed since the last commit', () => {
    const resumed = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 })
    fc.assert(
      fc.property(resumed, fc.array(step, { maxLength: 60 }), (before, steps) => {
        const pool = new NumberPool()
        pool.resume(before)
        const taken = new Set(before)
        const resting = new Set<number>()
        for (const each of steps) {
          if (each === 'take') {
            const expected = lowest(taken, resting)
            expect(pool.take()).to.equal(expected)
            taken.add(expected)
          } else if (each === 'commit') {
            pool.commit()
            resting.clear()
          } else if (taken.size > 0) {
            const freed = [...taken][each % taken.size]!
            pool.free(freed)
            taken.delete(freed)
            resting.add(freed)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
  it('stays in order when many numbers come back at once', () => {
    const pool = new NumberPool()
    const numbers = Array.from({ length: 40 }, () => pool.take())
    for (const number of [...numbers].sort((a, b) => ((a * 17) % 41) - ((b * 17) % 41))) pool.free(number)
    pool.commit()
    expect(numbers.map(() => pool.take())).to.deep.equal(numbers)
    expect(pool.take()).to.equal(41)
  })
})
