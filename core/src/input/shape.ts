import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import { missing, type Parsed, refuse } from './problem.js'
import { listOf, type Reader, andThen } from './reader.js'

/** The value, unless one of the checks found something: then everything that they found. */
export const unless = <A>(value: A, checks: readonly Parsed<unknown>[]): Parsed<A> => {
  const problems = checks.flatMap((check): readonly Problem[] => (isLeft(check) ? check.left : []))
  return problems.length > 0 ? left(problems) : right(value)
}

/** A list with no fewer and no more items than these. */
export const listWithin = <A>(reader: Reader<A>, least: number, most: number, what: string): Reader<readonly A[]> => {
  const list = listOf(reader)
  const size = least === 0 ? `at most ${most}` : `${least} to ${most}`
  return (value, path) => {
    if (Array.isArray(value) && value.length < least) return missing(path, `at least ${least} of its ${what}`)
    if (Array.isArray(value) && value.length > most)
      return refuse(path, `there are ${value.length} ${what}`, undefined, `${size} ${what}`)
    return list(value, path)
  }
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
