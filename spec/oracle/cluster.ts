import type { CidrGroupFact, CiliumPolicyFact } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import type { DeviceFact, EgressGatewayPolicyFact, IpMasqFact } from '@weir/core/event/egress.js'
import type {
  AgentFact,
  DnsAnswerFact,
  EventBody,
  Labels,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  PodFact,
} from '@weir/core/event/event.js'
import type {
  BackendCheckFact,
  BackendFact,
  EndpointSliceFact,
  LocalRedirectPolicyFact,
  ServiceFact,
} from '@weir/core/event/service.js'

/** What exists at one moment, as far as a policy can tell. Lists that are absent are empty. */
export interface OracleCluster {
  /** Absent before the agent knows its node: then no pod is local. */
  readonly agent?: AgentFact
  /** What this node's devices have; without an agent nobody knows whose they are. */
  readonly observed?: readonly string[]
  /** Whether anybody has looked. */
  readonly hasObserved?: boolean
  readonly devices?: readonly DeviceFact[]
  readonly ipMasq?: IpMasqFact
  readonly egressGateways?: readonly EgressGatewayPolicyFact[]
  readonly namespaces: readonly NamespaceFact[]
  readonly nodes: readonly NodeFact[]
  readonly pods: readonly PodFact[]
  readonly policies: readonly NetworkPolicyFact[]
  /** Pods whose interface is on this node, by `namespace/name`. */
  readonly attached?: readonly string[]
  readonly services?: readonly ServiceFact[]
  readonly slices?: readonly EndpointSliceFact[]
  readonly redirects?: readonly LocalRedirectPolicyFact[]
  /** What was said of single backends last. */
  readonly backends?: readonly BackendFact[]
  /** Tries of single backends that failed last. */
  readonly failedChecks?: readonly BackendCheckFact[]
  readonly ciliumPolicies?: readonly CiliumPolicyFact[]
  readonly cidrGroups?: readonly CidrGroupFact[]
  readonly clusterPolicies?: readonly ClusterPolicyFact[]
  /** Every DNS answer there ever was. */
  readonly answers?: readonly HeardAnswer[]
  /** Milliseconds since the epoch; absent: no time has passed yet. */
  readonly timeMs?: number
}

/** A DNS answer and when it was heard, in milliseconds since the epoch. */
export interface HeardAnswer {
  readonly answer: DnsAnswerFact
  readonly heardMs: number
}

/** An event as histories hold it before they are numbered; `time` matters to DNS answers only. */
export type TimedBody = EventBody & { readonly time?: number }

/** Who is at an address. */
export type Party =
  | { readonly kind: 'pod'; readonly pod: PodFact }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'outside' }

