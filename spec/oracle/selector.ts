import type { Labels } from '@weir/core/event/event.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'

/** A selector matches when each of its requirements does; one without requirements matches everything. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return selector.every(requirement => meets(requirement, labels))
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    // An absent key is not in any set of values.
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
