import { superfluous, type Thinned } from '@weir/store/snapshots/thinning.js'
import { expect } from 'chai'
import fc from 'fast-check'

const limits = { count: 32, bytes: 1000 }

/** Snapshots as they are left after each was written and thinned in turn. */
function kept(seqs: readonly number[], bytes: number, base = 0): readonly Thinned[] {
  let left: readonly Thinned[] = []
  for (const seq of seqs) {
    const all = [...left, { seq, bytes }]
    const gone = superfluous(all, base, limits)
    left = all.filter(each => !gone.includes(each))
  }
  return left
}

const gaps = (left: readonly Thinned[], base = 0): readonly number[] =>
  left.map(({ seq }, at) => seq - (left[at - 1]?.seq ?? base))

describe('snapshots', () => {
  it('keep the newest ones, and of the others those that leave no past state far from one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 400 }), fc.integer({ min: 0, max: 1000 }), (count, base) => {
        const seqs = Array.from({ length: count }, (_, at) => base + (at + 1) * 10)
        const left = kept(seqs, 1, base)
        expect(left.length).to.equal(limits.count)
        expect(left.slice(-3).map(({ seq }) => seq)).to.deep.equal(seqs.slice(-3))
        expect(Math.max(...gaps(left, base)) / ((count * 10) / limits.count)).to.be.below(3)
      }),
    )
  })

  it('take no more room than they may, and are three even so', () => {
    expect(kept([10, 20, 30, 40, 50, 60], 250).map(({ seq }) => seq)).to.have.length(4)
    expect(kept([10, 20, 30, 40, 50, 60], 900).map(({ seq }) => seq)).to.deep.equal([40, 50, 60])
  })
})
