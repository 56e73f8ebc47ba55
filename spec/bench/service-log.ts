import type { EventBody, WeirEvent } from '@weir/core'
import type { SliceEndpoint } from '@weir/core/event/service.js'

/** Services of one port each, and their backends. */
export interface ServicesSize {
  readonly services: number
  readonly backends: number
}

const name = (index: number): string => `service-${index}`
export const virtualAddress = (index: number): string => `10.96.${index >> 8}.${index & 255}`

export const endpoint = (number: number): SliceEndpoint => ({
  addresses: [`10.${(number >> 16) & 127}.${(number >> 8) & 255}.${number & 255}`],
  ready: true,
  serving: true,
  terminating: false,
  node: `node-${number % 100}`,
})

const serviceOf = (index: number): EventBody => ({
  kind: 'service.upserted',
  service: {
    namespace: 'shop',
    name: name(index),
    type: 'ClusterIP',
    clusterIps: [virtualAddress(index)],
    selector: { app: name(index) },
    ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080 }],
  },
})

/** The endpoints of a service: `count` of them from number `first` on, or these. */
export const sliceOf = (
  index: number,
  first: number,
  count: number,
  endpoints?: readonly SliceEndpoint[],
): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: `${name(index)}-1`,
    service: name(index),
    endpoints: endpoints ?? Array.from({ length: count }, (_, at) => endpoint(first + at)),
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  },
})

/** The log of a cluster's services, made anew so that no text is shared with an earlier round. */
export function* servicesLog({ services, backends }: ServicesSize): Generator<EventBody> {
  yield { kind: 'agent.configured', agent: { node: 'node-0', cluster: 'default', labelFilter: [] } }
  for (let index = 0; index < services; index++) {
    yield serviceOf(index)
    yield sliceOf(index, index * backends, backends)
  }
}

/**
 * Events as the log's reader makes them: with one shape for each kind. Were the envelope written after the body, the
 * runtime would give each a shape that it takes back, and whoever reads an event first would pay for its move.
 */
export const numbered = (bodies: Iterable<EventBody>, after: number): WeirEvent[] =>
  Array.from(bodies, (body, index) => ({ seq: after + 1 + index, time: 0, source: 'bench', ...body }))
