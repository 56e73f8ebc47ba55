import type { BookRule } from '../compare/rule-book.js'
import { entryOf } from '../multimap.js'
import type { LintCluster } from './cluster.js'
import { listed } from './cluster.js'
import type { Finding } from './finding.js'

/** Policies whose rules say the same as another's. */
export function* duplicatePolicies({ reading }: LintCluster): Iterable<Finding> {
  const policies = new Map<string, BookRule[]>()
  for (const each of reading.book.rules)
    if (each.rule.origin.seq > 0) entryOf(policies, each.rule.origin.policy, () => []).push(each)
  const byMeaning = new Map<string, string[]>()
  for (const [policy, rules] of policies) {
    const meaning = [...new Set(rules.map(({ text, rule }) => text.slice(0, text.lastIndexOf(rule.origin.policy))))]
    entryOf(byMeaning, meaning.sort().join('\u0000'), () => []).push(policy)
  }
  for (const equals of byMeaning.values()) {
    if (equals.length < 2) continue
    const [kept, ...others] = equals.sort()
    for (const policy of others) {
      const { seq } = policies.get(policy)![0]!.rule.origin
      const message = `it says the same as ${listed([kept!, ...others.filter(other => other !== policy)])}`
      const suggestion = 'one of them is enough'
      yield { kind: 'duplicate-policy', severity: 'warning', policy, path: '', seq, message, suggestion }
    }
  }
}
