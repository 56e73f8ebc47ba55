/** Slots for each member where weights are no small multiples of each other, on average. */
const slotsPerMember = 64
/** Runs of exact multiples are as long as this at most. */
const exactSlots = 4096

/**
 * Each number as often as its weight says, so that a slot drawn by chance finds each by its weight. Exact where that
 * takes few slots; else each has its share to the nearest slot, and at least one.
 */
export function spread(numbers: Uint32Array, weights: readonly number[]): Uint32Array {
  const divisor = weights.reduce(greatestCommonDivisor, 0)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const isExact = total / divisor <= exactSlots
  const slots = Math.max(exactSlots, numbers.length * slotsPerMember)
  const counts = weights.map(weight => (isExact ? weight / divisor : Math.max(1, Math.round((weight * slots) / total))))
  const run = new Uint32Array(counts.reduce((sum, count) => sum + count, 0))
  let at = 0
  for (const [index, count] of counts.entries()) {
    run.fill(numbers[index]!, at, at + count)
    at += count
  }
  return run
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
