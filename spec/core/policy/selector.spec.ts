import { expect } from 'chai'
import { canonicalSelector, matchesSelector, type LabelSelector } from '@weir/core'
import { selectorText } from '@weir/core/policy/match.js'
import { is } from '../log.js'

const exists = { key: 'app', operator: 'Exists', values: [] } as const
const absent = { key: 'app', operator: 'DoesNotExist', values: [] } as const
const isNot = { key: 'app', operator: 'NotIn', values: ['db', 'web'] } as const

describe('selectors', () => {
  it('are sorted by key, operator and values, without repeats', () => {
    const sorted = [absent, exists, is('app', 'a'), is('app', 'b'), isNot, is('tier', 'x')]
    const orders = [[...sorted].reverse(), [3, 0, 5, 2, 4, 1, 3, 0].map(index => sorted[index]!)]
    for (const order of orders) expect(canonicalSelector(order)).to.deep.equal(sorted)
  })
  it('have texts that name each requirement', () => {
    expect(selectorText([])).to.equal('everything')
    expect(selectorText([exists])).to.equal('app Exists')
    expect(selectorText([isNot, is('tier', 'x')])).to.equal('app NotIn (db web), tier In (x)')
  })
  it('have one text for one set of values', () => {
    expect(selectorText([is('app', 'web', 'db')])).to.equal(selectorText([is('app', 'db', 'web')]))
    expect(canonicalSelector([is('app', 'web', 'db'), is('app', 'db', 'web')])).to.have.length(1)
  })
  it('match by the value that a key has, or by its absence', () => {
    const matched = (selector: LabelSelector) =>
      ['web', 'db', 'x', undefined].filter(app =>
        matchesSelector(selector, new Map(app === undefined ? [] : [['app', app]])),
      )
    expect(matched([exists])).to.deep.equal(['web', 'db', 'x'])
    expect(matched([absent])).to.deep.equal([undefined])
    expect(matched([is('app', 'db', 'web')])).to.deep.equal(['web', 'db'])
    expect(matched([isNot])).to.deep.equal(['x', undefined])
    expect(matched([exists, isNot])).to.deep.equal(['x'])
    expect(matched([])).to.have.length(4)
  })
})
