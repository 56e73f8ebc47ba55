import type { AgentFact, PodFact, WeirEvent } from '../event/event.js'
import { objectKey, type ClusterState } from '../state/state.js'
import { LabelFilter } from './filter.js'
import type { Identity, Identities } from './identities.js'
import { WordTree } from './word-tree.js'
import { filteredLabels, filteredNamespaceLabels, namespaceLabels, relevantLabels, type LabelMap } from './labels.js'

/** A pod and who it is. hostNetwork pods are the node: they have no identity. */
export interface Workload {
  readonly key: string
  /** Absent once the pod is deleted. */
  pod: PodFact | undefined
  identity: Identity | undefined
  /** Whether it is in `dirty`: asking the pod is cheaper than asking the set. */
  dirty: boolean
  /** Whether the tables have seen it. One that comes and goes between two settlings leaves nothing to do. */
  settled: boolean
  /** The keys of its labels that are left out of its identity, as the tables last saw them. */
  filteredKeys: readonly string[]
}

interface NamespaceMembers {
  labels: LabelMap
  /** The labels, as pods have them, that the filter leaves out; absent until they are asked for. */
  filtered?: LabelMap | undefined
  /** By name. */
  readonly workloads: Map<string, Workload>
  /** Identities by the labels as the pods' facts write them: saves sorting and joining for each of a workload's pods. */
  known: WordTree<Identity>
}

/**
 * Pods → identities, event by event: numbers depend on the order of events alone, never on how they were batched.
 * Remembers what the tables have yet to follow.
 */
export class Workloads {
  readonly #dirty = new Set<Workload>()
  readonly #namespaces = new Map<string, NamespaceMembers>()
  readonly #identities: Identities
  #filter = new LabelFilter()
  #cluster = 'default'
  #filterText = ''

  constructor(identities: Identities) {
    this.#identities = identities
  }

  /** Marks a pod for the tables to look at again. */
  touch(workload: Workload): void {
    if (workload.dirty) return
    workload.dirty = true
    this.#dirty.add(workload)
  }

