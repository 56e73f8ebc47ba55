import type { AttachmentFact } from '../event/attachment.js'
import type { AgentFact, EndpointFact, NamedPort, PodFact } from '../event/event.js'
import type { DeviceFact, EgressGatewayPolicyFact } from '../event/egress.js'
import type {
  BackendFact,
  EndpointSliceFact,
  LocalRedirectPolicyFact,
  RedirectPort,
  ServiceFact,
  SliceEndpoint,
} from '../event/service.js'
import { LabelFilter } from '../identity/filter.js'
import { derivedKeys } from '../identity/labels.js'
import type { Pseudonyms } from './pseudonyms.js'

const addressesOf = (addresses: readonly string[], to: Pseudonyms): readonly string[] =>
  addresses.map(address => to.addresses.of(address))

const otherPorts = <Port extends NamedPort | RedirectPort>(ports: readonly Port[], to: Pseudonyms): readonly Port[] =>
  ports.map(port => ({ ...port, name: to.words.word(port.name) }))

export function otherPod(pod: PodFact, to: Pseudonyms): PodFact {
  const { workload, hostPorts, ready, terminating, init } = pod
  const slash = workload?.indexOf('/') ?? 0
  return {
    namespace: to.words.namespace(pod.namespace),
    name: to.words.objectName(pod.name),
    labels: to.words.labels(pod.labels),
    serviceAccount: to.words.labelValue(pod.serviceAccount),
    node: to.words.objectName(pod.node),
    addresses: addressesOf(pod.addresses, to),
    hostNetwork: pod.hostNetwork,
    ports: otherPorts(
      pod.ports.map(({ name, protocol, port }) => ({ name, protocol, port })),
      to,
    ),
    ...(workload !== undefined && {
      workload: workload.slice(0, slash + 1) + to.words.objectName(workload.slice(slash + 1)),
    }),
    ...(hostPorts !== undefined && {
      hostPorts: hostPorts.map(({ protocol, port, containerPort, address }) => ({
        ...{ protocol, port, containerPort },
        ...(address !== undefined && { address: to.addresses.of(address) }),
      })),
    }),
    ...(ready !== undefined && { ready }),
    ...(terminating !== undefined && { terminating }),
    ...(init !== undefined && { init }),
  }
}

/** A filter of label keys speaks of the keys that there are, one by one: patterns would say what they are. */
export function otherAgent(agent: AgentFact, to: Pseudonyms): AgentFact {
  const { cidrMatch, failSafePorts, nodePortAddresses, masquerade, nativeRoutingCidrs } = agent
  const [was, is] = [new LabelFilter(agent.labelFilter), new LabelFilter()]
  const { podKeys, namespaceKeys } = to.vocabulary
  const keys = [...podKeys, ...[...namespaceKeys].map(key => derivedKeys.namespaceLabels + key)]
  const labelFilter = keys.flatMap(key => {
    const [keeps, other] = [was.keeps(key), to.words.labelKey(key)]
    return keeps === is.keeps(other) ? [] : [keeps ? `!${other}` : other]
  })
  return {
    node: to.words.objectName(agent.node),
    cluster: to.words.labelValue(agent.cluster),
    labelFilter: [...new Set(labelFilter)].sort(),
    ...(cidrMatch !== undefined && { cidrMatch }),
    ...(failSafePorts !== undefined && { failSafePorts }),
    ...(nodePortAddresses !== undefined && { nodePortAddresses: addressesOf(nodePortAddresses, to) }),
    ...(masquerade !== undefined && { masquerade }),
    ...(nativeRoutingCidrs !== undefined && { nativeRoutingCidrs: addressesOf(nativeRoutingCidrs, to) }),
  }
}

export const otherEndpoint = ({ namespace, pod, ifindex, ifname, hostMac, podMac }: EndpointFact, to: Pseudonyms) => ({
  namespace: to.words.namespace(namespace),
  pod: to.words.objectName(pod),
  ifindex,
  ifname: to.words.word(ifname),
  hostMac: otherMac(hostMac, to),
  podMac: otherMac(podMac, to),
})

/** The file of a namespace is of use to nobody elsewhere. */
export const otherAttachment = (attachment: AttachmentFact, { words, addresses }: Pseudonyms): AttachmentFact => ({
  network: words.word(attachment.network),
  container: words.word(attachment.container),
  ifname: words.word(attachment.ifname),
  netns: '',
  namespace: words.namespace(attachment.namespace),
  pod: words.objectName(attachment.pod),
  device: words.word(attachment.device),
  addresses: attachment.addresses.map(each => addresses.of(each)),
})

/** A locally administered one. */
function otherMac(mac: string, to: Pseudonyms): string {
  const digits = to.words.word(mac).slice(1)
  return ['02', ...[0, 2, 4, 6, 8].map(at => digits.slice(at, at + 2))].join(':')
}

