import type { Plan, Step } from './plan.js'

/** A step of a plan that is kept; of what is said or written in it, these parts, or all. */
interface Kept {
  readonly step: number
  readonly bodies?: readonly number[]
}

/** Of how many parts a step is, each of which may be left out. */
export const partsOf = (step: Step): number =>
  step.kind === 'say' ? step.bodies.length : step.kind === 'files' || step.kind === 'api' ? step.changes.length : 0

/** What is left of a plan. */
export type Cut = readonly Kept[]

export const wholeOf = ({ steps }: Plan): Cut => steps.map((_, step) => ({ step }))

export function cutPlan(plan: Plan, cut: Cut): Plan {
  const steps = cut.flatMap(({ step, bodies }): readonly Step[] => {
    const given = plan.steps[step]
    if (given === undefined) throw new RangeError(`the plan of seed ${plan.seed} has no step ${step}`)
    if (bodies === undefined) return [given]
    if (given.kind === 'files') return [{ ...given, changes: bodies.flatMap(at => given.changes[at] ?? []) }]
    if (given.kind === 'api') return [{ ...given, changes: bodies.flatMap(at => given.changes[at] ?? []) }]
    return given.kind === 'say' ? [{ ...given, bodies: bodies.flatMap(at => given.bodies[at] ?? []) }] : [given]
  })
  return { ...plan, steps }
}

/** `0,2:0.3,5`: steps, some of them with the bodies that are left. */
export const cutText = (cut: Cut): string =>
  cut.map(({ step, bodies }) => (bodies === undefined ? `${step}` : `${step}:${bodies.join('.')}`)).join(',')

/** Reads what cutText wrote. */
export function parseCut(text: string): Cut {
  if (text === '') return []
  return text.split(',').map(part => {
    const [step = '', bodies] = part.split(':')
    const numbers = bodies?.split('.').filter(each => each !== '')
    if (![step, ...(numbers ?? [])].every(each => /^\d+$/.test(each)))
      throw new RangeError(`"${part}" is no step: 0 or 2:0.3 is expected`)
    return numbers === undefined ? { step: Number(step) } : { step: Number(step), bodies: numbers.map(Number) }
  })
}
