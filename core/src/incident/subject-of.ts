import type { EventBody, ObjectKey } from '../event/event.js'
import { policyKey } from '../verdict/dialects.js'
import { objectKey, refusalKey } from '../state/state.js'

/** What an event is about, as a cut log keeps or leaves it. */
export type Subject =
  /** The node that the log belongs to, as it is configured and finds itself. */
  | { readonly kind: 'node-itself' }
  | { readonly kind: 'time' }
  | { readonly kind: 'name'; readonly name: string; readonly addresses: readonly string[] }
  /** `namespace/name`, of cluster-wide kinds the name alone; of policies `Kind/namespace/name`. */
  | { readonly kind: ObjectKind | 'policy'; readonly key: string }
  | { readonly kind: 'other' }

type ObjectKind = 'Pod' | 'Namespace' | 'Node' | 'CiliumCIDRGroup' | 'Service' | 'EndpointSlice'

const namespaced: ReadonlySet<string> = new Set(['Pod', 'Service', 'EndpointSlice'])
const clusterWide: ReadonlySet<string> = new Set(['Namespace', 'Node', 'CiliumCIDRGroup'])
const policies: ReadonlySet<string> = new Set([
  'NetworkPolicy',
  'CiliumNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
])

const isObjectKind = (kind: string): kind is ObjectKind => namespaced.has(kind) || clusterWide.has(kind)

/** What an object's key names. */
function named(object: ObjectKey): Subject {
  const { kind, namespace, name } = object
  if (policies.has(kind)) return { kind: 'policy', key: refusalKey(object) }
  if (!isObjectKind(kind)) return { kind: 'other' }
  return { kind, key: namespaced.has(kind) ? objectKey(namespace, name) : name }
}

export function subjectOf(body: EventBody): Subject {
  switch (body.kind) {
    case 'agent.configured':
    case 'host.observed':
      return { kind: 'node-itself' }
    case 'time.passed':
      return { kind: 'time' }
    case 'dns.answered':
      return { kind: 'name', name: body.answer.name, addresses: body.answer.addresses }
    case 'pod.upserted':
      return { kind: 'Pod', key: objectKey(body.pod.namespace, body.pod.name) }
    case 'pod.deleted':
      return { kind: 'Pod', key: objectKey(body.namespace, body.name) }
    case 'endpoint.attached':
      return { kind: 'Pod', key: objectKey(body.endpoint.namespace, body.endpoint.pod) }
    case 'endpoint.detached':
      return { kind: 'Pod', key: objectKey(body.namespace, body.pod) }
    case 'namespace.upserted':
      return { kind: 'Namespace', key: body.namespace.name }
    case 'namespace.deleted':
      return { kind: 'Namespace', key: body.name }
    case 'node.upserted':
      return { kind: 'Node', key: body.node.name }
    case 'node.deleted':
      return { kind: 'Node', key: body.name }
    case 'service.upserted':
      return { kind: 'Service', key: objectKey(body.service.namespace, body.service.name) }
    case 'service.deleted':
      return { kind: 'Service', key: objectKey(body.namespace, body.name) }
    case 'networkpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'kubernetes', fact: body.policy }) }
    case 'networkpolicy.deleted':
      return named({ kind: 'NetworkPolicy', namespace: body.namespace, name: body.name })
    case 'ciliumpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'cilium', fact: body.policy }) }
    case 'ciliumpolicy.deleted':
      return named({ kind: body.policyKind, namespace: body.namespace, name: body.name })
    case 'clusterpolicy.upserted':
      return { kind: 'policy', key: policyKey({ dialect: 'cluster', fact: body.policy }) }
    case 'clusterpolicy.deleted':
      return named({ kind: body.policyKind, namespace: '', name: body.name })
    case 'cidrgroup.upserted':
      return { kind: 'CiliumCIDRGroup', key: body.group.name }
    case 'cidrgroup.deleted':
      return { kind: 'CiliumCIDRGroup', key: body.name }
    case 'endpointslice.upserted':
      return { kind: 'EndpointSlice', key: objectKey(body.slice.namespace, body.slice.name) }
    case 'endpointslice.deleted':
      return { kind: 'EndpointSlice', key: objectKey(body.namespace, body.name) }
    case 'input.refused':
    case 'input.accepted':
      return named(body.object)
    default:
      return { kind: 'other' }
  }
}
