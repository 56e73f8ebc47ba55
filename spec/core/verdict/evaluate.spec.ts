import { expect } from 'chai'
import fc from 'fast-check'
import { verdicts, type Rule } from '@weir/core'
import { compareRules, judge, type Match } from '@weir/core/verdict/evaluate.js'
import {
  contains,
  difference,
  everything,
  intersection,
  portSetIntervals,
  union,
  type Intervals,
} from '@weir/core/verdict/intervals.js'
import { allowing, judgementText, stepsOf, type Judgement } from '@weir/core/verdict/judgement.js'
import { stepAt } from '@weir/core/verdict/rows.js'

const top = 0xffffffff
const key = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: top - 3, max: top }))
const intervals: fc.Arbitrary<Intervals> = fc
  .array(fc.tuple(key, key), { maxLength: 4 })
  .map(pairs => pairs.reduce<Intervals>((sum, [a, b]) => union(sum, [Math.min(a, b), Math.max(a, b)]), []))

/** Three sets without a key in common. */
const judgement: fc.Arbitrary<Judgement> = fc.tuple(intervals, intervals, intervals).map(([a, b, c]) => ({
  allowed: a,
  denylisted: difference(b, a),
  proxied: difference(difference(c, b), a),
}))

describe('intervals', () => {
  it('are sets of keys', () => {
    fc.assert(
      fc.property(intervals, intervals, key, (a, b, k) => {
        const [inA, inB] = [contains(a, k), contains(b, k)]
        expect(contains(union(a, b), k)).to.equal(inA || inB)
        expect(contains(intersection(a, b), k)).to.equal(inA && inB)
        expect(contains(difference(a, b), k)).to.equal(inA && !inB)
        expect(stepAt(stepsOf(allowing(a)), k).verdict).to.equal(inA ? 1 : 0)
      }),
      { numRuns: 500 },
    )
  })
  it('have one form: rising, each apart from the next', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        for (const result of [union(a, b), intersection(a, b), difference(a, b)]) {
          expect(result.length % 2).to.equal(0)
          for (let i = 0; i < result.length; i += 2) {
            expect(result[i]!).to.be.at.most(result[i + 1]!)
            if (i > 0) expect(result[i]!).to.be.greaterThan(result[i - 1]! + 1)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
  it('of ports are their protocol and number, whatever order the ranges stand in', () => {
    const range = (protocol: number, first: number, last: number) => ({ protocol, first, last })
    const ranges = [range(17, 53, 53), range(6, 81, 90), range(6, 80, 80), range(6, 85, 87), range(0, 0, 65535)]
    expect(portSetIntervals({ ranges, named: [] })).to.deep.equal([
      ...[0, 65535],
      ...[6 * 65536 + 80, 6 * 65536 + 90],
      ...[17 * 65536 + 53, 17 * 65536 + 53],
    ])
    expect(portSetIntervals({ ranges: [range(255, 0, 65535)], named: [] })).to.deep.equal([255 * 65536, 0xffffff])
    expect(portSetIntervals({ ranges: [], named: [{ name: 'http', protocol: 6 }] })).to.deep.equal([])
    expect(portSetIntervals('any')).to.deep.equal(everything)
  })
  it('become rows that start at 0, rise, and change the verdict with each step', () => {
    fc.assert(
      fc.property(judgement, a => {
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

describe('judgements', () => {
  it('say for each key what their row says', () => {
    fc.assert(
      fc.property(judgement, key, (a, k) => {
        const said = contains(a.allowed, k) ? 1 : contains(a.denylisted, k) ? 2 : contains(a.proxied, k) ? 3 : 0
        expect(stepAt(stepsOf(a), k).verdict).to.equal(said)
      }),
      { numRuns: 500 },
    )
  })
  it('are equal in text only when they say the same', () => {
    fc.assert(
      fc.property(judgement, judgement, (a, b) => {
        expect(judgementText(a) === judgementText(b)).to.equal(
          JSON.stringify(stepsOf(a)) === JSON.stringify(stepsOf(b)),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('texts of judgements', () => {
  it('stay as snapshots have them', () => {
    expect(judgementText(allowing([1, 2, 4, 5]))).to.equal('1,2,4,5')
    expect(judgementText({ allowed: [1, 2], denylisted: [4, 5], proxied: [] })).to.equal('1,2;4,5;')
    expect(judgementText({ allowed: [1, 2], denylisted: [], proxied: [4, 5] })).to.equal('1,2;;4,5')
  })
})

const rule = fc.record({
  tier: fc.constantFrom('admin', 'namespaced', 'baseline') as fc.Arbitrary<Rule['tier']>,
  order: fc.integer({ min: 0, max: 3 }),
  action: fc.constantFrom('allow', 'deny', 'pass') as fc.Arbitrary<Rule['action']>,
  proxied: fc.boolean(),
})
const match: fc.Arbitrary<Match> = fc.tuple(rule, intervals).map(([{ proxied, ...fields }, ports]) => ({
  rule: {
    ...fields,
    ...(proxied && fields.action === 'allow' ? { l7: {} } : {}),
    subject: [],
    direction: 'ingress',
    peers: 'any',
    ports: 'any',
    origin: { policy: '', path: '', seq: 1 },
  },
  ports,
}))

const made = (action: Rule['action'], order: number, tier: Rule['tier'] = 'namespaced', policy = ''): Rule => ({
  tier,
  order,
  action,
  subject: [],
  direction: 'ingress',
  peers: 'any',
  ports: 'any',
  origin: { policy, path: '', seq: 1 },
})

/** Key by key, as the tiers are described. */
function verdictOf(matches: readonly Match[], k: number): keyof typeof verdicts {
  for (const tier of ['admin', 'namespaced', 'baseline']) {
    const first = matches.find(({ rule, ports }) => rule.tier === tier && contains(ports, k))?.rule
    if (first?.action === 'allow') return first.l7 === undefined ? 'allow' : 'proxy'
    if (first?.action === 'deny') return tier === 'namespaced' && first.order === 3 ? 'deny' : 'denylisted'
  }
  return 'allow'
}

describe('evaluation', () => {
  it('lets the first match of a tier decide, a pass go on to the next tier, and the rest through', () => {
    fc.assert(
      fc.property(fc.array(match, { maxLength: 6 }), key, (matches, k) => {
        const sorted = [...matches].sort((a, b) => compareRules(a.rule, b.rule))
        expect(stepAt(stepsOf(judge(sorted)), k).verdict).to.equal(verdicts[verdictOf(sorted, k)])
      }),
      { numRuns: 500 },
    )
  })
  it('lets a plain allowance of the same order decide before one that needs a proxy', () => {
    const plain = made('allow', 2)
    const proxied: Rule = { ...plain, l7: {} }
    const sorted = [proxied, plain].sort(compareRules).map(rule => ({ rule, ports: everything }))
    expect(judge(sorted)).to.deep.equal(allowing(everything))
  })
  it('takes all rules of a policy before those of the next with the same priority, by name, then kind', () => {
    const rules = [
      made('allow', 500_001, 'admin', 'AdminNetworkPolicy b'),
      made('deny', 500_000, 'admin', 'ClusterNetworkPolicy c'),
      made('deny', 400_007, 'admin', 'ClusterNetworkPolicy z'),
      made('allow', 500_002, 'admin', 'ClusterNetworkPolicy a'),
      made('allow', 500_000, 'admin', 'ClusterNetworkPolicy b'),
      made('allow', 500_000, 'admin', 'AdminNetworkPolicy b'),
    ]
    const sorted = rules.sort(compareRules).map(({ order, origin }) => `${origin.policy} ${order}`)
    expect(sorted).to.deep.equal([
      'ClusterNetworkPolicy z 400007',
      'ClusterNetworkPolicy a 500002',
      'AdminNetworkPolicy b 500000',
      'AdminNetworkPolicy b 500001',
      'ClusterNetworkPolicy b 500000',
      'ClusterNetworkPolicy c 500000',
    ])
  })
  it('takes policies by name, whatever their kinds', () => {
    const rules = ['KindX b', 'KindA c', 'KindY a'].map(policy => made('deny', 0, 'baseline', policy))
    expect(rules.sort(compareRules).map(({ origin }) => origin.policy)).to.deep.equal(['KindY a', 'KindX b', 'KindA c'])
  })
  it('allows everything where no rule matches', () => expect(judge([])).to.deep.equal(allowing(everything)))
})
