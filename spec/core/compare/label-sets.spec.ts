import { LabelSpace, type Question } from '@weir/core/compare/label-sets.js'
import { expect } from 'chai'

const count = 500

describe('compare: sets of labels', () => {
  it('asks about a value those that name it, however many there are', () => {
    let asked = 0
    const questions = Array.from({ length: count }, (_, id): Question => {
      const rest = [{ key: 'a', operator: 'In', values: [`v${id}`] }] as const
      return {
        id,
        get rest() {
          asked += 1
          return rest
        },
      }
    })
    const sets = new LabelSpace(undefined, count * 2).sets(questions, new Map())
    expect(sets).to.have.lengthOf(count + 1)
    expect(sets.filter(({ holds }) => holds.length === 1)).to.have.lengthOf(count)
    expect(asked).to.be.within(count, 20 * count)
  })
})
