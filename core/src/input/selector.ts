import { right } from 'fp-ts/lib/Either.js'
import type { Labels } from '../event/event.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import { labelKey, labelValue } from './names.js'
import { fieldPath } from './path.js'
import { missing, refuse } from './problem.js'
import { listOf, mapOf, oneOf, optional, type Reader, record, text, andThen } from './reader.js'

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The strings in code-unit order, each once. */
export const sortedUnique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort(order)

/** Keys and values of labels, each held to Kubernetes' rules; keys in order. */
export const labels: Reader<Labels> = andThen(mapOf(labelKey, labelValue), pairs => right(Object.fromEntries(pairs)))

const expressionOf = (keyReader: Reader<string>, valueReader: Reader<string>): Reader<Requirement> =>
  andThen(
    record({
      key: keyReader,
      operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']),
      values: optional(listOf(valueReader), [] as readonly string[]),
    }),
    ({ key, operator, values }, path) => {
      const at = fieldPath(path, 'values')
      const takesValues = operator === 'In' || operator === 'NotIn'
      if (takesValues && values.length === 0) return missing(at, `at least one value, as the operator is ${operator}`)
      if (!takesValues && values.length > 0)
        return refuse(at, `the operator ${operator} takes no values`, values, 'no values')
      return right({ key, operator, values: sortedUnique(values) })
    },
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
export const annotations: Reader<unknown> = mapOf(text, text)
