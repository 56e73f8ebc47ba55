import type { WeirEvent } from '@weir/core'
import type { Colour } from '../terminal.js'

/** `   17  2026-01-02T03:04:05.678Z  pod.upserted  shop/web-1  (manifests:/shop/web.yaml:3)` */
export function eventLine(event: WeirEvent, colour: Colour): string {
  const time = new Date(event.time).toISOString()
  return `${String(event.seq).padStart(7)}  ${time}  ${event.kind.padEnd(22)}  ${subjectOf(event)}  ${colour.dim(`(${event.source})`)}`
}

/** Which object an event is about. */
export function subjectOf(event: WeirEvent): string {
  switch (event.kind) {
    case 'agent.configured':
      return event.agent.node
    case 'namespace.upserted':
      return event.namespace.name
    case 'namespace.deleted':
    case 'node.deleted':
      return event.name
    case 'node.upserted':
      return event.node.name
    case 'pod.upserted':
      return `${event.pod.namespace}/${event.pod.name} ${event.pod.addresses.join(' ')}`
    case 'service.upserted':
      return `${event.service.namespace}/${event.service.name}`
    case 'networkpolicy.upserted':
      return `${event.policy.namespace}/${event.policy.name}`
    case 'pod.deleted':
    case 'service.deleted':
    case 'networkpolicy.deleted':
      return `${event.namespace}/${event.name}`
    case 'endpoint.attached':
      return `${event.endpoint.namespace}/${event.endpoint.pod} on ${event.endpoint.ifname}`
    case 'endpoint.detached':
      return `${event.namespace}/${event.pod}`
    case 'input.refused':
    case 'input.accepted':
      return `${event.object.kind} ${event.object.namespace === '' ? '' : `${event.object.namespace}/`}${event.object.name}`
    case 'time.passed':
      return new Date(event.until).toISOString()
  }
}
