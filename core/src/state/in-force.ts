import type { EventBody, ObjectKey } from '../event/event.js'
import type { UpsertBody } from '../input/kinds.js'
import { type ClusterState, objectKey, refusalKey } from './state.js'

/** The fact that says what an object is in a state; undefined of one that isn't there, or is staged. */
export function bodyInForce(state: ClusterState, key: ObjectKey): UpsertBody | undefined {
  const named = objectKey(key.namespace, key.name)
  switch (key.kind) {
    case 'NetworkPolicy':
      return upsert(state.policies.get(named), policy => ({ kind: 'networkpolicy.upserted', policy }))
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return upsert(state.ciliumPolicies.get(refusalKey(key)), policy => ({ kind: 'ciliumpolicy.upserted', policy }))
    case 'ClusterNetworkPolicy':
    case 'AdminNetworkPolicy':
    case 'BaselineAdminNetworkPolicy':
      return upsert(state.clusterPolicies.get(refusalKey(key)), policy => ({ kind: 'clusterpolicy.upserted', policy }))
    case 'CiliumCIDRGroup':
      return upsert(state.cidrGroups.get(key.name), group => ({ kind: 'cidrgroup.upserted', group }))
    case 'Namespace':
      return upsert(state.namespaces.get(key.name), namespace => ({ kind: 'namespace.upserted', namespace }))
    case 'Node':
      return upsert(state.nodes.get(key.name), node => ({ kind: 'node.upserted', node }))
    case 'Pod':
      return upsert(state.pods.get(named), pod => ({ kind: 'pod.upserted', pod }))
    case 'Service':
      return upsert(state.services.get(named), service => ({ kind: 'service.upserted', service }))
    case 'EndpointSlice':
      return upsert(state.endpointSlices.get(named), slice => ({ kind: 'endpointslice.upserted', slice }))
    default:
      return undefined
  }
}

const upsert = <Fact>(
  stored: { readonly fact: Fact } | undefined,
  body: (fact: Fact) => UpsertBody,
): UpsertBody | undefined => (stored === undefined ? undefined : body(stored.fact))

/** The event that takes an object away, of the kinds that `bodyInForce` knows. */
export function endOf({ kind, namespace, name }: ObjectKey): EventBody | undefined {
  switch (kind) {
    case 'NetworkPolicy':
      return { kind: 'networkpolicy.deleted', namespace, name }
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return { kind: 'ciliumpolicy.deleted', policyKind: kind, namespace, name }
    case 'ClusterNetworkPolicy':
    case 'AdminNetworkPolicy':
    case 'BaselineAdminNetworkPolicy':
      return { kind: 'clusterpolicy.deleted', policyKind: kind, name }
    case 'CiliumCIDRGroup':
      return { kind: 'cidrgroup.deleted', name }
    case 'Namespace':
      return { kind: 'namespace.deleted', name }
    case 'Node':
      return { kind: 'node.deleted', name }
    case 'Pod':
      return { kind: 'pod.deleted', namespace, name }
    case 'Service':
      return { kind: 'service.deleted', namespace, name }
    case 'EndpointSlice':
      return { kind: 'endpointslice.deleted', namespace, name }
    default:
      return undefined
  }
}