  /** What the tables have yet to follow; theirs from now on. */
  takeDirty(): Workload[] {
    const taken = [...this.#dirty]
    for (const workload of taken) workload.dirty = false
    this.#dirty.clear()
    return taken
  }

  /** As `takeDirty`, of those alone that somebody asks for: the others stay. */
  takeDirtyIf(isAskedFor: (workload: Workload) => boolean): Workload[] {
    const taken: Workload[] = []
    for (const workload of this.#dirty) if (isAskedFor(workload)) taken.push(workload)
    for (const workload of taken) {
      workload.dirty = false
      this.#dirty.delete(workload)
    }
    return taken
  }

  /** Follows an event that the state has already folded. */
  observe(event: WeirEvent, state: ClusterState): void {
    switch (event.kind) {
      case 'pod.upserted':
        this.#upsert(event.pod)
        break
      case 'pod.deleted':
        this.#delete(event.namespace, event.name)
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
        this.#touchPod(event.endpoint.namespace, event.endpoint.pod)
        break
      case 'endpoint.detached':
        this.#touchPod(event.namespace, event.pod)
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

  /** Whether there are pods of which nobody has told. */
  get hasInit(): boolean {
    return this.#identities.init.references > 0
  }

  /** The labels of a pod that are left out of its identity. */
  filteredLabels(pod: PodFact): LabelMap {
    if (pod.init) return noLabels
    const members = this.#members(pod.namespace)
    members.filtered ??= filteredNamespaceLabels(members.labels, this.#filter)
    return filteredLabels(pod.labels, members.filtered, this.#filter)
  }

  /** Marks every pod for which an identity stands. */
  touchIdentity(identity: Identity): void {
    for (const workload of this.#all()) if (workload.identity === identity) this.touch(workload)
  }

  #upsert(pod: PodFact): void {
    const members = this.#members(pod.namespace)
    let workload = members.workloads.get(pod.name)
    if (workload === undefined) {
      const key = objectKey(pod.namespace, pod.name)
      workload = { key, pod, identity: undefined, dirty: false, settled: false, filteredKeys: [] }
      members.workloads.set(pod.name, workload)
    }
    const before = workload.pod
    workload.pod = pod
    // Most news of a pod is of its addresses and ports: its identity need not be looked up again.
    if (workload.identity === undefined || !sameSources(before!, pod)) this.#identify(workload, members)
    this.touch(workload)
  }

  #delete(namespace: string, name: string): void {
    const members = this.#namespaces.get(namespace)
    const workload = members?.workloads.get(name)
    if (members === undefined || workload === undefined) return
    members.workloads.delete(name)
    workload.pod = undefined
    this.#identify(workload, members)
    if (workload.settled) this.touch(workload)
    else this.#dirty.delete(workload)
    this.#forgetIfBare(namespace, members)
  }

  #touchPod(namespace: string, name: string): void {
    const workload = this.#namespaces.get(namespace)?.workloads.get(name)
    if (workload !== undefined) this.touch(workload)
  }

  *#all(): Iterable<Workload> {
    for (const { workloads } of this.#namespaces.values()) yield* workloads.values()
  }

  /** A namespace without pods and labels of its own is as if never heard of. */
  #forgetIfBare(namespace: string, { workloads, labels }: NamespaceMembers): void {
    if (workloads.size === 0 && labels.size === 1) this.#namespaces.delete(namespace)
  }

  #members(namespace: string): NamespaceMembers {
    let members = this.#namespaces.get(namespace)
    if (members === undefined) {
      members = { labels: namespaceLabels(namespace, undefined), workloads: new Map(), known: new WordTree() }
      this.#namespaces.set(namespace, members)
    }
    return members
  }

  #relabel(namespace: string, labels: LabelMap): void {
    const members = this.#members(namespace)
    if (!sameLabels(members.labels, labels)) {
      members.labels = labels
      members.filtered = undefined
      this.#identifyAll(members)
    }
    this.#forgetIfBare(namespace, members)
  }

  #configure(agent: AgentFact, state: ClusterState): void {
    // A change of node moves the line between local and remote; the state knows both sides only after the fold.
    for (const workload of this.#all()) this.touch(workload)
    const filterText = agent.labelFilter.join('\u0000')
    if (agent.cluster === this.#cluster && filterText === this.#filterText) return
    this.#cluster = agent.cluster
    this.#filterText = filterText
    this.#filter = new LabelFilter(state.agent?.fact.labelFilter ?? agent.labelFilter)
    for (const namespace of [...this.#namespaces.keys()].sort()) {
      const members = this.#namespaces.get(namespace)!
      members.filtered = undefined
      this.#identifyAll(members)
    }
  }

  #identifyAll(members: NamespaceMembers): void {
    members.known = new WordTree()
    for (const workload of [...members.workloads.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
      this.#identify(workload, members)
      this.touch(workload)
    }
  }

  /** Takes the new identity before the old one is let go, so that an unchanged one keeps its number. */
  #identify(workload: Workload, members: NamespaceMembers): void {
    const before = workload.identity
    const { pod } = workload
    workload.identity = pod === undefined || pod.hostNetwork ? undefined : this.#acquire(pod, members)
    if (before !== undefined) this.#identities.release(before)
  }

  #acquire(pod: PodFact, members: NamespaceMembers): Identity {
    if (pod.init) return this.#identities.acquireInit()
    let known = members.known.step(pod.serviceAccount)
    const { labels } = pod
    for (const key in labels) if (this.#filter.keeps(key)) known = known.step(key).step(labels[key]!)
    const identity = known.value
    if (identity !== undefined) {
      identity.references += 1
      return identity
    }
    const sources = { pod, namespace: members.labels, cluster: this.#cluster }
    const acquired = this.#identities.acquire(relevantLabels(sources, this.#filter))
    known.value = acquired
    acquired.onFree.push(() => known.forget())
    return acquired
  }
}

const noLabels: LabelMap = new Map()

/** Whether what a pod itself brings to its identity is written alike. */
function sameSources(a: PodFact, b: PodFact): boolean {
  if (a.serviceAccount !== b.serviceAccount || a.hostNetwork !== b.hostNetwork || a.init !== b.init) return false
  let count = 0
  for (const key in b.labels) {
    if (a.labels[key] !== b.labels[key]) return false
    count += 1
  }
  for (const _key in a.labels) count -= 1
  return count === 0
}

function sameLabels(a: LabelMap, b: LabelMap): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}
