import type {
  AgentFact,
  EventBody,
  Labels,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  PodFact,
} from '@weir/core/event/event.js'

/** What exists at one moment, as far as a NetworkPolicy can tell. */
export interface OracleCluster {
  /** Absent before the agent knows its node: then no pod is local. */
  readonly agent?: AgentFact
  readonly namespaces: readonly NamespaceFact[]
  readonly nodes: readonly NodeFact[]
  readonly pods: readonly PodFact[]
  readonly policies: readonly NetworkPolicyFact[]
  /** Pods whose interface is on this node, by `namespace/name`; absent: none. */
  readonly attached?: readonly string[]
}

/** Who is at an address. */
export type Party =
  | { readonly kind: 'pod'; readonly pod: PodFact }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'outside' }

/** The cluster after a history: of each object the last word, and nothing of those deleted. */
export function clusterOf(events: readonly EventBody[]): OracleCluster {
  let agent: AgentFact | undefined
  const namespaces = new Map<string, NamespaceFact>()
  const nodes = new Map<string, NodeFact>()
  const pods = new Map<string, PodFact>()
  const policies = new Map<string, NetworkPolicyFact>()
  const attached = new Set<string>()
  for (const event of events) {
    if (event.kind === 'endpoint.attached') attached.add(`${event.endpoint.namespace}/${event.endpoint.pod}`)
    if (event.kind === 'endpoint.detached') attached.delete(`${event.namespace}/${event.pod}`)
    if (event.kind === 'agent.configured') agent = event.agent
    if (event.kind === 'namespace.upserted') namespaces.set(event.namespace.name, event.namespace)
    if (event.kind === 'namespace.deleted') namespaces.delete(event.name)
    if (event.kind === 'node.upserted') nodes.set(event.node.name, event.node)
    if (event.kind === 'node.deleted') nodes.delete(event.name)
    if (event.kind === 'pod.upserted') pods.set(nameOf(event.pod), event.pod)
    if (event.kind === 'pod.deleted') pods.delete(nameOf(event))
    if (event.kind === 'networkpolicy.upserted') policies.set(nameOf(event.policy), event.policy)
    if (event.kind === 'networkpolicy.deleted') policies.delete(nameOf(event))
  }
  return {
    ...(agent && { agent }),
    namespaces: [...namespaces.values()],
    nodes: [...nodes.values()],
    pods: [...pods.values()],
    policies: [...policies.values()],
    attached: [...attached],
  }
}

/** `namespace/name` */
export function nameOf(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`
}

/**
 * Who is at the address. A hostNetwork pod has its node's addresses: whoever talks to it talks to the node. Should two
 * claim one address, as when it is given to a new pod before the old one is seen to be gone, nodes win over pods, this
 * node's pods over those of others, and then the first by name: facts carry no order of their own.
 */
export function partyAt(cluster: OracleCluster, address: string): Party {
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

/** Does the node of this log enforce the pod's policies? It is where the pod is to run, or where its interface is. */
export function isLocal(cluster: OracleCluster, pod: PodFact): boolean {
  const scheduledHere = pod.node !== '' && pod.node === cluster.agent?.node
  return scheduledHere || (cluster.attached ?? []).includes(nameOf(pod))
}

/** The node that runs the pod: this one for a local pod, whatever its fact still says. */
export function nodeOf(cluster: OracleCluster, pod: PodFact): string | undefined {
  return isLocal(cluster, pod) ? cluster.agent?.node : pod.node
}
