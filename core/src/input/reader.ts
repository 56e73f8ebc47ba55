import { sequenceS } from 'fp-ts/lib/Apply.js'
import { getApplicativeValidation, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { getSemigroup } from 'fp-ts/lib/ReadonlyArray.js'
import type { Problem } from '../errors.js'
import { nearestWord } from './nearest.js'
import { fieldPath, itemPath } from './path.js'
import { missing, type Parsed, refuse } from './problem.js'

/** Reads one value at a place of a document. An absent field is `undefined`. Never throws. */
export type Reader<A> = (value: unknown, path: string) => Parsed<A>

/** A list or map stops being read after so many problems: what follows helps nobody. */
const problemsMax = 50

const validation = getApplicativeValidation(getSemigroup<Problem>())
const together = sequenceS(validation)

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null

/** Absent and null give `fallback`, as the API server's decoder does. */
export const optional =
  <A, B>(reader: Reader<A>, fallback: B): Reader<A | B> =>
  (value, path) =>
    isAbsent(value) ? right(fallback) : reader(value, path)

/** As `optional`, and the empty string counts as absent too: Go's zero value. */
export const optionalText =
  <A, B>(reader: Reader<A>, fallback: B): Reader<A | B> =>
  (value, path) =>
    isAbsent(value) || value === '' ? right(fallback) : reader(value, path)

/** Reads what `reader` read further, or refuses it. */
export const andThen =
  <A, B>(reader: Reader<A>, next: (value: A, path: string) => Parsed<B>): Reader<B> =>
  (value, path) => {
    const parsed = reader(value, path)
    return isLeft(parsed) ? parsed : next(parsed.right, path)
  }

export const text: Reader<string> = (value, path) => {
  if (typeof value === 'string') return right(value)
  if (isAbsent(value)) return missing(path, 'a string')
  const quotable = typeof value === 'number' || typeof value === 'boolean'
  return refuse(path, 'this is not a string', value, quotable ? 'a string: what stands there, in quotes' : 'a string')
}

export const flag: Reader<boolean> = (value, path) => {
  if (typeof value === 'boolean') return right(value)
  const quoted = value === 'true' || value === 'false'
  return refuse(path, 'this is not true or false', value, quoted ? `without quotes: ${value}` : 'true or false')
}

/** A whole number from `first` to `last`, both included. */
export const integer =
  (first: number, last: number): Reader<number> =>
  (value, path) => {
    const expected = `a whole number from ${first} to ${last}`
    if (isAbsent(value)) return missing(path, expected)
    if (typeof value === 'string' && /^\d{1,15}$/.test(value))
      return refuse(path, 'this is a string where a number belongs', value, `without quotes: ${Number(value)}`)
    if (typeof value !== 'number' || !Number.isInteger(value))
      return refuse(path, 'this is not a whole number', value, expected)
    if (value < first || value > last)
      return refuse(path, `the number is not between ${first} and ${last}`, value, expected)
    return right(value)
  }

export const oneOf =
  <const A extends string>(legal: readonly A[]): Reader<A> =>
  (value, path) => {
    const found = legal.find(candidate => candidate === value)
    if (found !== undefined) return right(found)
    if (isAbsent(value)) return missing(path, `one of ${legal.join(', ')}`)
    const near = typeof value === 'string' ? nearestWord(value, legal) : undefined
    return refuse(path, 'this value is not supported', value, near ?? `one of ${legal.join(', ')}`)
  }

/** The items of a list in order. An absent item (a lone `-`) is refused: it would be read as "everything". */
export const listOf =
  <A>(reader: Reader<A>): Reader<readonly A[]> =>
  (value, path) => {
    if (isAbsent(value)) return missing(path, 'a list')
    if (!Array.isArray(value)) return refuse(path, 'this is not a list', value, 'a list')
    const items: A[] = []
    const problems: Problem[] = []
    for (let index = 0; index < value.length && problems.length < problemsMax; index++) {
      const item = value[index] as unknown
      const at = itemPath(path, index)
      const parsed = isAbsent(item)
        ? refuse(at, 'the list item is empty', null, 'a value after the dash')
        : reader(item, at)
      if (isLeft(parsed)) problems.push(...parsed.left)
      else items.push(parsed.right)
    }
    return problems.length > 0 ? left(problems) : right(items)
  }

/** A map with keys of the document's choice, as sorted pairs. */
export const mapOf =
  <A>(key: Reader<string>, reader: Reader<A>): Reader<readonly (readonly [string, A])[]> =>
  (value, path) => {
    if (isAbsent(value)) return missing(path, 'a map')
    if (!isMap(value)) return refuse(path, 'this is not a map', value, 'a map')
    const pairs: (readonly [string, A])[] = []
    const problems: Problem[] = []
    for (const name of Object.keys(value).sort()) {
      if (problems.length >= problemsMax) break
      const at = fieldPath(path, name)
      const parsed = together({ key: key(name, at), value: reader(value[name], at) })
      if (isLeft(parsed)) problems.push(...parsed.left)
      else pairs.push([parsed.right.key, parsed.right.value])
    }
    return problems.length > 0 ? left(problems) : right(pairs)
  }

type Fields = Readonly<Record<string, Reader<unknown>>>
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Reader<infer A> ? A : never }

const unknownFields = (map: Readonly<Record<string, unknown>>, path: string, legal: ReadonlySet<string>): Problem[] => {
  const problems: Problem[] = []
  for (const name of Object.keys(map)) {
    if (legal.has(name)) continue
    if (problems.length >= problemsMax) break
    const near = nearestWord(name, [...legal])
    const expected = near ?? (legal.size > 12 ? 'a field of this kind' : `one of ${[...legal].join(', ')}`)
    problems.push({ path: fieldPath(path, name), message: `unknown field "${name.slice(0, 64)}"`, expected })
  }
  return problems
}

/** Reads the fields that are named; others are the document's own affair. */
export const looseRecord =
  <F extends Fields>(fields: F): Reader<RecordOf<F>> =>
  (value, path) => {
    if (isAbsent(value)) return missing(path, 'a map')
    if (!isMap(value)) return refuse(path, 'this is not a map', value, 'a map')
    const parts: Record<string, Parsed<unknown>> = {}
    for (const [name, reader] of Object.entries(fields))
      parts[name] = reader(Object.hasOwn(value, name) ? value[name] : undefined, fieldPath(path, name))
    return together(parts) as Parsed<RecordOf<F>>
  }

/**
 * Reads a map of a fixed set of fields. Those of `ignored` may be there and are not looked at; any other is refused,
 * with the nearest legal name: the API server's field validation "Strict".
 */
export const record = <F extends Fields>(fields: F, ignored: readonly string[] = []): Reader<RecordOf<F>> => {
  const legal = new Set([...Object.keys(fields), ...ignored])
  const known = looseRecord(fields)
  return (value, path) => {
    const strangers = isMap(value) ? unknownFields(value, path, legal) : []
    const parsed = known(value, path)
    if (strangers.length === 0) return parsed
    return left(isLeft(parsed) ? [...strangers, ...parsed.left] : strangers)
  }
}
