import type { BookRule } from '../compare/rule-book.js'
import type { Direction, Tier } from '../policy/rule.js'
import { isIsolation } from '../verdict/evaluate.js'
import { DecidingOrder } from './deciding-order.js'
import { divide, type ExampleFlow, exampleFlow, type FlowRegion, matchesExample, regionsOf } from './flow-region.js'

/** Where more parts than this are left to look at, a rule is taken to be reached. */
const regionsMax = 2_000

const directions: readonly Direction[] = ['ingress', 'egress']

/**
 * The rules that decide no flow, now or whoever may come, and for each some rules that leave it nothing to decide, none
 * of which could be spared. Labels of pods, namespaces and nodes, addresses, members of address sets and numbers of
 * named ports are free to be anything; what is told here holds for all of them. Not told, though true, are rules that
 * are out of reach only because pods of one namespace share its labels, and those that take too long to find out about.
 */
export function unreachableRules(rules: readonly BookRule[]): Map<BookRule, readonly BookRule[]> {
  const found = new Map<BookRule, readonly BookRule[]>()
  for (const direction of directions) {
    const order = new DecidingOrder(rules.filter(({ rule }) => rule.direction === direction))
    for (const each of order.rules) {
      // An isolation that allowances leave nothing to deny is no mistake.
      if (each.rule.origin.seq === 0 || isIsolation(each.rule)) continue
      const before = order.before(each)
      const beaters = beatersOf(each, before)
      if (beaters !== undefined) found.set(each, needed(each, before, beaters))
    }
  }
  return found
}

/** Of earlier rules those that leave one nothing to decide; undefined when something is left, or nothing was there. */
function beatersOf(each: BookRule, before: readonly BookRule[]): readonly BookRule[] | undefined {
  let open: readonly FlowRegion[] = regionsOf(each)
  if (open.length === 0 || open.some(region => isReached(each, exampleFlow(region), before))) return undefined
  const beaters: BookRule[] = []
  let passed: FlowRegion[] = []
  let tier: Tier | undefined
  for (const other of before) {
    if (other.rule.tier !== tier) {
      open = [...open, ...passed]
      passed = []
      tier = other.rule.tier
    }
    if (open.length === 0) continue
    const { rest, taken, perhaps } = divide(open, other)
    open = rest
    // A pass goes on to the next tier; in the rule's own tier it takes a flow away like any other.
    if (other.rule.action === 'pass' && tier !== each.rule.tier) passed.push(...taken, ...perhaps)
    else if (taken.length > 0) beaters.push(other)
    if (open.length === 0 && passed.length === 0) return beaters
    if (open.length + passed.length > regionsMax) return undefined
  }
  return undefined
}

/** Whether a flow gets as far as a rule: for most rules one example tells, at a small part of the cost. */
function isReached(each: BookRule, flow: ExampleFlow, before: readonly BookRule[]): boolean {
  let passed: Tier | undefined
  for (const other of before) {
    if (other.rule.tier === passed || !matchesExample(flow, other)) continue
    if (other.rule.action !== 'pass' || other.rule.tier === each.rule.tier) return false
    passed = other.rule.tier
  }
  return true
}

/** More rules than this together are named as they are. */
const beatersMax = 32

/** Leaves out beaters that aren't needed to keep all flows from a rule. */
function needed(each: BookRule, before: readonly BookRule[], beaters: readonly BookRule[]): readonly BookRule[] {
  if (beaters.length > beatersMax) return beaters
  let kept = beaters
  for (const spared of beaters) {
    const fewer = kept.filter(other => other !== spared)
    const without = before.filter(other => other.rule.action === 'pass' || fewer.includes(other))
    if (fewer.length > 0 && beatersOf(each, without) !== undefined) kept = fewer
  }
  return kept
}
