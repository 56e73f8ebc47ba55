import type { BookRule } from '../compare/rule-book.js'
import type { LintCluster } from './cluster.js'
import type { Finding } from './finding.js'
import { unreachableRules } from './reach.js'
import { agreeing, listed } from './wording.js'

/** Rules that decide no flow because others are asked first. */
export function* reachFindings({ reading }: LintCluster): Iterable<Finding> {
  for (const [{ rule }, beaters] of unreachableRules(reading.book.rules)) {
    const { policy, path, seq } = rule.origin
    const names = [...new Set(beaters.map(other => nameOf(other)))].sort()
    if (rule.action === 'allow' && beaters.every(other => other.rule.action === 'deny'))
      yield {
        kind: 'shadowed-by-deny',
        severity: 'warning',
        policy,
        path,
        seq,
        message: `it allows nothing: ${listed(names)} ${agreeing(names, 'denies', 'deny')} all that it matches`,
        suggestion: 'narrow the denial, or take this rule away',
      }
    // Beside a policy's plain allowance L7 rules are moot: that is told where they are looked at.
    else if (rule.l7 === undefined || beaters.some(other => other.rule.action !== 'allow' || isBuiltin(other)))
      yield {
        kind: 'unreachable-rule',
        severity: 'warning',
        policy,
        path,
        seq,
        message: `no flow reaches it: ${listed(names)} ${agreeing(names, 'decides', 'decide')} all that it matches`,
        suggestion:
          rule.tier === 'namespaced'
            ? 'take it away, or narrow the other'
            : 'take it away, or put it before the other by priority or place',
      }
  }
}

const isBuiltin = ({ rule: { origin } }: BookRule): boolean => origin.seq === 0

const nameOf = (each: BookRule): string => {
  const { origin } = each.rule
  return isBuiltin(each) ? origin.policy : `${origin.policy} ${origin.path}`
}
