import type { UpsertBody } from '../input/kinds.js'
import { writtenCidrGroup, writtenCiliumPolicy } from './cilium.js'
import { writtenClusterPolicy } from './cluster-policy.js'
import { writtenNetworkPolicy } from './network-policy.js'
import { writtenEndpointSlice, writtenService } from './service.js'
import { writtenNamespace, writtenPod } from './workload.js'
import type { WrittenObject } from './written.js'

/**
 * The object that would be read as this fact: what the fact has and nothing else, so that labels and annotations of a
 * policy, images of a pod and the like aren't in it. Undefined for kinds that nobody writes by hand.
 */
export function writtenObject(body: UpsertBody): WrittenObject | undefined {
  switch (body.kind) {
    case 'networkpolicy.upserted':
      return writtenNetworkPolicy(body.policy)
    case 'ciliumpolicy.upserted':
      return writtenCiliumPolicy(body.policy)
    case 'clusterpolicy.upserted':
      return writtenClusterPolicy(body.policy)
    case 'cidrgroup.upserted':
      return writtenCidrGroup(body.group)
    case 'namespace.upserted':
      return writtenNamespace(body.namespace)
    case 'pod.upserted':
      return writtenPod(body.pod)
    case 'service.upserted':
      return writtenService(body.service)
    case 'endpointslice.upserted':
      return writtenEndpointSlice(body.slice)
    case 'node.upserted':
    case 'localredirect.upserted':
    case 'egressgateway.upserted':
      return undefined
  }
}
