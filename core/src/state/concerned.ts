import type { EventBody } from '../event/event.js'
import { backendTargetText, socketText } from '../service/backend-text.js'
import { attachmentKey, type ClusterState, objectKey, refusalKey, type Stored } from './state.js'

/**
 * The version of the object that an event is about, as a state has it: before the event, what it replaces or deletes.
 * Undefined where there is none, and of events that are about no object: answers of DNS, and time.
 */
export function versionOf(state: ClusterState, event: EventBody): Stored<unknown> | undefined {
  switch (event.kind) {
    case 'pod.upserted':
      return state.pods.get(objectKey(event.pod.namespace, event.pod.name))
    case 'pod.deleted':
      return state.pods.get(objectKey(event.namespace, event.name))
    case 'namespace.upserted':
      return state.namespaces.get(event.namespace.name)
    case 'namespace.deleted':
      return state.namespaces.get(event.name)
    case 'node.upserted':
      return state.nodes.get(event.node.name)
    case 'node.deleted':
      return state.nodes.get(event.name)
    case 'service.upserted':
      return state.services.get(objectKey(event.service.namespace, event.service.name))
    case 'service.deleted':
      return state.services.get(objectKey(event.namespace, event.name))
    case 'networkpolicy.upserted':
      return policyOf(state, 'NetworkPolicy', event.policy.namespace, event.policy.name)
    case 'networkpolicy.deleted':
      return policyOf(state, 'NetworkPolicy', event.namespace, event.name)
    case 'ciliumpolicy.upserted':
      return policyOf(state, event.policy.kind, event.policy.namespace, event.policy.name)
    case 'ciliumpolicy.deleted':
      return policyOf(state, event.policyKind, event.namespace, event.name)
    case 'clusterpolicy.upserted':
      return policyOf(state, event.policy.kind, '', event.policy.name)
    case 'clusterpolicy.deleted':
      return policyOf(state, event.policyKind, '', event.name)
    case 'cidrgroup.upserted':
      return state.cidrGroups.get(event.group.name)
    case 'cidrgroup.deleted':
      return state.cidrGroups.get(event.name)
    case 'endpointslice.upserted':
      return state.endpointSlices.get(objectKey(event.slice.namespace, event.slice.name))
    case 'endpointslice.deleted':
      return state.endpointSlices.get(objectKey(event.namespace, event.name))
    case 'localredirect.upserted':
      return state.localRedirects.get(objectKey(event.redirect.namespace, event.redirect.name))
    case 'localredirect.deleted':
      return state.localRedirects.get(objectKey(event.namespace, event.name))
    case 'egressgateway.upserted':
      return state.egressGateways.get(event.policy.name)
    case 'egressgateway.deleted':
      return state.egressGateways.get(event.name)
    case 'endpoint.attached':
      return state.endpoints.get(objectKey(event.endpoint.namespace, event.endpoint.pod))
    case 'endpoint.detached':
      return state.endpoints.get(objectKey(event.namespace, event.pod))
    case 'address.allocated':
      return state.attachments.get(attachmentKey(event.attachment.container, event.attachment.ifname))
    case 'address.released':
      return state.attachments.get(attachmentKey(event.container, event.ifname))
    case 'backend.configured':
      return state.backends.get(backendTargetText(event.backend.target))
    case 'backend.checked':
      return state.failedChecks.get(socketText(event.check.address, event.check.port, event.check.protocol))
    case 'input.refused':
    case 'input.accepted': {
      const refused = state.refusals.get(refusalKey(event.object))
      return refused === undefined ? undefined : { fact: { problems: refused.problems }, seq: refused.seq }
    }
    case 'ipmasq.configured':
    case 'ipmasq.withdrawn':
      return state.ipMasq
    case 'devices.observed':
      return state.devices
    case 'agent.configured':
      return state.agent
    case 'host.observed':
      return state.host
    case 'dns.answered':
    case 'time.passed':
      return undefined
  }
}

/** In force or staged: it is never both. */
function policyOf(state: ClusterState, kind: string, namespace: string, name: string): Stored<unknown> | undefined {
  const key = refusalKey({ kind, namespace, name })
  const inForce =
    kind === 'NetworkPolicy'
      ? state.policies.get(objectKey(namespace, name))
      : (state.ciliumPolicies.get(key) ?? state.clusterPolicies.get(key))
  return inForce ?? state.staged.get(key)
}
