import fc from 'fast-check'
import { canonicalSelector, type Requirement } from '@weir/core'

const key = fc.constantFrom('x', 'y', 'z')
const value = fc.constantFrom('1', '2', '3')
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn') as fc.Arbitrary<'In' | 'NotIn'>,
    values: fc.uniqueArray(value, { minLength: 1, maxLength: 2 }).map(values => values.sort()),
  }),
  fc.record({
    key,
    operator: fc.constantFrom('Exists', 'DoesNotExist') as fc.Arbitrary<'Exists' | 'DoesNotExist'>,
    values: fc.constant([]),
  }),
)
/** Of up to three requirements on three keys. */
export const selector = fc.array(requirement, { maxLength: 3 }).map(canonicalSelector)
/** Of the same keys. */
export const labels = fc.dictionary(key, value).map(record => new Map(Object.entries(record)))
