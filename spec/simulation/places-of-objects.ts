import type { EventBody } from '@weir/core'
import { placeOf } from './api-model.js'

/** The object that an event is about, where the server has such. */
export function placeIn(event: EventBody): string | undefined {
  switch (event.kind) {
    case 'pod.upserted':
      return placeOf({ kind: 'Pod', metadata: event.pod })
    case 'pod.deleted':
      return placeOf({ kind: 'Pod', metadata: event })
    case 'namespace.upserted':
      return placeOf({ kind: 'Namespace', metadata: event.namespace })
    case 'namespace.deleted':
      return placeOf({ kind: 'Namespace', metadata: event })
    case 'networkpolicy.upserted':
      return placeOf({ kind: 'NetworkPolicy', metadata: event.policy })
    case 'networkpolicy.deleted':
      return placeOf({ kind: 'NetworkPolicy', metadata: event })
    default:
      return undefined
  }
}
