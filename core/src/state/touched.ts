import type { EventBody } from '../event/event.js'
import { policyKey } from '../verdict/dialects.js'
import { objectKey, refusalKey } from './state.js'

/** What of a state an event makes another, as those look for it who keep something that follows from it. */
export type Touched =
  /** `Kind/namespace/name` */
  | { readonly kind: 'policy'; readonly key: string }
  | { readonly kind: 'group'; readonly name: string }
  /** `namespace/name` */
  | { readonly kind: 'slice'; readonly key: string }
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  /** What DNS names stand for. */
  | { readonly kind: 'names' }
  /** With the addresses that it has now. */
  | { readonly kind: 'node'; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'host'; readonly addresses: readonly string[] }
  | { readonly kind: 'agent' }
  | { readonly kind: 'namespace'; readonly name: string }
  /** `namespace/name`, and who it is now. */
  | { readonly kind: 'pod'; readonly key: string; readonly addresses: readonly string[]; readonly hostNetwork: boolean }
  /** A pod by `namespace/name` that became local, or isn't any more. */
  | { readonly kind: 'wiring'; readonly key: string }
  /** Nothing that verdicts or identities follow from. */
  | { readonly kind: 'other' }

const nowhere: readonly string[] = []
const other: Touched = { kind: 'other' }
const names: Touched = { kind: 'names' }
const agent: Touched = { kind: 'agent' }

/** The only place that knows which events are about what. */
export function touchedBy(event: EventBody): Touched {
  switch (event.kind) {
    case 'networkpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'kubernetes', fact: event.policy }) }
    case 'networkpolicy.deleted':
      return { kind: 'policy', key: refusalKey({ ...event, kind: 'NetworkPolicy' }) }
    case 'ciliumpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'cilium', fact: event.policy }) }
    case 'ciliumpolicy.deleted':
      return { kind: 'policy', key: refusalKey({ ...event, kind: event.policyKind }) }
    case 'clusterpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'cluster', fact: event.policy }) }
    case 'clusterpolicy.deleted':
      return { kind: 'policy', key: refusalKey({ kind: event.policyKind, namespace: '', name: event.name }) }
    case 'cidrgroup.upserted':
      return { kind: 'group', name: event.group.name }
    case 'cidrgroup.deleted':
      return { kind: 'group', name: event.name }
    case 'endpointslice.upserted':
      return { kind: 'slice', key: objectKey(event.slice.namespace, event.slice.name) }
    case 'endpointslice.deleted':
      return { kind: 'slice', key: objectKey(event.namespace, event.name) }
    case 'service.upserted':
      return { kind: 'service', namespace: event.service.namespace, name: event.service.name }
    case 'service.deleted':
      return { kind: 'service', namespace: event.namespace, name: event.name }
    case 'dns.answered':
    case 'time.passed':
      return names
    case 'node.upserted':
      return { kind: 'node', name: event.node.name, addresses: event.node.addresses }
    case 'node.deleted':
      return { kind: 'node', name: event.name, addresses: nowhere }
    case 'host.observed':
      return { kind: 'host', addresses: event.host.addresses }
    case 'agent.configured':
      return agent
    case 'namespace.upserted':
      return { kind: 'namespace', name: event.namespace.name }
    case 'namespace.deleted':
      return { kind: 'namespace', name: event.name }
    case 'pod.upserted': {
      const { namespace, name, addresses, hostNetwork } = event.pod
      return { kind: 'pod', key: objectKey(namespace, name), addresses, hostNetwork }
    }
    case 'pod.deleted':
      return { kind: 'pod', key: objectKey(event.namespace, event.name), addresses: nowhere, hostNetwork: false }
    case 'endpoint.attached':
      return { kind: 'wiring', key: objectKey(event.endpoint.namespace, event.endpoint.pod) }
    case 'endpoint.detached':
      return { kind: 'wiring', key: objectKey(event.namespace, event.pod) }
    default:
      return other
  }
}
