import type { EventBody, ObjectKey } from './event.js'

type Upsert = Extract<EventBody, { readonly kind: `${string}.upserted` }>
type Deletion = Extract<EventBody, { readonly kind: `${string}.deleted` }>

/** The object of the cluster that an event is about; undefined of one about the node, a backend, a name or the time. */
export function objectOf(event: EventBody): ObjectKey | undefined {
  if (isUpsert(event)) return upserted(event)
  if (isDeletion(event)) return deleted(event)
  switch (event.kind) {
    case 'input.refused':
    case 'input.accepted':
      return event.object
    case 'endpoint.attached':
      return { kind: 'Pod', namespace: event.endpoint.namespace, name: event.endpoint.pod }
    case 'address.allocated':
      return { kind: 'Pod', namespace: event.attachment.namespace, name: event.attachment.pod }
    case 'endpoint.detached':
      return { kind: 'Pod', namespace: event.namespace, name: event.pod }
    default:
      return undefined
  }
}

const isUpsert = (event: EventBody): event is Upsert => event.kind.endsWith('.upserted')
const isDeletion = (event: EventBody): event is Deletion => event.kind.endsWith('.deleted')

interface Named {
  readonly namespace: string
  readonly name: string
}

const namespaced = (kind: string, { namespace, name }: Named): ObjectKey => ({ kind, namespace, name })
const clusterWide = (kind: string, name: string): ObjectKey => ({ kind, namespace: '', name })

/** The object that a fact is of. */
export function upserted(body: Upsert): ObjectKey {
  switch (body.kind) {
    case 'namespace.upserted':
      return clusterWide('Namespace', body.namespace.name)
    case 'node.upserted':
      return clusterWide('Node', body.node.name)
    case 'pod.upserted':
      return namespaced('Pod', body.pod)
    case 'service.upserted':
      return namespaced('Service', body.service)
    case 'networkpolicy.upserted':
      return namespaced('NetworkPolicy', body.policy)
    case 'ciliumpolicy.upserted':
      return namespaced(body.policy.kind, body.policy)
    case 'cidrgroup.upserted':
      return clusterWide('CiliumCIDRGroup', body.group.name)
    case 'clusterpolicy.upserted':
      return clusterWide(body.policy.kind, body.policy.name)
    case 'endpointslice.upserted':
      return namespaced('EndpointSlice', body.slice)
    case 'localredirect.upserted':
      return namespaced('CiliumLocalRedirectPolicy', body.redirect)
    case 'egressgateway.upserted':
      return clusterWide('CiliumEgressGatewayPolicy', body.policy.name)
  }
}

const kinds = {
  'namespace.deleted': 'Namespace',
  'node.deleted': 'Node',
  'pod.deleted': 'Pod',
  'service.deleted': 'Service',
  'networkpolicy.deleted': 'NetworkPolicy',
  'cidrgroup.deleted': 'CiliumCIDRGroup',
  'endpointslice.deleted': 'EndpointSlice',
  'localredirect.deleted': 'CiliumLocalRedirectPolicy',
  'egressgateway.deleted': 'CiliumEgressGatewayPolicy',
} as const

function deleted(event: Deletion): ObjectKey {
  const namespace = 'namespace' in event ? event.namespace : ''
  const kind = 'policyKind' in event ? event.policyKind : kinds[event.kind]
  return { kind, namespace, name: event.name }
}
