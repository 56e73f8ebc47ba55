import type { LabelMap } from '../identity/labels.js'
import type { LabelSelector, Requirement } from './selector.js'

/** True when the labels meet every requirement. NotIn and DoesNotExist are met by an absent key. */
export function matchesSelector(selector: LabelSelector, labels: LabelMap): boolean {
  for (const requirement of selector) if (!meets(requirement, labels.get(requirement.key))) return false
  return true
}

function meets(requirement: Requirement, value: string | undefined): boolean {
  const values: readonly (string | undefined)[] = requirement.values
  switch (requirement.operator) {
    case 'In':
      return values.includes(value)
    case 'NotIn':
      return !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

/** Sorted by key, operator, values, without repeats: equal meanings that are written in another order become equal. */
export function canonicalSelector(requirements: readonly Requirement[]): LabelSelector {
  const byText = new Map(requirements.map(requirement => [requirementText(requirement), requirement]))
  return [...byText.keys()].sort().map(text => byText.get(text)!)
}

/** A selector as one line: equal canonical selectors have equal texts. `everything` when nothing is required. */
export const selectorText = (selector: LabelSelector): string =>
  selector.length === 0 ? 'everything' : selector.map(requirementText).join(', ')

const requirementText = ({ key, operator, values }: Requirement): string =>
  values.length === 0 ? `${key} ${operator}` : `${key} ${operator} (${[...values].sort().join(' ')})`