export function otherService(service: ServiceFact, to: Pseudonyms): ServiceFact {
  const { labels, externalIps, loadBalancerIps, loadBalancerSourceRanges, healthCheck, ...rest } = service
  const { type, affinitySeconds, externalTrafficPolicy, internalTrafficPolicy } = rest
  const { healthCheckNodePort, publishNotReadyAddresses, topology } = rest
  return {
    namespace: to.words.namespace(service.namespace),
    name: to.words.objectName(service.name),
    type,
    clusterIps: service.clusterIps.map(address => to.addresses.of(address)),
    selector: to.words.labels(service.selector),
    ...(labels !== undefined && { labels: to.words.labels(labels) }),
    ports: service.ports.map(({ name, protocol, port, targetPort, nodePort }) => ({
      ...{ name: to.words.word(name), protocol, port },
      targetPort: typeof targetPort === 'number' ? targetPort : to.words.word(targetPort),
      ...(nodePort !== undefined && { nodePort }),
    })),
    ...(externalIps !== undefined && { externalIps: addressesOf(externalIps, to) }),
    ...(loadBalancerIps !== undefined && { loadBalancerIps: addressesOf(loadBalancerIps, to) }),
    ...(affinitySeconds !== undefined && { affinitySeconds }),
    ...(externalTrafficPolicy !== undefined && { externalTrafficPolicy }),
    ...(internalTrafficPolicy !== undefined && { internalTrafficPolicy }),
    ...(loadBalancerSourceRanges !== undefined && {
      loadBalancerSourceRanges: addressesOf(loadBalancerSourceRanges, to),
    }),
    ...(healthCheckNodePort !== undefined && { healthCheckNodePort }),
    ...(publishNotReadyAddresses !== undefined && { publishNotReadyAddresses }),
    ...(healthCheck !== undefined && {
      healthCheck: {
        ...healthCheck,
        ...(healthCheck.path !== undefined && { path: `/${to.words.word(healthCheck.path)}` }),
      },
    }),
    ...(topology !== undefined && { topology }),
  }
}

export const otherSlice = (slice: EndpointSliceFact, to: Pseudonyms): EndpointSliceFact => ({
  namespace: to.words.namespace(slice.namespace),
  name: to.words.objectName(slice.name),
  service: to.words.objectName(slice.service),
  endpoints: slice.endpoints.map(endpoint => otherSliceEndpoint(endpoint, to)),
  ports: otherPorts(
    slice.ports.map(({ name, protocol, port }) => ({ name, protocol, port })),
    to,
  ),
})

function otherSliceEndpoint(endpoint: SliceEndpoint, to: Pseudonyms): SliceEndpoint {
  const { ready, serving, terminating, node, zone, hints, pod } = endpoint
  return {
    addresses: addressesOf(endpoint.addresses, to),
    ...{ ready, serving, terminating },
    ...(node !== undefined && { node: to.words.objectName(node) }),
    ...(zone !== undefined && { zone: to.words.labelValue(zone) }),
    ...(hints !== undefined && {
      hints: {
        zones: hints.zones.map(each => to.words.labelValue(each)).sort(),
        nodes: hints.nodes.map(each => to.words.objectName(each)).sort(),
      },
    }),
    ...(pod !== undefined && { pod: to.words.objectName(pod) }),
  }
}

export function otherRedirect(redirect: LocalRedirectPolicyFact, to: Pseudonyms): LocalRedirectPolicyFact {
  const { frontend } = redirect
  const ports = otherPorts(frontend.ports, to)
  return {
    namespace: to.words.namespace(redirect.namespace),
    name: to.words.objectName(redirect.name),
    frontend:
      frontend.kind === 'address'
        ? { kind: 'address', address: to.addresses.of(frontend.address), ports }
        : { kind: 'service', service: to.words.objectName(frontend.service), ports },
    selector: to.selector(redirect.selector),
    backendPorts: otherPorts(redirect.backendPorts, to),
    skipRedirectFromBackend: redirect.skipRedirectFromBackend,
  }
}

export const otherBackend = ({ target, state, weight }: BackendFact, to: Pseudonyms): BackendFact => ({
  target:
    target.kind === 'pod'
      ? { kind: 'pod', namespace: to.words.namespace(target.namespace), name: to.words.objectName(target.name) }
      : { kind: 'address', address: to.addresses.of(target.address), port: target.port, protocol: target.protocol },
  state,
  ...(weight !== undefined && { weight }),
})

export const otherGatewayPolicy = (policy: EgressGatewayPolicyFact, to: Pseudonyms): EgressGatewayPolicyFact => ({
  name: to.words.objectName(policy.name),
  selectors: policy.selectors.map(({ podSelector, namespaceSelector, nodeSelector }) => ({
    ...(podSelector !== undefined && { podSelector: to.selector(podSelector) }),
    ...(namespaceSelector !== undefined && { namespaceSelector: to.selector(namespaceSelector) }),
    ...(nodeSelector !== undefined && { nodeSelector: to.selector(nodeSelector) }),
  })),
  destinationCidrs: addressesOf(policy.destinationCidrs, to),
  excludedCidrs: addressesOf(policy.excludedCidrs, to),
  gateways: policy.gateways.map(({ nodeSelector, interface: device, egressIp }) => ({
    nodeSelector: to.selector(nodeSelector),
    ...(device !== undefined && { interface: to.words.word(device) }),
    ...(egressIp !== undefined && { egressIp: to.addresses.of(egressIp) }),
  })),
})

export const otherDevice = (device: DeviceFact, to: Pseudonyms): DeviceFact => ({
  ifindex: device.ifindex,
  ifname: to.words.word(device.ifname),
  isOwn: device.isOwn,
  hasDefaultRoute: device.hasDefaultRoute,
  addresses: addressesOf(device.addresses, to),
})
