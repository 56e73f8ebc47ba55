import type { ApiChange } from './api-source.js'
import { documentOf, firstDocuments } from './manifest-plan.js'
import type { Random } from './random.js'

export const firstObjects = (random: Random): readonly ApiChange[] =>
  firstDocuments(random).map(document => ({ how: 'put', document }))

/** What happens at the API server, or between it and the agent. */
export function apiChanges(random: Random): readonly ApiChange[] {
  return Array.from({ length: random.chance(0.6) ? 1 : random.between(2, 5) }, () => apiChange(random))
}

function apiChange(random: Random): ApiChange {
  switch (random.below(12)) {
    case 0:
      return { how: 'ends watches', isTorn: random.chance(0.5) }
    case 1:
      return { how: 'forgets' }
    case 2:
      return { how: 'away', forMs: random.chance(0.5) ? random.below(100) : random.below(3000) }
    case 3:
    case 4:
    case 5:
      return { how: 'deleted', document: documentOf(random) }
    default:
      return { how: 'put', document: documentOf(random) }
  }
}
