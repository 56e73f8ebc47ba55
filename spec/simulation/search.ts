import { cutPlan, cutText } from './cut.js'
import { type Plan, planOf } from './plan.js'
import { shrink } from './shrink.js'
import { type Outcome, simulate } from './simulation.js'

/** A seed that breaks a law, and the least of its plan that does. */
export interface Finding {
  readonly seed: number
  readonly law: string
  readonly message: string
  /** Shows it again. */
  readonly command: string
  /** What happens then. */
  readonly trace: readonly string[]
}

/** What a search came to. */
export interface Search {
  readonly finding: Finding | undefined
  readonly seeds: number
  readonly events: number
  readonly lives: number
  readonly writes: number
  readonly checks: number
  readonly virtualMs: number
}

/**
 * Runs seeds one after the other until one breaks a law.
 * @param goesOn asked before each, with the number of seeds so far
 */
export async function search(from: number, goesOn: (seeds: number) => boolean): Promise<Search> {
  const sums = { seeds: 0, events: 0, lives: 0, writes: 0, checks: 0, virtualMs: 0 }
  for (let seed = from; goesOn(sums.seeds); seed += 1) {
    const plan = planOf(seed)
    const outcome = await simulate(plan)
    sums.seeds += 1
    for (const each of ['events', 'lives', 'writes', 'checks', 'virtualMs'] as const) sums[each] += outcome[each]
    if (outcome.violation !== undefined) return { ...sums, finding: await explain(plan, outcome.violation.law) }
  }
  return { ...sums, finding: undefined }
}

async function explain(plan: Plan, law: string): Promise<Finding> {
  const cut = await shrink(plan, async smaller => (await simulate(smaller)).violation?.law === law)
  const { violation, trace } = (await simulate(cutPlan(plan, cut), true)) as Required<Outcome>
  const command = `node spec/dist/simulation/main.js --seed ${plan.seed} --keep ${cutText(cut)}`
  return { seed: plan.seed, law, message: violation?.message ?? 'it is gone when run again', command, trace }
}

/** For whoever has to mend it. */
export const findingText = ({ seed, law, message, command, trace }: Finding): string =>
  [
    `seed ${seed} breaks "${law}": ${message}`,
    `  again: ${command}`,
    ...trace.slice(-30).map(line => `    ${line}`),
  ].join('\n')
