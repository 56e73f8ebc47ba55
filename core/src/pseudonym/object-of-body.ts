import type { EventBody, ObjectKey } from '../event/event.js'

/** The object that an event names; undefined of one about the node, a backend, an answer of DNS or the time. */
export function objectOfBody(body: EventBody): ObjectKey | undefined {
  const of = (
    kind: string,
    { namespace = '', name }: { readonly namespace?: string; readonly name: string },
  ): ObjectKey => ({
    kind,
    namespace,
    name,
  })
  switch (body.kind) {
    case 'pod.upserted':
      return of('Pod', body.pod)
    case 'pod.deleted':
      return of('Pod', body)
    case 'endpoint.attached':
      return of('Pod', { namespace: body.endpoint.namespace, name: body.endpoint.pod })
    case 'address.allocated':
      return of('Pod', { namespace: body.attachment.namespace, name: body.attachment.pod })
    case 'endpoint.detached':
      return of('Pod', { namespace: body.namespace, name: body.pod })
    case 'namespace.upserted':
      return of('Namespace', body.namespace)
    case 'namespace.deleted':
      return of('Namespace', body)
    case 'node.upserted':
      return of('Node', body.node)
    case 'node.deleted':
      return of('Node', body)
    case 'service.upserted':
      return of('Service', body.service)
    case 'service.deleted':
      return of('Service', body)
    case 'networkpolicy.upserted':
    case 'ciliumpolicy.upserted':
    case 'clusterpolicy.upserted':
    case 'egressgateway.upserted':
      return of('policy', body.policy)
    case 'networkpolicy.deleted':
    case 'ciliumpolicy.deleted':
    case 'clusterpolicy.deleted':
    case 'egressgateway.deleted':
      return of('policy', body)
    case 'cidrgroup.upserted':
      return of('CiliumCIDRGroup', body.group)
    case 'cidrgroup.deleted':
      return of('CiliumCIDRGroup', body)
    case 'endpointslice.upserted':
      return of('EndpointSlice', body.slice)
    case 'endpointslice.deleted':
      return of('EndpointSlice', body)
    case 'localredirect.upserted':
      return of('CiliumLocalRedirectPolicy', body.redirect)
    case 'localredirect.deleted':
      return of('CiliumLocalRedirectPolicy', body)
    case 'input.refused':
    case 'input.accepted':
      return body.object
    default:
      return undefined
  }
}
