import type { Engine } from '../engine.js'
import type { Explanation, SideExplanation, SupposedFlow } from '../explain/explain.js'
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
    if (before !== undefined && causeText(before.explanation) === causeText(explanation))
      judged[judged.length - 1] = { ...before, lastPort: end }
    else judged.push({ firstPort: start, lastPort: end, explanation })
  })
  return judged
}

/** Whether the same of the ports are allowed. */
export function isAllowedAlike(a: Judgement, b: Judgement): boolean {
  return allowances(a) === allowances(b)
}

/** Whether the same rules decide, too; a rule is the same in each version of its policy that has it at one place. */
export function isCausedAlike(a: Judgement, b: Judgement): boolean {
  const text = (judgement: Judgement): string =>
    judgement.map(part => `${part.firstPort} ${causeText(part.explanation)}`).join('\n')
  return text(a) === text(b)
}

function allowances(judgement: Judgement): string {
  const edges: string[] = []
  let before: boolean | undefined
  for (const { firstPort, explanation } of judgement) {
    const allowed = explanation.verdict === verdicts.allow
    if (allowed !== before) edges.push(`${firstPort} ${allowed}`)
    before = allowed
  }
  return edges.join(', ')
}

/** Who decides a flow, and how, whichever events brought it. */
export function causeText(explanation: Explanation): string {
  const known = causeTexts.get(explanation)
  if (known !== undefined) return known
  const { verdict, egress, ingress } = explanation
  const text = JSON.stringify([verdict, sideText(egress), sideText(ingress)])
  causeTexts.set(explanation, text)
  return text
}

/** A judgement is held to the one before it and to the one after it. */
const causeTexts = new WeakMap<Explanation, string>()

function sideText({ verdict, reason, decidedBy, isolatedBy }: SideExplanation): unknown {
  const by =
    decidedBy === undefined ? [] : [decidedBy.action, decidedBy.tier, decidedBy.origin.policy, decidedBy.origin.path]
  return [verdict, reason, by, reason === 'default-deny' ? isolatedBy.map(({ policy, path }) => [policy, path]) : []]
}
