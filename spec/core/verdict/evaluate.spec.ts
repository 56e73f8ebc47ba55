import { expect } from 'chai'
import fc from 'fast-check'
import type { Rule } from '@weir/core'
import { allowedKeys, compareRules, type Match } from '@weir/core/verdict/evaluate.js'
import {
  contains,
  difference,
  everything,
  intersection,
  stepsOf,
  union,
  type Intervals,
} from '@weir/core/verdict/intervals.js'
import { stepAt } from '@weir/core/verdict/rows.js'

const top = 0xffffffff
const key = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: top - 3, max: top }))
const intervals: fc.Arbitrary<Intervals> = fc
  .array(fc.tuple(key, key), { maxLength: 4 })
  .map(pairs => pairs.reduce<Intervals>((sum, [a, b]) => union(sum, [Math.min(a, b), Math.max(a, b)]), []))

describe('intervals', () => {
  it('are sets of keys', () => {
    fc.assert(
      fc.property(intervals, intervals, key, (a, b, k) => {
        const [inA, inB] = [contains(a, k), contains(b, k)]
        expect(contains(union(a, b), k)).to.equal(inA || inB)
        expect(contains(intersection(a, b), k)).to.equal(inA && inB)
        expect(contains(difference(a, b), k)).to.equal(inA && !inB)
        expect(stepAt(stepsOf(a), k).verdict).to.equal(inA ? 1 : 0)
      }),
      { numRuns: 500 },
    )
  })
  it('become rows that start at 0, rise, and change the verdict with each step', () => {
    fc.assert(
      fc.property(intervals, a => {
        const steps = stepsOf(a)
        expect(steps[0]!.key).to.equal(0)
        for (let i = 1; i < steps.length; i++) {
          expect(steps[i]!.key).to.be.greaterThan(steps[i - 1]!.key)
          expect(steps[i]!.verdict).not.to.equal(steps[i - 1]!.verdict)
        }
      }),
    )
  })
})

const rule = fc.record({
  tier: fc.constantFrom('admin', 'namespaced', 'baseline') as fc.Arbitrary<Rule['tier']>,
  order: fc.integer({ min: 0, max: 3 }),
  action: fc.constantFrom('allow', 'deny', 'pass') as fc.Arbitrary<Rule['action']>,
})
const match: fc.Arbitrary<Match> = fc.tuple(rule, intervals).map(([fields, ports]) => ({
  rule: {
    ...fields,
    subject: [],
    direction: 'ingress',
    peers: 'any',
    ports: 'any',
    origin: { policy: '', path: '', seq: 1 },
  },
  ports,
}))

/** Key by key, as the tiers are described. */
function allows(matches: readonly Match[], k: number): boolean {
  for (const tier of ['admin', 'namespaced', 'baseline']) {
    const first = matches.find(({ rule, ports }) => rule.tier === tier && contains(ports, k))
    if (first?.rule.action === 'allow') return true
    if (first?.rule.action === 'deny') return false
  }
  return true
}

describe('evaluation', () => {
  it('lets the first match of a tier decide, a pass go on to the next tier, and the rest through', () => {
    fc.assert(
      fc.property(fc.array(match, { maxLength: 6 }), key, (matches, k) => {
        const sorted = [...matches].sort((a, b) => compareRules(a.rule, b.rule))
        expect(contains(allowedKeys(sorted), k)).to.equal(allows(sorted, k))
      }),
      { numRuns: 500 },
    )
  })
  it('allows everything where no rule matches', () => expect(allowedKeys([])).to.deep.equal(everything))
})
