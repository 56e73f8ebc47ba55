import { parseBackend, WeirError } from '@weir/core'
import { sameFact } from '@weir/core/input/same-fact.js'
import { backendTargetText } from '@weir/core/service/backend-text.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { Facts } from './intake.js'

/**
 * What an operator says of a backend as facts: none when that was said last.
 * @throws WeirError WEIR_REQUEST_INVALID with each field that isn't right.
 */
export function backendFacts(body: unknown): Facts {
  const parsed = parseBackend(body)
  if (isLeft(parsed))
    throw new WeirError('WEIR_REQUEST_INVALID', "the backend can't be understood", { problems: parsed.left })
  const backend = parsed.right
  const takesBack = backend.state === 'active' && backend.weight === undefined
  return ({ backends }) => {
    const before = backends.get(backendTargetText(backend.target))?.fact
    return sameFact(before, takesBack ? undefined : backend) ? [] : [{ kind: 'backend.configured', backend }]
  }
}
