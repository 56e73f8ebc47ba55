import type { EventBody, ObjectKey } from '../event/event.js'
import {
  otherAgent,
  otherAttachment,
  otherBackend,
  otherDevice,
  otherEndpoint,
  otherGatewayPolicy,
  otherPod,
  otherRedirect,
  otherService,
  otherSlice,
} from './objects.js'
import { otherCiliumPolicy, otherClusterPolicy, otherNetworkPolicy } from './policies.js'
import type { Pseudonyms } from './pseudonyms.js'

/**
 * An event with other words in it, made field by field: what isn't known here isn't told. Ports, protocols, verdicts'
 * kinds and places within objects stay; texts that only people read are left out.
 */
export function otherBody(body: EventBody, to: Pseudonyms): EventBody {
  const { words, addresses } = to
  switch (body.kind) {
    case 'agent.configured':
      return { kind: body.kind, agent: otherAgent(body.agent, to) }
    case 'host.observed':
      return { kind: body.kind, host: { addresses: body.host.addresses.map(each => addresses.of(each)) } }
    case 'devices.observed':
      return { kind: body.kind, devices: body.devices.map(device => otherDevice(device, to)) }
    case 'egressgateway.upserted':
      return { kind: body.kind, policy: otherGatewayPolicy(body.policy, to) }
    case 'ipmasq.configured': {
      const { nonMasqueradeCidrs, masqLinkLocal, masqLinkLocalIpv6 } = body.config
      const blocks = nonMasqueradeCidrs.map(each => addresses.of(each))
      return { kind: body.kind, config: { nonMasqueradeCidrs: blocks, masqLinkLocal, masqLinkLocalIpv6 } }
    }
    case 'namespace.upserted': {
      const { name, labels } = body.namespace
      return { kind: body.kind, namespace: { name: words.namespace(name), labels: words.labels(labels) } }
    }
    case 'namespace.deleted':
      return { kind: body.kind, name: words.namespace(body.name) }
    case 'node.upserted': {
      const { name, labels, podCidrs } = body.node
      const node = { name: words.objectName(name), labels: words.labels(labels) }
      const own = body.node.addresses.map(each => addresses.of(each))
      return { kind: body.kind, node: { ...node, addresses: own, podCidrs: podCidrs.map(each => addresses.of(each)) } }
    }
    case 'egressgateway.deleted':
    case 'node.deleted':
    case 'cidrgroup.deleted':
      return { kind: body.kind, name: words.objectName(body.name) }
    case 'pod.upserted':
      return { kind: body.kind, pod: otherPod(body.pod, to) }
    case 'service.upserted':
      return { kind: body.kind, service: otherService(body.service, to) }
    case 'networkpolicy.upserted':
      return { kind: body.kind, policy: otherNetworkPolicy(body.policy, to) }
    case 'ciliumpolicy.upserted':
      return { kind: body.kind, policy: otherCiliumPolicy(body.policy, to) }
    case 'clusterpolicy.upserted':
      return { kind: body.kind, policy: otherClusterPolicy(body.policy, to) }
    case 'pod.deleted':
    case 'service.deleted':
    case 'networkpolicy.deleted':
    case 'endpointslice.deleted':
    case 'localredirect.deleted':
      return { kind: body.kind, namespace: words.namespace(body.namespace), name: words.objectName(body.name) }
    case 'ciliumpolicy.deleted': {
      const { kind, policyKind, namespace, name } = body
      return { kind, policyKind, namespace: words.namespace(namespace), name: words.objectName(name) }
    }
    case 'clusterpolicy.deleted':
      return { kind: body.kind, policyKind: body.policyKind, name: words.objectName(body.name) }
    case 'cidrgroup.upserted': {
      const { name, labels, cidrs } = body.group
      const group = { name: words.objectName(name), labels: words.labels(labels) }
      return { kind: body.kind, group: { ...group, cidrs: cidrs.map(each => addresses.of(each)) } }
    }
    case 'endpointslice.upserted':
      return { kind: body.kind, slice: otherSlice(body.slice, to) }
    case 'localredirect.upserted':
      return { kind: body.kind, redirect: otherRedirect(body.redirect, to) }
    case 'backend.configured':
      return { kind: body.kind, backend: otherBackend(body.backend, to) }
    case 'backend.checked': {
      const { address, port, protocol, healthy, reason } = body.check
      const check = { address: addresses.of(address), port, protocol, healthy }
      return { kind: body.kind, check: { ...check, ...(reason !== undefined && { reason: words.word(reason) }) } }
    }
    case 'dns.answered': {
      const { name, ttlSeconds } = body.answer
      const found = body.answer.addresses.map(each => addresses.of(each))
      return { kind: body.kind, answer: { name: words.domain(name), addresses: found, ttlSeconds } }
    }
    case 'endpoint.attached':
      return { kind: body.kind, endpoint: otherEndpoint(body.endpoint, to) }
    case 'endpoint.detached':
      return { kind: body.kind, namespace: words.namespace(body.namespace), pod: words.objectName(body.pod) }
    case 'address.allocated':
      return { kind: body.kind, attachment: otherAttachment(body.attachment, to) }
    case 'address.released': {
      const { kind, container, ifname, reusableAt } = body
      return { kind, container: words.word(container), ifname: words.word(ifname), reusableAt }
    }
    case 'input.refused':
      return { kind: body.kind, object: otherObject(body.object, to), problems: [leftOut] }
    case 'input.accepted':
      return { kind: body.kind, object: otherObject(body.object, to) }
    case 'ipmasq.withdrawn':
    case 'time.passed':
      return body
  }
}

/** Problems quote what they are about. */
const leftOut = { path: '', message: 'what was wrong is left out' }

function otherObject({ kind, namespace, name }: ObjectKey, { words }: Pseudonyms): ObjectKey {
  return kind === 'Namespace'
    ? { kind, namespace, name: words.namespace(name) }
    : { kind, namespace: words.namespace(namespace), name: words.objectName(name) }
}
