import { right } from 'fp-ts/lib/Either.js'
import type { PolicyRemarks } from '../event/event.js'
import type { ObjectMeta } from './metadata.js'
import { type Parsed, refuse } from './problem.js'
import { sortedUnique } from './selector.js'

/** The annotation by which a policy's author says which findings are meant to be so: names, parted by commas. */
const lintIgnoreKey = 'weir.io/lint-ignore'

/** The annotation by which a policy is tried and not enforced. */
const stageKey = 'weir.io/stage'

/**
 * What a policy's annotations say. Names that no finding has are kept: a slip in a remark must not take the policy out of
 * force. One in the stage is refused: it would put into force what is only to be tried.
 */
export function remarksOf({ annotations }: ObjectMeta): Parsed<PolicyRemarks> {
  const named = annotations
    .filter(([key]) => key === lintIgnoreKey)
    .flatMap(([, value]) => value.split(','))
    .map(name => name.trim())
    .filter(name => name !== '')
  const stage = annotations.find(([key]) => key === stageKey)?.[1] ?? 'false'
  if (stage !== 'true' && stage !== 'false')
    return refuse(`metadata.annotations["${stageKey}"]`, 'this is no stage', stage, '"true", or "false"')
  return right({
    ...(named.length > 0 && { lintIgnore: sortedUnique(named) }),
    ...(stage === 'true' && { staged: true as const }),
  })
}
