import type { AgentFact, PodFact, WeirEvent } from '../event/event.js'
import { objectKey, type ClusterState } from '../state/state.js'
import { LabelFilter } from './filter.js'
import type { Identity, Identities } from './identities.js'
import { namespaceLabels, podLabels, type LabelMap, type PodLabels } from './labels.js'

/** A pod and who it is. hostNetwork pods are the node: they have no identity. */
export interface Workload {
  readonly key: string
  /** Absent once the pod is deleted. */
  pod: PodFact | undefined
  identity: Identity | undefined
}

interface NamespaceMembers {
  labels: LabelMap
  readonly workloads: Set<Workload>
  /** Identities by the labels as the pods' facts write them: saves sorting and joining for each of a workload's pods. */
  readonly known: Map<string, Identity>
}

/**
 * Pods → identities, event by event: numbers depend on the order of events alone, never on how they were batched.
 * Leaves in `dirty` what the tables have yet to follow.
 */
export class Workloads {
  readonly dirty = new Set<Workload>()
  readonly #workloads = new Map<string, Workload>()
  readonly #namespaces = new Map<string, NamespaceMembers>()
  readonly #identities: Identities
  #filter = new LabelFilter()
  #cluster = 'default'
  #filterText = ''

  constructor(identities: Identities) {
    this.#identities = identities
  }

  get(key: string): Workload | undefined {
    return this.#workloads.get(key)
  }

  values(): Iterable<Workload> {
    return this.#workloads.values()
  }

  /** Follows an event that the state has already folded. */
  observe(event: WeirEvent, state: ClusterState): void {
    switch (event.kind) {
      case 'pod.upserted':
        this.#upsert(event.pod)
        break
      case 'pod.deleted':
        this.#delete(objectKey(event.namespace, event.name))
        break
      case 'namespace.upserted':
        this.#relabel(event.namespace.name, namespaceLabels(event.namespace.name, event.namespace.labels))
        break
      case 'namespace.deleted':
        this.#relabel(event.name, namespaceLabels(event.name, undefined))
        break
      case 'agent.configured':
        this.#configure(event.agent, state)
        break
      case 'endpoint.attached':
        this.#touch(objectKey(event.endpoint.namespace, event.endpoint.pod))
        break
      case 'endpoint.detached':
        this.#touch(objectKey(event.namespace, event.pod))
        break
      default:
    }
  }

  /** Takes a restored state in, in its order. */
  restore(state: ClusterState): void {
    if (state.agent !== undefined) this.#configure(state.agent.fact, state)
    for (const [name, { fact }] of state.namespaces) this.#relabel(name, namespaceLabels(name, fact.labels))
    for (const { fact } of state.pods.values()) this.#upsert(fact)
  }

  labelsOf(pod: PodFact): PodLabels {
    const namespace = this.#namespaces.get(pod.namespace)?.labels ?? namespaceLabels(pod.namespace, undefined)
    return podLabels({ pod, namespace, cluster: this.#cluster }, this.#filter)
  }

  /** Marks every pod for which an identity stands. */
  touchIdentity(identity: Identity): void {
    for (const workload of this.#workloads.values()) if (workload.identity === identity) this.dirty.add(workload)
  }

  #upsert(pod: PodFact): void {
    const key = objectKey(pod.namespace, pod.name)
    let workload = this.#workloads.get(key)
    if (workload === undefined) {
      workload = { key, pod, identity: undefined }
      this.#workloads.set(key, workload)
      this.#members(pod.namespace).workloads.add(workload)
    }
    workload.pod = pod
    this.#identify(workload)
    this.dirty.add(workload)
  }

  #delete(key: string): void {
    const workload = this.#workloads.get(key)
    if (workload === undefined) return
    const { pod } = workload
    this.#workloads.delete(key)
    this.#members(pod!.namespace).workloads.delete(workload)
    workload.pod = undefined
    this.#identify(workload)
    this.dirty.add(workload)
  }

  #touch(key: string): void {
    const workload = this.#workloads.get(key)
    if (workload !== undefined) this.dirty.add(workload)
  }

  #members(namespace: string): NamespaceMembers {
    let members = this.#namespaces.get(namespace)
    if (members === undefined) {
      members = { labels: namespaceLabels(namespace, undefined), workloads: new Set(), known: new Map() }
      this.#namespaces.set(namespace, members)
    }
    return members
  }

  #relabel(namespace: string, labels: LabelMap): void {
    const members = this.#members(namespace)
    if (sameLabels(members.labels, labels)) return
    members.labels = labels
    this.#identifyAll(members)
  }

  #configure(agent: AgentFact, state: ClusterState): void {
    // A change of node moves the line between local and remote; the state knows both sides only after the fold.
    for (const workload of this.#workloads.values()) this.dirty.add(workload)
    const filterText = agent.labelFilter.join('\u0000')
    if (agent.cluster === this.#cluster && filterText === this.#filterText) return
    this.#cluster = agent.cluster
    this.#filterText = filterText
    this.#filter = new LabelFilter(state.agent?.fact.labelFilter ?? agent.labelFilter)
    for (const namespace of [...this.#namespaces.keys()].sort()) this.#identifyAll(this.#namespaces.get(namespace)!)
  }

  #identifyAll(members: NamespaceMembers): void {
    members.known.clear()
    for (const workload of [...members.workloads].sort((a, b) => (a.key < b.key ? -1 : 1))) {
      this.#identify(workload)
      this.dirty.add(workload)
    }
  }

  /** Takes the new identity before the old one is let go, so that an unchanged one keeps its number. */
  #identify(workload: Workload): void {
    const before = workload.identity
    const { pod } = workload
    workload.identity = pod === undefined || pod.hostNetwork ? undefined : this.#acquire(pod)
    if (before !== undefined) this.#identities.release(before)
  }

  #acquire(pod: PodFact): Identity {
    const { known } = this.#members(pod.namespace)
    let written = pod.serviceAccount
    const { labels } = pod
    for (const key in labels) if (this.#filter.keeps(key)) written += `\u0000${key}\u0000${labels[key]}`
    const identity = known.get(written)
    if (identity !== undefined) {
      identity.references += 1
      return identity
    }
    const acquired = this.#identities.acquire(this.labelsOf(pod).relevant)
    known.set(written, acquired)
    acquired.onFree.push(() => {
      if (known.get(written) === acquired) known.delete(written)
    })
    return acquired
  }
}

function sameLabels(a: LabelMap, b: LabelMap): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}
