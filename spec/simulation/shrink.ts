import { type Cut, cutPlan, partsOf, wholeOf } from './cut.js'
import type { Plan } from './plan.js'

/** Whether a plan shows what is looked for. */
export type Shows = (plan: Plan) => Promise<boolean>

/** Runs at most, so that nobody waits for long: what is left then is small enough. */
const triesMost = 400

/** The least that still shows it: fewer steps and faults first, then fewer objects in what is said. */
export async function shrink(plan: Plan, shows: Shows): Promise<Cut> {
  let tries = 0
  const isEnough = async (cut: Cut): Promise<boolean> => {
    tries += 1
    return tries <= triesMost && (await shows(cutPlan(plan, cut)))
  }
  let cut = await fewer(wholeOf(plan), isEnough)
  for (let at = 0; at < cut.length; at += 1) {
    const kept = cut[at]!
    const parts = partsOf(plan.steps[kept.step]!)
    if (parts === 0) continue
    const around = (bodies: readonly number[]): Cut =>
      cut.map((each, index) => (index === at ? { ...each, bodies } : each))
    const bodies = await fewer([...Array(parts).keys()], some => isEnough(around(some)))
    if (bodies.length < parts) cut = around(bodies)
  }
  return cut
}

/** Drops halves, then quarters, and so on down to single ones, as long as what is left is enough. */
async function fewer<Item>(
  all: readonly Item[],
  isEnough: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let left = all
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < left.length; ) {
      const some = [...left.slice(0, from), ...left.slice(from + size)]
      if (some.length < left.length && (await isEnough(some))) left = some
      else from += size
    }
  }
  return left
}
