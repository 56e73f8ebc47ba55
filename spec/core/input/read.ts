import { isLeft, isRight } from 'fp-ts/lib/Either.js'
import type { Problem } from '@weir/core/errors.js'
import type { Parsed } from '@weir/core/input/problem.js'

/** What was understood; fails with the problems otherwise. */
export const understood = <A>(parsed: Parsed<A>): A => {
  if (isRight(parsed)) return parsed.right
  throw new Error(`refused: ${JSON.stringify(parsed.left)}`)
}

/** What was refused, by path. */
export const problemsOf = (parsed: Parsed<unknown>): Readonly<Record<string, Problem>> => {
  if (!isLeft(parsed)) throw new Error(`understood: ${JSON.stringify(parsed.right)}`)
  return Object.fromEntries(parsed.left.map(problem => [problem.path, problem]))
}
