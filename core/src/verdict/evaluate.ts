import type { Rule, Tier } from '../policy/rule.js'
import { difference, everything, intersection, nothing, union, type Intervals } from './intervals.js'

const tierRanks: Readonly<Record<Tier, number>> = { admin: 0, namespaced: 1, baseline: 2 }

/** A rule that matches a peer, on these ports: names resolved. */
export interface Match {
  readonly rule: Rule
  readonly ports: Intervals
}

/** The order in which rules decide. */
export const compareRules = (a: Rule, b: Rule): number => tierRanks[a.tier] - tierRanks[b.tier] || a.order - b.order

/**
 * The keys that a list of matches allows: per key the first match in order decides, a pass goes on to the next tier,
 * and what no rule decides is allowed.
 * @param matches sorted by `compareRules`
 */
export function allowedKeys(matches: readonly Match[]): Intervals {
  let allowed = nothing
  let undecided = everything
  let passed = nothing
  let tier: Tier | undefined
  for (const { rule, ports } of matches) {
    if (rule.tier !== tier) {
      undecided = union(undecided, passed)
      passed = nothing
      tier = rule.tier
    }
    const taken = intersection(undecided, ports)
    if (taken.length === 0) continue
    undecided = difference(undecided, ports)
    if (rule.action === 'allow') allowed = union(allowed, taken)
    else if (rule.action === 'pass') passed = union(passed, taken)
  }
  return union(allowed, union(undecided, passed))
}
