import { right } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import type { Labels } from '../event/event.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { labelKey, labelValue } from './names.js'
import { fieldPath } from './path.js'
import { missing, problemsOf, refuse } from './problem.js'
import { listOf, mapOf, oneOf, optional, type Reader, record, text, andThen } from './reader.js'
import { alsoChecked } from './shape.js'

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The strings in code-unit order, each once. */
export const sortedUnique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort(order)

/** Keys and values of labels, each held to Kubernetes' rules; keys in order. */
export const labels: Reader<Labels> = andThen(mapOf(labelKey, labelValue), pairs => right(Object.fromEntries(pairs)))

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const
const noValues: readonly string[] = []

/** Values stand where the operator takes some, and there alone. */
const valueProblems = ({ operator, values }: Readonly<Record<string, unknown>>, path: string): readonly Problem[] => {
  const at = fieldPath(path, 'values')
  const given = values ?? noValues
  const isEmpty = Array.isArray(given) && given.length === 0
  if ((operator === 'In' || operator === 'NotIn') && isEmpty)
    return problemsOf(missing(at, `at least one value, as the operator is ${operator}`))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && Array.isArray(given) && !isEmpty)
    return problemsOf(refuse(at, `the operator ${operator} takes no values`, values, 'no values'))
  return []
}

const expressionOf = (keyReader: Reader<string>, valueReader: Reader<string>): Reader<Requirement> =>
  andThen(
    alsoChecked(
      record({ key: keyReader, operator: oneOf(operators), values: optional(listOf(valueReader), noValues) }),
      valueProblems,
    ),
    ({ key, operator, values }) => right({ key, operator, values: sortedUnique(values) }),
  )

/** As `labelSelector`, with keys and values that these readers take. Two spellings of one key both have to match. */
export const selectorOf = (keyReader: Reader<string>, valueReader: Reader<string>): Reader<LabelSelector> =>
  andThen(
    record({
      matchLabels: optional(mapOf(keyReader, valueReader), [] as readonly (readonly [string, string])[]),
      matchExpressions: optional(listOf(expressionOf(keyReader, valueReader)), [] as readonly Requirement[]),
    }),
    ({ matchLabels, matchExpressions }) =>
      right(
        canonicalSelector([
          ...matchLabels.map(([key, value]) => ({ key, operator: 'In' as const, values: [value] })),
          ...matchExpressions,
        ]),
      ),
  )

/** A LabelSelector of meta/v1: `matchLabels` and `matchExpressions`, ANDed; an empty one matches everything. */
export const labelSelector: Reader<LabelSelector> = selectorOf(labelKey, labelValue)

/** Values of annotations may be anything, as long as they are strings. */
export const annotations: Reader<readonly (readonly [key: string, value: string])[]> = mapOf(text, text)
