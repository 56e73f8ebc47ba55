import { type ClusterState, type EndpointSliceFact, type EventBody, objectKey, type ServiceFact } from '@weir/core'
import { sameFact } from '@weir/core/input/same-fact.js'
import type { ManifestObject } from '../manifests/set.js'
import { deriveSlices } from '../manifests/slices.js'

/**
 * What a cluster's control plane would make of a service's or a pod's new version: the endpoint slices of services that
 * select pods, as far as they differ from those that are there.
 *
 * @param state in which the new version is in force
 */
export function endpointsFollowing(state: ClusterState, body: EventBody): readonly EventBody[] {
  const services = concerned(state, body)
  if (services.length === 0) return []
  const names = new Set(services.map(({ namespace, name }) => objectKey(namespace, name)))
  const own = [...state.endpointSlices].filter(([, { fact }]) => names.has(serviceOf(fact)))
  const others = [...state.endpointSlices].filter(([key]) => !own.some(([each]) => each === key))
  // Pods and the like stand as they are: only these services are spoken of.
  const set = { root: '', refusals: [], skipped: [], incomplete: true, objects: services.map(objectOfService) }
  const made = deriveSlices(set, { ...state, endpointSlices: new Map(others) }).objects.flatMap(({ bodies }) =>
    bodies.flatMap(each => (each.kind === 'endpointslice.upserted' && names.has(serviceOf(each.slice)) ? [each] : [])),
  )
  const kept = new Set(made.map(({ slice }) => objectKey(slice.namespace, slice.name)))
  return [
    ...made.filter(({ slice }) => {
      const is = state.endpointSlices.get(objectKey(slice.namespace, slice.name))?.fact
      return !sameFact(is, slice)
    }),
    ...own.flatMap(([key, { fact: slice }]): readonly EventBody[] =>
      kept.has(key) ? [] : [{ kind: 'endpointslice.deleted', namespace: slice.namespace, name: slice.name }],
    ),
  ]
}

const serviceOf = ({ namespace, service }: EndpointSliceFact): string => objectKey(namespace, service)

function concerned({ services }: ClusterState, body: EventBody): readonly ServiceFact[] {
  const namespace = body.kind === 'pod.upserted' ? body.pod.namespace : undefined
  const all = body.kind === 'service.upserted' ? [body.service] : [...services.values()].map(({ fact }) => fact)
  return all.filter(
    service =>
      Object.keys(service.selector).length > 0 && (body.kind === 'service.upserted' || service.namespace === namespace),
  )
}

const objectOfService = (service: ServiceFact): ManifestObject => ({
  object: { kind: 'Service', namespace: service.namespace, name: service.name },
  ...{ file: '', line: 1, running: true },
  bodies: [{ kind: 'service.upserted', service }],
})
