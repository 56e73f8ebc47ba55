import type { WeirEvent } from '../event/event.js'
import { WeirError } from '../errors.js'
import { backendTargetText, socketText } from '../service/backend-text.js'
import { noteAllocated, noteReleased, noteTime } from './addresses.js'
import { stage } from './staged.js'
import { objectKey, refusalKey, type MutableClusterState } from './state.js'

/**
 * Folds one event into the inputs. Says nothing of what follows from them: identities and verdicts are projections of
 * their own.
 * @throws WEIR_EVENT_OUT_OF_ORDER, WEIR_EVENT_UNKNOWN; the state is as before then
 */
export function reduceState(state: MutableClusterState, event: WeirEvent): void {
  const { seq } = event
  if (seq !== state.seq + 1) {
    const expected = state.seq + 1
    throw new WeirError('WEIR_EVENT_OUT_OF_ORDER', `event ${seq} came where ${expected} must follow`, { seq, expected })
  }
  switch (event.kind) {
    case 'pod.upserted':
      state.pods.set(objectKey(event.pod.namespace, event.pod.name), { fact: event.pod, seq })
      settleRefusal(state, 'Pod', event.pod.namespace, event.pod.name)
      break
    case 'pod.deleted':
      state.pods.delete(objectKey(event.namespace, event.name))
      settleRefusal(state, 'Pod', event.namespace, event.name)
      break
    case 'namespace.upserted':
      state.namespaces.set(event.namespace.name, { fact: event.namespace, seq })
      settleRefusal(state, 'Namespace', '', event.namespace.name)
      break
    case 'namespace.deleted':
      state.namespaces.delete(event.name)
      settleRefusal(state, 'Namespace', '', event.name)
      break
    case 'node.upserted':
      state.nodes.set(event.node.name, { fact: event.node, seq })
      settleRefusal(state, 'Node', '', event.node.name)
      break
    case 'node.deleted':
      state.nodes.delete(event.name)
      settleRefusal(state, 'Node', '', event.name)
      break
    case 'service.upserted':
      state.services.set(objectKey(event.service.namespace, event.service.name), { fact: event.service, seq })
      settleRefusal(state, 'Service', event.service.namespace, event.service.name)
      break
    case 'service.deleted':
      state.services.delete(objectKey(event.namespace, event.name))
      settleRefusal(state, 'Service', event.namespace, event.name)
      break
    case 'networkpolicy.upserted': {
      const { policy: fact } = event
      const { namespace, name } = fact
      const staged = stage(state, refusalKey({ kind: 'NetworkPolicy', namespace, name }), {
        dialect: 'kubernetes',
        fact,
        seq,
      })
      if (staged) state.policies.delete(objectKey(namespace, name))
      else state.policies.set(objectKey(namespace, name), { fact, seq })
      settleRefusal(state, 'NetworkPolicy', namespace, name)
      break
    }
    case 'networkpolicy.deleted':
      state.policies.delete(objectKey(event.namespace, event.name))
      state.staged.delete(refusalKey({ ...event, kind: 'NetworkPolicy' }))
      settleRefusal(state, 'NetworkPolicy', event.namespace, event.name)
      break
    case 'ciliumpolicy.upserted': {
      const { policy: fact } = event
      const { kind, namespace, name } = fact
      const key = refusalKey({ kind, namespace, name })
      if (stage(state, key, { dialect: 'cilium', fact, seq })) state.ciliumPolicies.delete(key)
      else state.ciliumPolicies.set(key, { fact, seq })
      settleRefusal(state, kind, namespace, name)
      break
    }
    case 'ciliumpolicy.deleted':
      state.ciliumPolicies.delete(refusalKey({ ...event, kind: event.policyKind }))
      state.staged.delete(refusalKey({ ...event, kind: event.policyKind }))
      settleRefusal(state, event.policyKind, event.namespace, event.name)
      break
    case 'clusterpolicy.upserted': {
      const { policy: fact } = event
      const { kind, name } = fact
      const key = refusalKey({ kind, namespace: '', name })
      if (stage(state, key, { dialect: 'cluster', fact, seq })) state.clusterPolicies.delete(key)
      else state.clusterPolicies.set(key, { fact, seq })
      settleRefusal(state, kind, '', name)
      break
    }
    case 'clusterpolicy.deleted':
      state.clusterPolicies.delete(refusalKey({ kind: event.policyKind, namespace: '', name: event.name }))
      state.staged.delete(refusalKey({ kind: event.policyKind, namespace: '', name: event.name }))
      settleRefusal(state, event.policyKind, '', event.name)
      break
    case 'cidrgroup.upserted':
      state.cidrGroups.set(event.group.name, { fact: event.group, seq })
      settleRefusal(state, 'CiliumCIDRGroup', '', event.group.name)
      break
    case 'cidrgroup.deleted':
      state.cidrGroups.delete(event.name)
      settleRefusal(state, 'CiliumCIDRGroup', '', event.name)
      break
    case 'endpointslice.upserted':
      state.endpointSlices.set(objectKey(event.slice.namespace, event.slice.name), { fact: event.slice, seq })
      settleRefusal(state, 'EndpointSlice', event.slice.namespace, event.slice.name)
      break
    case 'endpointslice.deleted':
      state.endpointSlices.delete(objectKey(event.namespace, event.name))
      settleRefusal(state, 'EndpointSlice', event.namespace, event.name)
      break
    case 'localredirect.upserted': {
      const { namespace, name } = event.redirect
      state.localRedirects.set(objectKey(namespace, name), { fact: event.redirect, seq })
      settleRefusal(state, 'CiliumLocalRedirectPolicy', namespace, name)
      break
    }
    case 'localredirect.deleted':
      state.localRedirects.delete(objectKey(event.namespace, event.name))
      settleRefusal(state, 'CiliumLocalRedirectPolicy', event.namespace, event.name)
      break
    case 'egressgateway.upserted':
      state.egressGateways.set(event.policy.name, { fact: event.policy, seq })
      settleRefusal(state, 'CiliumEgressGatewayPolicy', '', event.policy.name)
      break
    case 'egressgateway.deleted':
      state.egressGateways.delete(event.name)
      settleRefusal(state, 'CiliumEgressGatewayPolicy', '', event.name)
      break
    case 'ipmasq.configured':
      state.ipMasq = { fact: event.config, seq }
      break
    case 'ipmasq.withdrawn':
      state.ipMasq = undefined
      break
    case 'devices.observed':
      state.devices = { fact: event.devices, seq }
      break
    case 'backend.configured': {
      const { target, state: told, weight } = event.backend
      if (told === 'active' && weight === undefined) state.backends.delete(backendTargetText(target))
      else state.backends.set(backendTargetText(target), { fact: event.backend, seq })
      break
    }
    case 'backend.checked': {
      const { address, port, protocol, healthy } = event.check
      const socket = socketText(address, port, protocol)
      if (healthy) state.failedChecks.delete(socket)
      else state.failedChecks.set(socket, { fact: event.check, seq })
      break
    }
    case 'dns.answered':
      state.dns.answer(event.answer, event.time, state.timeMs, seq)
      break
    case 'endpoint.attached':
      state.endpoints.set(objectKey(event.endpoint.namespace, event.endpoint.pod), { fact: event.endpoint, seq })
      break
    case 'endpoint.detached':
      state.endpoints.delete(objectKey(event.namespace, event.pod))
      break
    case 'address.allocated':
      noteAllocated(state, event.attachment, seq)
      break
    case 'address.released':
      noteReleased(state, event, seq)
      break
    case 'agent.configured':
      state.agent = { fact: event.agent, seq }
      break
    case 'host.observed':
      state.host = { fact: event.host, seq }
      break
    case 'input.refused':
      state.refusals.set(refusalKey(event.object), { object: event.object, problems: event.problems, seq })
      break
    case 'input.accepted':
      state.refusals.delete(refusalKey(event.object))
      break
    case 'time.passed':
      if (event.until > state.timeMs) {
        state.timeMs = event.until
        state.dns.expire(event.until)
        noteTime(state)
      }
      break
    default:
      throw new WeirError('WEIR_EVENT_UNKNOWN', `event ${seq} is of a kind unknown to this build`, {
        seq,
        kind: (event as WeirEvent).kind,
      })
  }
  state.seq = seq
}

/** A version that is understood, or the object's end, makes what was refused before it moot. */
function settleRefusal(state: MutableClusterState, kind: string, namespace: string, name: string): void {
  if (state.refusals.size > 0) state.refusals.delete(refusalKey({ kind, namespace, name }))
}
