import type { PolicyRemarks } from '../event/event.js'
import type { ObjectMeta } from './metadata.js'
import { sortedUnique } from './selector.js'

/** The annotation by which a policy's author says which findings are meant to be so: names, parted by commas. */
const lintIgnoreKey = 'weir.io/lint-ignore'

/** Names that no finding has are kept: a slip in a remark must not take the policy out of force. */
export function remarksOf({ annotations }: ObjectMeta): PolicyRemarks {
  const named = annotations
    .filter(([key]) => key === lintIgnoreKey)
    .flatMap(([, value]) => value.split(','))
    .map(name => name.trim())
    .filter(name => name !== '')
  return named.length === 0 ? {} : { lintIgnore: sortedUnique(named) }
}
