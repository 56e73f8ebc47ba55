import type { WeirEvent } from '@weir/core'
import { backendTargetText, socketText } from '@weir/core/service/backend-text.js'
import { changedByText } from '../origins.js'
import type { Colour } from '../terminal.js'

/** `   17  2026-01-02T03:04:05.678Z  pod.upserted  shop/web-1  (manifests:/shop/web.yaml:3)` */
export function eventLine(event: WeirEvent, colour: Colour): string {
  const time = new Date(event.time).toISOString()
  return `${String(event.seq).padStart(7)}  ${time}  ${event.kind.padEnd(22)}  ${subjectOf(event)}  ${colour.dim(`(${event.source}${event.by === undefined ? '' : `, ${changedByText(event.by)}`})`)}`
}

/** Which object an event is about. */
export function subjectOf(event: WeirEvent): string {
  switch (event.kind) {
    case 'agent.configured':
      return event.agent.node
    case 'host.observed':
      return event.host.addresses.join(' ')
    case 'pod.upserted':
      return `${event.pod.namespace}/${event.pod.name} ${event.pod.addresses.join(' ')}`
    case 'endpoint.attached':
      return `${event.endpoint.namespace}/${event.endpoint.pod} on ${event.endpoint.ifname}`
    case 'endpoint.detached':
      return `${event.namespace}/${event.pod}`
    case 'input.refused':
    case 'input.accepted':
      return `${event.object.kind} ${fullName(event.object)}`
    case 'backend.configured': {
      const { target, state, weight } = event.backend
      return `${backendTargetText(target)} ${state}${weight === undefined ? '' : `, weight ${weight}`}`
    }
    case 'backend.checked': {
      const { address, port, protocol, healthy, reason } = event.check
      return `${socketText(address, port, protocol)} ${healthy ? 'healthy' : `unhealthy: ${reason}`}`
    }
    case 'endpointslice.upserted':
      return `${event.slice.namespace}/${event.slice.name}, ${event.slice.endpoints.length} of ${event.slice.service}`
    case 'time.passed':
      return new Date(event.until).toISOString()
    default:
      return objectName(event)
  }
}

/** Upserts hold the object as their one field that is an object with a name, deletions its name themselves. */
function objectName(event: WeirEvent): string {
  const held = Object.values(event).find(value => typeof value === 'object' && value !== null && 'name' in value)
  return fullName((held ?? event) as { readonly name?: string; readonly namespace?: string })
}

function fullName({ namespace, name = '' }: { readonly name?: string; readonly namespace?: string }): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
}
