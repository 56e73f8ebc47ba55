import { LabelSpace, type Question } from '@weir/core/compare/label-sets.js'
import { expect } from 'chai'

const count = 8000

describe('compare: sets of labels', () => {
  // To ask every question about every value takes a hundred times as long.
  it('asks about a value those that name it, however many there are', () => {
    const questions = Array.from(
      { length: count },
      (_, id): Question => ({ id, rest: [{ key: 'a', operator: 'In', values: [`v${id}`] }] }),
    )
    const sets = new LabelSpace(undefined, count * 2).sets(questions, new Map())
    expect(sets).to.have.lengthOf(count + 1)
    expect(sets.filter(({ holds }) => holds.length === 1)).to.have.lengthOf(count)
  }).timeout(4000)
})
