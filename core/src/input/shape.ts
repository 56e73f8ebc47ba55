import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import { missing, type Parsed, problemsOf, refuse } from './problem.js'
import { isMap, listOf, type Reader, andThen } from './reader.js'

/** The value, unless one of the checks found something: then everything that they found. */
export const unless = <A>(value: A, checks: readonly Parsed<unknown>[]): Parsed<A> => {
  const problems = checks.flatMap(problemsOf)
  return problems.length > 0 ? left(problems) : right(value)
}

/** A list with no fewer and no more items than these. */
export const listWithin = <A>(reader: Reader<A>, least: number, most: number, what: string): Reader<readonly A[]> => {
  const list = listOf(reader)
  const bounded = most < Number.MAX_SAFE_INTEGER
  const size = least === 0 ? `at most ${most}` : bounded ? `${least} to ${most}` : `at least ${least}`
  const expected = `${size} ${what}`
  return (value, path) => {
    const isShort = value === undefined || value === null || (Array.isArray(value) && value.length < least)
    if (isShort && least > 0) return missing(path, expected)
    if (Array.isArray(value) && value.length > most)
      return refuse(path, `there are ${value.length} ${what}`, undefined, expected)
    return list(value, path)
  }
}

/** What is said by a field that is neither absent nor null. */
export const isGiven = (raw: Readonly<Record<string, unknown>>, field: string): boolean =>
  Object.hasOwn(raw, field) && raw[field] !== undefined && raw[field] !== null

/**
 * Reads a map and lets `check` look at it as it is written, so that what is wrong between its fields is told together
 * with what is wrong in them.
 */
export const alsoChecked =
  <A>(
    reader: Reader<A>,
    check: (raw: Readonly<Record<string, unknown>>, path: string) => readonly Problem[],
  ): Reader<A> =>
  (value, path) => {
    const parsed = reader(value, path)
    const problems = isMap(value) ? check(value, path) : []
    if (problems.length === 0) return parsed
    return left(isLeft(parsed) ? [...parsed.left, ...problems] : problems)
  }

/** A field that has no place here; `expected` says where it has one, or what serves instead. */
export const forbidden =
  (message: string, expected: string): Reader<undefined> =>
  (value, path) =>
    value === undefined || value === null ? right(undefined) : refuse(path, message, value, expected)

/** A string of at least one character. */
export const filled =
  (reader: Reader<string>, expected: string): Reader<string> =>
  (value, path) =>
    value === '' ? missing(path, expected) : reader(value, path)

/** The only field of these that is there. */
export const onlyField = <A>(fields: Readonly<Record<string, A | undefined>>, path: string): Parsed<A> => {
  const names = Object.keys(fields)
  const present = Object.entries(fields).filter((entry): entry is [string, A] => entry[1] !== undefined)
  const [first, second] = present
  if (first === undefined) return missing(path, `exactly one of ${names.join(', ')}`)
  if (second === undefined) return right(first[1])
  const both = present.map(([name]) => name).join(' and ')
  return refuse(path, `${both} stand side by side`, undefined, `exactly one of ${names.join(', ')}`)
}

/** Fields that hold something, for objects whose optional fields must be absent rather than undefined. */
export const present = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** Text that a pattern describes in full. */
export const matching = (reader: Reader<string>, pattern: RegExp, what: string, expected: string): Reader<string> =>
  andThen(reader, (value, path) =>
    pattern.test(value) ? right(value) : refuse(path, `this is not ${what}`, value, expected),
  )

/** Text of at most so many characters. */
export const within = (reader: Reader<string>, longest: number): Reader<string> =>
  andThen(reader, (value, path) =>
    value.length <= longest
      ? right(value)
      : refuse(path, `this is longer than ${longest} characters`, value, `at most ${longest} characters`),
  )
