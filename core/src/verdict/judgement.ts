import { verdicts, type Step, type Verdict } from '../tables/tables.js'
import { nothing, type Intervals } from './intervals.js'

/** A verdict for every packet key: three sets without a key in common, and `deny` for the rest. */
export interface Judgement {
  readonly allowed: Intervals
  readonly denylisted: Intervals
  readonly proxied: Intervals
}

/** Allows these keys and denies the rest. */
export const allowing = (allowed: Intervals): Judgement => ({ allowed, denylisted: nothing, proxied: nothing })

/** Equal judgements have equal texts. Snapshots know rows by them. */
export const judgementText = ({ allowed, denylisted, proxied }: Judgement): string =>
  denylisted.length === 0 && proxied.length === 0
    ? allowed.join()
    : `${allowed.join()};${denylisted.join()};${proxied.join()}`

/** The steps of a row that says so. */
export function stepsOf({ allowed, denylisted, proxied }: Judgement): Step[] {
  const starts: (readonly [first: number, last: number, verdict: Verdict])[] = []
  const note = (intervals: Intervals, verdict: Verdict): void => {
    for (let i = 0; i < intervals.length; i += 2) starts.push([intervals[i]!, intervals[i + 1]!, verdict])
  }
  note(allowed, verdicts.allow)
  note(denylisted, verdicts.denylisted)
  note(proxied, verdicts.proxy)
  starts.sort(([a], [b]) => a - b)
  const steps: Step[] = []
  let next = 0
  for (const [first, last, verdict] of starts) {
    if (first > next) steps.push({ key: next, verdict: verdicts.deny })
    steps.push({ key: first, verdict })
    next = last + 1
  }
  if (next <= lastKey) steps.push({ key: next, verdict: verdicts.deny })
  return steps
}

const lastKey = 0xffffffff
