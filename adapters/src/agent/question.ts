import type { Engine } from '@weir/core'
import { enforcingStaged } from '../staged/would-be.js'
import type { SourceOf } from './event-source.js'
import type { WhyAnswer } from './protocol.js'
import type { ServiceAnswer } from './service-answer.js'
import { findService, namesake } from './service-word.js'
import { parseTarget } from './target.js'
import { why, withSources } from './why.js'
import { type ServiceDetail, whyService, withServiceSources } from './why-service.js'

/** About one destination all answers are of one kind. */
export type Answer = WhyAnswer | ServiceAnswer

/**
 * GET /v1/why and `weir why`: about a service where the destination means one, about flows else.
 *
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
export async function answersTo(
  engine: Engine,
  from: string,
  to: string,
  sourceOf: SourceOf,
  detail: ServiceDetail = {},
): Promise<readonly Answer[]> {
  const target = parseTarget(to)
  const service = findService(engine, target)
  const staged = detail.staged ?? enforcingStaged(engine)
  if (service !== undefined)
    return withServiceSources(
      whyService(engine, from, service, { ...detail, ...(staged !== undefined && { staged }) }),
      sourceOf,
    )
  const answers = await withSources(why(engine, from, to, staged), sourceOf)
  const name = namesake(engine, target)
  return name === undefined ? answers : answers.map(answer => ({ ...answer, namesake: name }))
}
