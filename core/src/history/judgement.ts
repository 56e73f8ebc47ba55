import type { Engine } from '../engine.js'
import type { Explanation, MatchedRule, SideExplanation, SupposedFlow } from '../explain/explain.js'
import type { Origin } from '../policy/rule.js'
import { verdicts } from '../tables/tables.js'

/** A flow that is followed from event to event: to one port, or to a range of ports. */
export interface FollowedFlow extends SupposedFlow {
  /** Of a range `port` is the first of it. */
  readonly lastPort?: number
  /** First ports of the parts of the range that rules may tell apart now, rising, `port` the first of them. */
  parts?(): readonly number[]
}

/** Neighbouring ports that are judged alike and by the same rules. */
export interface JudgedPorts {
  readonly firstPort: number
  readonly lastPort: number
  readonly explanation: Explanation
}

/** By rising port, without a gap. */
export type Judgement = readonly JudgedPorts[]

/** What the engine's present state makes of a flow. */
export function judge(engine: Engine, flow: FollowedFlow): Judgement {
  const { from, to, protocol, port, lastPort = port } = flow
  const starts = flow.parts?.() ?? [port]
  const judged: JudgedPorts[] = []
  starts.forEach((start, at) => {
    const end = (starts[at + 1] ?? lastPort + 1) - 1
    const explanation = engine.explain({ from, to, protocol, port: start })
    const before = judged.at(-1)
    if (before !== undefined && isSameCause(before.explanation, explanation))
      judged[judged.length - 1] = { ...before, lastPort: end }
    else judged.push({ firstPort: start, lastPort: end, explanation })
  })
  return judged
}

/** Whether the same of the ports are allowed. */
export function isAllowedAlike(a: Judgement, b: Judgement): boolean {
  if (a.length === 1 && b.length === 1) return isAllowed(a[0]!) === isAllowed(b[0]!)
  return allowances(a) === allowances(b)
}

/** Whether the same rules decide, too; a rule is the same in each version of its policy that has it at one place. */
export function isCausedAlike(a: Judgement, b: Judgement): boolean {
  return (
    a.length === b.length &&
    a.every((part, at) => part.firstPort === b[at]!.firstPort && isSameCause(part.explanation, b[at]!.explanation))
  )
}

const isAllowed = ({ explanation }: JudgedPorts): boolean => explanation.verdict === verdicts.allow

function allowances(judgement: Judgement): string {
  const edges: string[] = []
  let before: boolean | undefined
  for (const part of judgement) {
    const allowed = isAllowed(part)
    if (allowed !== before) edges.push(`${part.firstPort} ${allowed}`)
    before = allowed
  }
  return edges.join(', ')
}

/** Whether the same rules decide a flow, and alike, whichever events brought them. */
export const isSameCause = (a: Explanation, b: Explanation): boolean =>
  a.verdict === b.verdict && isSameSide(a.egress, b.egress) && isSameSide(a.ingress, b.ingress)

/** Flows of one class share what is said of an end: most that are held to each other are one object. */
function isSameSide(a: SideExplanation, b: SideExplanation): boolean {
  if (a === b) return true
  if (a.verdict !== b.verdict || a.reason !== b.reason || !isSameRule(a.decidedBy, b.decidedBy)) return false
  return (
    a.reason !== 'default-deny' ||
    a.isolatedBy === b.isolatedBy ||
    (a.isolatedBy.length === b.isolatedBy.length &&
      a.isolatedBy.every((origin, at) => isSameOrigin(origin, b.isolatedBy[at]!)))
  )
}

function isSameRule(a: MatchedRule | undefined, b: MatchedRule | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.action === b.action && a.tier === b.tier && isSameOrigin(a.origin, b.origin)
}

const isSameOrigin = (a: Origin, b: Origin): boolean => a.policy === b.policy && a.path === b.path
