import type { ObjectKey, WeirEvent } from '@weir/core'
import type { UpsertBody } from '@weir/core/input/kinds.js'
import { factOf } from '../manifests/in-force.js'

type Deletion = Extract<WeirEvent, { readonly kind: `${string}.deleted` }>

/** The object of the cluster that an event is about; undefined of one about the node, a backend, a name or the time. */
export function objectOf(event: WeirEvent): ObjectKey | undefined {
  if (isUpsert(event)) return factOf(event).key
  if (isDeletion(event)) return deletedBy(event)
  switch (event.kind) {
    case 'input.refused':
    case 'input.accepted':
      return event.object
    case 'endpoint.attached':
      return { kind: 'Pod', namespace: event.endpoint.namespace, name: event.endpoint.pod }
    case 'endpoint.detached':
      return { kind: 'Pod', namespace: event.namespace, name: event.pod }
    default:
      return undefined
  }
}

const isUpsert = (event: WeirEvent): event is WeirEvent & UpsertBody => event.kind.endsWith('.upserted')
const isDeletion = (event: WeirEvent): event is Deletion => event.kind.endsWith('.deleted')

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

function deletedBy(event: Deletion): ObjectKey {
  const namespace = 'namespace' in event ? event.namespace : ''
  const kind = 'policyKind' in event ? event.policyKind : kinds[event.kind]
  return { kind, namespace, name: event.name }
}
