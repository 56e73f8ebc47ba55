import { namespacedOrders, ordersPerPriority, type Rule, type Tier } from '../policy/rule.js'
import { difference, everything, intersection, nothing, union, type Intervals } from './intervals.js'
import type { Judgement } from './judgement.js'

const tierRanks: Readonly<Record<Tier, number>> = { admin: 0, namespaced: 1, baseline: 2 }

/** A rule that matches a peer, on these ports: names resolved. */
export interface Match {
  readonly rule: Rule
  readonly ports: Intervals
}

/**
 * The order in which rules decide. Of allowances with one order those that ask nothing of a proxy come first. Around
 * the namespaced tier all rules of a policy come before those of the next: by priority, then by the policy's name.
 */
export const compareRules = (a: Rule, b: Rule): number =>
  tierRanks[a.tier] - tierRanks[b.tier] ||
  (a.tier === 'namespaced' ? a.order - b.order || asksProxy(a) - asksProxy(b) : compareInTier(a, b))

const asksProxy = ({ l7 }: Rule): number => (l7 === undefined ? 0 : 1)

function compareInTier(a: Rule, b: Rule): number {
  const priorities = Math.floor(a.order / ordersPerPriority) - Math.floor(b.order / ordersPerPriority)
  if (priorities !== 0) return priorities
  return compareText(nameOf(a), nameOf(b)) || compareText(a.origin.policy, b.origin.policy) || a.order - b.order
}

/** An origin writes the kind, a space and the name. */
const nameOf = ({ origin: { policy } }: Rule): string => policy.slice(policy.indexOf(' ') + 1)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * What a list of matches says of every key: per key the first match in order decides, a pass goes on to the next tier,
 * and what no rule decides is allowed.
 * @param matches sorted by `compareRules`
 */
export function judge(matches: readonly Match[]): Judgement {
  let allowed = nothing
  let denylisted = nothing
  let proxied = nothing
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
    if (rule.action === 'pass') passed = union(passed, taken)
    else if (rule.action === 'allow') {
      if (rule.l7 === undefined) allowed = union(allowed, taken)
      else proxied = union(proxied, taken)
    } else if (!isIsolation(rule)) denylisted = union(denylisted, taken)
  }
  return { allowed: union(allowed, union(undecided, passed)), denylisted, proxied }
}

/** Whether a rule is what policies deny by default: it makes the subject isolated, and denies what nothing allows. */
export const isIsolation = ({ tier, order }: Rule): boolean =>
  tier === 'namespaced' && order === namespacedOrders.isolation
