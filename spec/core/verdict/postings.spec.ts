import { expect } from 'chai'
import fc from 'fast-check'
import { matchesSelector, type Requirement } from '@weir/core'
import { Postings } from '@weir/core/verdict/postings.js'
import { labels, selector } from './labels-at-random.js'

const rising = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)

describe('Postings', () => {
  it('select whom a selector matches, as holders of labels come and go, few or many', () => {
    const step = fc.record({ add: fc.array(labels, { maxLength: 40 }), drop: fc.array(fc.nat(), { maxLength: 20 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), fc.array(selector, { maxLength: 6 }), (steps, selectors) => {
        const postings = new Postings()
        const model = new Map<number, ReadonlyMap<string, string>>()
        let next = 1
        for (const { add, drop } of steps) {
          for (const each of add) {
            postings.add(next, each)
            model.set(next++, each)
          }
          for (const each of drop) {
            const known = model.get(each % next)
            if (known === undefined) continue
            postings.remove(each % next, known)
            model.delete(each % next)
          }
          for (const each of selectors) {
            const expected = [...model].filter(([, holder]) => matchesSelector(each, holder)).map(([number]) => number)
            expect(rising(postings.select(each))).to.deep.equal(expected)
          }
        }
      }),
    )
  })

  it('select among many the few whom one requirement leaves', () => {
    const postings = new Postings()
    const all = Array.from({ length: 400 }, (_, at): [number, ReadonlyMap<string, string>] => {
      const rare = at % 67 === 0 ? [['rare', at % 2 === 0 ? 'even' : 'odd'] as const] : []
      return [at + 1, new Map([['app', `${at % 3}`], ...(at % 5 === 0 ? [['team', 'x'] as const] : []), ...rare])]
    })
    for (const [number, holder] of all) postings.add(number, holder)
    const requirement = (operator: Requirement['operator'], key: string, ...values: string[]): Requirement => ({
      key,
      operator,
      values,
    })
    for (const rare of [
      requirement('Exists', 'rare'),
      requirement('In', 'rare', 'even', 'odd', 'none'),
      requirement('In', 'rare', 'odd'),
    ]) {
      for (const others of [
        [],
        [requirement('In', 'app', '0', '1')],
        [requirement('NotIn', 'app', '0', '1')],
        [requirement('Exists', 'team')],
        [requirement('DoesNotExist', 'team'), requirement('In', 'app', '0')],
        [requirement('In', 'nobody', 'has')],
        [requirement('NotIn', 'nobody', 'has')],
      ]) {
        for (const selector of [
          [rare, ...others],
          [...others, rare],
        ]) {
          const expected = all.filter(([, holder]) => matchesSelector(selector, holder)).map(([number]) => number)
          expect(rising(postings.select(selector))).to.deep.equal(expected)
        }
      }
    }
  })

  it('count who could meet a requirement', () => {
    const postings = new Postings()
    postings.add(1, new Map([['app', 'web']]))
    postings.add(2, new Map([['app', 'db']]))
    postings.add(3, new Map([['team', 'x']]))
    const count = (operator: 'In' | 'Exists', key: string, ...values: string[]): number =>
      postings.countOf({ key, operator, values })
    expect(count('Exists', 'app')).to.equal(2)
    expect(count('In', 'app', 'web')).to.equal(1)
    expect(count('In', 'app', 'web', 'db', 'else')).to.equal(2)
    expect(count('In', 'zone', 'a')).to.equal(0)
    postings.remove(1, new Map([['app', 'web']]))
    expect(count('Exists', 'app')).to.equal(1)
    expect(count('In', 'app', 'web')).to.equal(0)
  })

  it('hand out a set of their own', () => {
    const postings = new Postings()
    for (let number = 1; number < 100; number += 1) postings.add(number, new Map([['app', 'web']]))
    const found = postings.select([{ key: 'app', operator: 'Exists', values: [] }])
    found.delete(7)
    expect(postings.select([]).has(7)).to.equal(true)
    expect(postings.select([{ key: 'app', operator: 'In', values: ['web'] }]).has(7)).to.equal(true)
  })
})
