import type fc from 'fast-check'

/**
 * How many cases a property draws, and from which seed: `WEIR_SEED`, which is the commit's where nobody sets it
 * (`WEIR_SEED=random` draws others). `WEIR_PATH` repeats a single case; each property prints its seed.
 */
export function sampling<Ts>(property: string, numRuns: number): fc.Parameters<Ts> {
  const { WEIR_SEED, WEIR_PATH, WEIR_RUNS } = process.env
  const seed = WEIR_SEED === undefined ? Date.now() | 0 : Number(WEIR_SEED)
  const runs = WEIR_RUNS === undefined ? numRuns : Number(WEIR_RUNS)
  console.log(`      ${property}: ${runs} cases, WEIR_SEED=${seed}`)
  return { numRuns: runs, seed, ...(WEIR_PATH !== undefined && { path: WEIR_PATH }) }
}
