import { left, right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import { fieldPath, itemPath } from './path.js'
import { problemsOf } from './problem.js'
import type { Reader } from './reader.js'

const problemsMax = 50

/**
 * The places where a key stands without a value, in the order of the document. Items of lists are the list's affair.
 * Looks at each map once, so that neither aliases nor cycles matter.
 */
function emptyFields(value: unknown, path: string, defaulted: ReadonlySet<string>): readonly Problem[] {
  const problems: Problem[] = []
  const seen = new Set<object>()
  const walk = (inner: unknown, at: string): void => {
    if (typeof inner !== 'object' || inner === null || seen.has(inner) || problems.length >= problemsMax) return
    seen.add(inner)
    const list = Array.isArray(inner)
    for (const [name, field] of Object.entries(inner)) {
      const place = list ? itemPath(at, Number(name)) : fieldPath(at, name)
      if (field === null && !list && !defaulted.has(name)) problems.push(emptyField(place))
      else walk(field, place)
    }
  }
  walk(value, path)
  return problems
}

const emptyField = (path: string): Problem => ({
  path,
  message: 'this field has no value',
  value: 'null',
  expected: 'a value, or no such field',
})

/**
 * Refuses fields that are there without a value, as the schemas of custom resources do: in `fromEndpoints:` with all its
 * items commented out, absent would mean everybody.
 * @param defaulted names of fields whose absence the schema fills in: for these null is absence
 */
export const withoutEmptyFields =
  <A>(reader: Reader<A>, defaulted: readonly string[] = []): Reader<A> =>
  (value, path) => {
    const empty = value === null ? [emptyField(path)] : emptyFields(value, path, new Set(defaulted))
    if (empty.length === 0) return reader(value, path)
    const parsed = value === null ? right(undefined) : reader(value, path)
    const told = new Set(empty.map(problem => problem.path))
    return left([...empty, ...problemsOf(parsed).filter(problem => !told.has(problem.path))])
  }
