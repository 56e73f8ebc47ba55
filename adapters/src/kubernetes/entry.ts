import type { ObjectKey } from '@weir/core/event/event.js'
import { changedBy } from '@weir/core/input/managed-fields.js'
import { type InputKind, recognise } from '@weir/core/input/kinds.js'
import { podHasEnded } from '@weir/core/input/pod.js'
import { isMap } from '@weir/core/input/reader.js'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { ManifestObject, Refusal } from '../manifests/set.js'
import { refusedAnswer } from './api.js'
import { listPath, objectPath, type Resource } from './resource.js'
import { slim } from './slim.js'
import { kindsWithStatus, validityOf } from './validity.js'

/** What is kept of an object of the API server: its key, and what it says or why it can't be understood. */
export interface Entry {
  readonly object: ObjectKey
  readonly resourceVersion: string
  /** As it was read. */
  readonly apiVersion: string
  readonly uid: string
  /** What its status says of its being valid; absent where that isn't looked at, or nothing is said. */
  readonly condition?: ReturnType<typeof validityOf>
  readonly said: ManifestObject | Refusal
}

/** What an event names as its source. */
export const originOf = (resourceVersion: string): string => `kubernetes:resourceVersion=${resourceVersion}`

export const nameOf = ({ object: { namespace, name } }: Entry): string => `${namespace}/${name}`

/**
 * Reads an object as a manifest is read.
 *
 * @throws WeirError WEIR_KUBERNETES_ANSWER when it has no name
 */
export function readEntry(raw: unknown, apiVersion: string, resource: Resource): Entry {
  const metadata = isMap(raw) && isMap(raw.metadata) ? raw.metadata : {}
  const resourceVersion = typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : ''
  const kept = slim(raw, apiVersion, resource.kind)
  const recognised = recognise(kept)
  const { object } = recognised
  if (recognised.status !== 'known' || object.name === '')
    throw refusedAnswer(listPath(apiVersion, resource), 502, `what it has among them is no ${resource.kind}`)
  const by = changedBy({ kind: resource.kind, metadata })
  const place = {
    file: objectPath(apiVersion, resource, object),
    line: 1,
    origin: originOf(resourceVersion),
    ...(by !== undefined && { by }),
  }
  const uid = typeof metadata.uid === 'string' ? metadata.uid : ''
  const condition = kindsWithStatus.has(resource.kind) ? validityOf(raw) : undefined
  return {
    object,
    resourceVersion,
    apiVersion,
    uid,
    condition,
    said: understand(kept, recognised.input, object, place),
  }
}

function understand(
  kept: unknown,
  input: InputKind,
  object: ObjectKey,
  { by, ...place }: Pick<ManifestObject, 'file' | 'line' | 'origin' | 'by'>,
): ManifestObject | Refusal {
  const parsed = input.parse(kept)
  if (isLeft(parsed)) {
    const problems = parsed.left.map(problem => ({ ...problem, file: place.file }))
    return { code: 'WEIR_INPUT_INVALID', object, ...place, problems }
  }
  return { object, ...place, bodies: parsed.right, running: !podHasEnded(kept), ...(by !== undefined && { by }) }
}
