import { RuleBook } from '@weir/core/compare/rule-book.js'
import { DecidingOrder } from '@weir/core/lint/deciding-order.js'
import { matchesSelector } from '@weir/core/policy/match.js'
import type { Rule, Tier } from '@weir/core/policy/rule.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'
import { compareRules } from '@weir/core/verdict/evaluate.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../../oracle/generate/seed.js'

const place = 'io.kubernetes.pod.namespace'
const namespaces = ['a', 'b'] as const
const values = ['x', 'y', 'z'] as const

const inSome = (key: string, among: readonly string[]): fc.Arbitrary<Requirement> =>
  fc.subarray([...among], { minLength: 1 }).map(some => ({ key, operator: 'In', values: some }))
const notIn = (key: string, value: string): Requirement => ({ key, operator: 'NotIn', values: [value] })

const subjects: fc.Arbitrary<LabelSelector> = fc
  .tuple(
    fc.option(inSome(place, namespaces), { nil: undefined }),
    fc.option(
      fc.oneof(
        inSome('app', values),
        fc.constantFrom(...values).map(value => notIn('app', value)),
      ),
      {
        nil: undefined,
      },
    ),
  )
  .map(requirements => requirements.filter(each => each !== undefined))

const ruleOf = (subject: LabelSelector, tier: Tier, order: number, name = 'p'): Rule => ({
  tier,
  order,
  subject,
  direction: 'ingress',
  action: 'allow',
  peers: 'any',
  ports: 'any',
  origin: { policy: `NetworkPolicy ${name}`, path: 'spec.ingress[0]', seq: 1 },
})

const rules: fc.Arbitrary<Rule> = fc
  .tuple(
    subjects,
    fc.constantFrom<Tier>('admin', 'namespaced', 'baseline'),
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom('p', 'q'),
  )
  .map(made => ruleOf(...made))

const everybody = namespaces.flatMap(namespace =>
  ['', ...values].map(app => new Map([[place, namespace], ...(app === '' ? [] : [['app', app] as const])])),
)

describe('the deciding order', () => {
  it('has before a rule all that are asked first of a pod that both select', () => {
    fc.assert(
      fc.property(fc.array(rules, { maxLength: 12 }), given => {
        const book = new RuleBook(given)
        const order = new DecidingOrder(book.rules)
        for (const each of book.rules) {
          const before = order.before(each)
          for (const [at, { rule }] of before.entries()) {
            expect(compareRules(rule, each.rule)).to.be.lessThan(0)
            if (at > 0) expect(compareRules(before[at - 1]!.rule, rule)).to.be.at.most(0)
          }
          expect(new Set(before).size).to.equal(before.length)
          const asked = book.rules.filter(
            ({ rule }) =>
              compareRules(rule, each.rule) < 0 &&
              everybody.some(
                labels => matchesSelector(rule.subject, labels) && matchesSelector(each.rule.subject, labels),
              ),
          )
          expect(before).to.include.members(asked)
        }
      }),
      sampling('deciding orders', 300),
    )
  })

  it('leaves out rules of other namespaces and of other applications, however many there are', () => {
    const subject = (namespace: number, app: number): LabelSelector => [
      { key: place, operator: 'In', values: [`team-${namespace}`] },
      { key: 'app', operator: 'In', values: [`app-${app}`] },
    ]
    const everywhere = ruleOf([], 'admin', 0)
    const many = Array.from({ length: 50 }, (_, n) =>
      Array.from({ length: 20 }, (_unused, app) => [0, 1].map(order => ruleOf(subject(n, app), 'namespaced', order))),
    ).flat(2)
    const book = new RuleBook([everywhere, ...many])
    const order = new DecidingOrder(book.rules)
    for (const each of book.rules) {
      const before = order.before(each).map(({ rule }) => rule)
      expect(before).to.have.lengthOf(each.rule === everywhere ? 0 : 1 + each.rule.order)
    }
  })
})
