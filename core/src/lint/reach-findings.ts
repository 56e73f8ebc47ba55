import type { BookRule } from '../compare/rule-book.js'
import type { LintCluster } from './cluster.js'
import { listed } from './cluster.js'
import type { Finding } from './finding.js'
import { type Reach, reachOf } from './reach.js'

/** Rules that decide no flow because others are asked first, and L7 rules that plain ones make moot. */
export function* reachFindings(cluster: LintCluster): Iterable<Finding> {
  const { rules } = cluster.reading.book
  for (const [each, reach] of reachOf(rules, cluster.classes)) {
    const { origin, order, tier } = each.rule
    // An isolation that allowances leave nothing to deny is no mistake.
    if (origin.seq === 0 || (tier === 'namespaced' && order === 3)) continue
    const finding = findingOf(each, reach)
    if (finding !== undefined) yield { ...finding, policy: origin.policy, path: origin.path, seq: origin.seq }
  }
}

type Part = Pick<Finding, 'kind' | 'severity' | 'message' | 'suggestion'>

function findingOf(each: BookRule, { decides, matches, beatenBy, widenedBy }: Reach): Part | undefined {
  const beaters = [...beatenBy].filter(beater => beater !== each)
  const asksProxy = each.rule.l7 !== undefined
  const wider = asksProxy ? [...widenedBy, ...beaters.filter(({ rule }) => isPlain(rule))] : []
  if (wider.length > 0)
    return {
      kind: 'l7-widened',
      severity: 'warning',
      message: `its L7 rules ask nothing of some traffic, which ${names(wider)} allows whatever is in it`,
      suggestion: 'narrow the other rule to other peers or ports, or give it L7 rules too',
    }
  if (decides || !matches) return undefined
  const denies = beaters.filter(({ rule }) => rule.action === 'deny')
  if (each.rule.action !== 'deny' && denies.length > 0 && denies.length === beaters.length)
    return {
      kind: 'shadowed-by-deny',
      severity: 'warning',
      message: `it allows nothing: ${names(denies)} denies all that it matches`,
      suggestion: 'narrow the denial, or take this rule away',
    }
  if (beaters.length === 0) return undefined
  return {
    kind: 'unreachable-rule',
    severity: 'warning',
    message: `no flow reaches it: ${names(beaters)} decides all that it matches`,
    suggestion: 'take it away, or put it before the other by tier or priority',
  }
}

const isPlain = ({ action, l7 }: BookRule['rule']): boolean => action === 'allow' && l7 === undefined

const names = (rules: readonly BookRule[]): string =>
  listed([...new Set(rules.map(({ rule }) => `${rule.origin.policy} ${rule.origin.path}`))].sort())
