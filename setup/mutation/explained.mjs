import { readFileSync } from 'node:fs'
import { isSame } from './results.mjs'

/**
 * Mutants that may survive, and why: `{ file, code, becomes, why }`. What else the tests can't notice is to be covered
 * by a test or is not needed.
 */
export const explanations = JSON.parse(readFileSync(new URL('explained.json', import.meta.url), 'utf8')).flatMap(
  ({ why, mutants }) => mutants.map(mutant => ({ ...mutant, why })),
)

/** The explanation of a survivor. */
export const explain = mutant => explanations.find(known => isSame(known, mutant))
