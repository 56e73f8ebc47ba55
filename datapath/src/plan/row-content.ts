import { type Step, verdicts } from '@weir/core/tables/tables.js'

/** A row by what it says. Contents with equal `text` are the same row, whatever number or place it has. */
export interface RowContent {
  /** `key:verdict` of each step, joined by commas. */
  readonly text: string
  readonly steps: readonly Step[]
}

const known = new WeakMap<readonly Step[], RowContent>()

/** The content of a row's steps; remembered as long as the steps live. */
export function rowContent(steps: readonly Step[]): RowContent {
  const found = known.get(steps)
  if (found !== undefined) return found
  const content = { text: steps.map(step => `${step.key}:${step.verdict}`).join(','), steps }
  known.set(steps, content)
  return content
}

/** What holds where no subject is: everything passes. */
export const allowAll = rowContent([{ key: 0, verdict: verdicts.allow }])

/** What holds where a subject has no row at all: nothing passes. */
export const denyAll = rowContent([{ key: 0, verdict: verdicts.deny }])

export const sameRow = (a: RowContent | undefined, b: RowContent | undefined): boolean => a?.text === b?.text

/**
 * The row that allows what both rows allow; what one of them denies is denied for its reason, the first one's before the
 * second's. Equal to one of them, it is that one.
 */
export function meet(a: RowContent, b: RowContent): RowContent {
  if (a.text === b.text || b.text === allowAll.text || a.text === denyAll.text) return a
  if (a.text === allowAll.text || b.text === denyAll.text) return b
  const steps: Step[] = []
  let [left, right] = [0, 0]
  while (left < a.steps.length || right < b.steps.length) {
    const key = Math.min(
      a.steps[left]?.key ?? Number.POSITIVE_INFINITY,
      b.steps[right]?.key ?? Number.POSITIVE_INFINITY,
    )
    if (a.steps[left]?.key === key) left += 1
    if (b.steps[right]?.key === key) right += 1
    const first = a.steps[left - 1]?.verdict ?? verdicts.deny
    const verdict = first === verdicts.allow ? (b.steps[right - 1]?.verdict ?? verdicts.deny) : first
    if (steps.at(-1)?.verdict !== verdict) steps.push({ key, verdict })
  }
  const met = rowContent(steps)
  return met.text === a.text ? a : met.text === b.text ? b : met
}