/** The cluster after a history: of each object the last word, and nothing of those deleted. Time never goes back. */
export function clusterOf(events: readonly TimedBody[]): OracleCluster {
  let agent: AgentFact | undefined
  let observed: readonly string[] | undefined
  let devices: readonly DeviceFact[] = []
  let ipMasq: IpMasqFact | undefined
  const egressGateways = new Map<string, EgressGatewayPolicyFact>()
  let timeMs = 0
  const namespaces = new Map<string, NamespaceFact>()
  const nodes = new Map<string, NodeFact>()
  const pods = new Map<string, PodFact>()
  const policies = new Map<string, NetworkPolicyFact>()
  const attached = new Set<string>()
  const services = new Map<string, ServiceFact>()
  const slices = new Map<string, EndpointSliceFact>()
  const redirects = new Map<string, LocalRedirectPolicyFact>()
  const backends = new Map<string, BackendFact>()
  const failedChecks = new Map<string, BackendCheckFact>()
  const ciliumPolicies = new Map<string, CiliumPolicyFact>()
  const cidrGroups = new Map<string, CidrGroupFact>()
  const clusterPolicies = new Map<string, ClusterPolicyFact>()
  const answers: HeardAnswer[] = []
  for (const event of events) {
    if (event.kind === 'endpoint.attached') attached.add(`${event.endpoint.namespace}/${event.endpoint.pod}`)
    if (event.kind === 'endpoint.detached') attached.delete(`${event.namespace}/${event.pod}`)
    if (event.kind === 'agent.configured') agent = event.agent
    if (event.kind === 'host.observed') observed = event.host.addresses
    if (event.kind === 'devices.observed') devices = event.devices
    if (event.kind === 'ipmasq.configured') ipMasq = event.config
    if (event.kind === 'ipmasq.withdrawn') ipMasq = undefined
    if (event.kind === 'egressgateway.upserted') egressGateways.set(event.policy.name, event.policy)
    if (event.kind === 'egressgateway.deleted') egressGateways.delete(event.name)
    if (event.kind === 'namespace.upserted') namespaces.set(event.namespace.name, event.namespace)
    if (event.kind === 'namespace.deleted') namespaces.delete(event.name)
    if (event.kind === 'node.upserted') nodes.set(event.node.name, event.node)
    if (event.kind === 'node.deleted') nodes.delete(event.name)
    if (event.kind === 'pod.upserted') pods.set(nameOf(event.pod), event.pod)
    if (event.kind === 'pod.deleted') pods.delete(nameOf(event))
    if (event.kind === 'networkpolicy.upserted') policies.set(nameOf(event.policy), event.policy)
    if (event.kind === 'networkpolicy.deleted') policies.delete(nameOf(event))
    if (event.kind === 'service.upserted') services.set(nameOf(event.service), event.service)
    if (event.kind === 'service.deleted') services.delete(nameOf(event))
    if (event.kind === 'endpointslice.upserted') slices.set(nameOf(event.slice), event.slice)
    if (event.kind === 'endpointslice.deleted') slices.delete(nameOf(event))
    if (event.kind === 'localredirect.upserted') redirects.set(nameOf(event.redirect), event.redirect)
    if (event.kind === 'localredirect.deleted') redirects.delete(nameOf(event))
    if (event.kind === 'backend.configured') {
      const { target, state, weight } = event.backend
      if (state === 'active' && weight === undefined) backends.delete(JSON.stringify(target))
      else backends.set(JSON.stringify(target), event.backend)
    }
    if (event.kind === 'backend.checked') {
      const { address, port, protocol, healthy } = event.check
      failedChecks.delete(`${address} ${port} ${protocol}`)
      if (!healthy) failedChecks.set(`${address} ${port} ${protocol}`, event.check)
    }
    if (event.kind === 'ciliumpolicy.upserted')
      ciliumPolicies.set(`${event.policy.kind} ${nameOf(event.policy)}`, event.policy)
    if (event.kind === 'ciliumpolicy.deleted') ciliumPolicies.delete(`${event.policyKind} ${nameOf(event)}`)
    if (event.kind === 'cidrgroup.upserted') cidrGroups.set(event.group.name, event.group)
    if (event.kind === 'cidrgroup.deleted') cidrGroups.delete(event.name)
    if (event.kind === 'clusterpolicy.upserted')
      clusterPolicies.set(`${event.policy.kind} ${event.policy.name}`, event.policy)
    if (event.kind === 'clusterpolicy.deleted') clusterPolicies.delete(`${event.policyKind} ${event.name}`)
    if (event.kind === 'dns.answered') answers.push({ answer: event.answer, heardMs: event.time ?? 0 })
    if (event.kind === 'time.passed') timeMs = Math.max(timeMs, event.until)
  }
  return {
    ...(agent && { agent }),
    observed: observed ?? [],
    hasObserved: observed !== undefined,
    devices,
    ...(ipMasq && { ipMasq }),
    egressGateways: [...egressGateways.values()],
    namespaces: [...namespaces.values()],
    nodes: [...nodes.values()],
    pods: [...pods.values()],
    policies: [...policies.values()],
    attached: [...attached],
    services: [...services.values()],
    slices: [...slices.values()],
    redirects: [...redirects.values()],
    backends: [...backends.values()],
    failedChecks: [...failedChecks.values()],
    ciliumPolicies: [...ciliumPolicies.values()],
    cidrGroups: [...cidrGroups.values()],
    clusterPolicies: [...clusterPolicies.values()],
    answers,
    timeMs,
  }
}

/** `namespace/name` */
export function nameOf(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`
}

/**
 * Who is at the address. A hostNetwork pod has its node's addresses: whoever talks to it talks to the node. Should two
 * claim one address, as when it is given to a new pod before the old one is seen to be gone, this node wins with what its
 * devices have, then nodes over pods, this node's pods over those of others, and then the first by name: facts carry no
 * order of their own.
 */
export function partyAt(cluster: OracleCluster, address: string): Party {
  if (cluster.agent && cluster.observed?.includes(address)) return { kind: 'node', node: cluster.agent.node }
  const node = cluster.nodes.filter(candidate => candidate.addresses.includes(address)).sort(byName)[0]
  if (node) return { kind: 'node', node: node.name }
  const there = cluster.pods.filter(candidate => candidate.addresses.includes(address)).sort(byName)
  const hosted = there.find(pod => pod.hostNetwork)
  if (hosted) return { kind: 'node', node: hosted.node }
  const pod = there.find(candidate => isLocal(cluster, candidate)) ?? there[0]
  return pod ? { kind: 'pod', pod } : { kind: 'outside' }
}

function byName(a: { namespace?: string; name: string }, b: { namespace?: string; name: string }): number {
  const left = `${a.namespace ?? ''}/${a.name}`
  const right = `${b.namespace ?? ''}/${b.name}`
  return left < right ? -1 : left > right ? 1 : 0
}

/** A namespace's labels. Every namespace is labelled with its own name, whatever else is known of it. */
export function namespaceLabels(cluster: OracleCluster, name: string): Labels {
  const labels = cluster.namespaces.find(namespace => namespace.name === name)?.labels ?? {}
  return { ...labels, 'kubernetes.io/metadata.name': name }
}

/** A node's labels; one that is only known by the pods that run on it has none. */
export function nodeLabels(cluster: OracleCluster, name: string): Labels {
  return cluster.nodes.find(node => node.name === name)?.labels ?? {}
}

/** Does the node of this log enforce the pod's policies? It is where the pod is to run, or where its interface is. */
export function isLocal(cluster: OracleCluster, pod: PodFact): boolean {
  const scheduledHere = pod.node !== '' && pod.node === cluster.agent?.node
  return scheduledHere || (cluster.attached ?? []).includes(nameOf(pod))
}

/** The node that runs the pod: this one for a local pod, whatever its fact still says. */
export function nodeOf(cluster: OracleCluster, pod: PodFact): string | undefined {
  return isLocal(cluster, pod) ? cluster.agent?.node : pod.node
}
