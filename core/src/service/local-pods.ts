import type { PodFact } from '../event/event.js'
import { dropFrom, entryOf } from '../multimap.js'
import { objectKey, type ClusterState } from '../state/state.js'

/** The pods of this node by namespace. They are looked up when somebody first asks, and followed from then on. */
export class LocalPods {
  readonly #state: ClusterState
  #byNamespace: Map<string, Set<string>> | undefined

  constructor(state: ClusterState) {
    this.#state = state
  }

  /** It is where the pod is to run, or where its interface is. */
  isLocal(pod: PodFact): boolean {
    const { agent, endpoints } = this.#state
    return (pod.node !== '' && pod.node === agent?.fact.node) || endpoints.has(objectKey(pod.namespace, pod.name))
  }

  /** Takes in a pod's change; false when it was and is none of this node. */
  changed(namespace: string, key: string): boolean {
    const pod = this.#state.pods.get(key)?.fact
    const isHere = pod !== undefined && this.isLocal(pod)
    const known = this.#byNamespace
    if (known === undefined) return isHere
    const wasHere = known.get(namespace)?.has(key) === true
    if (isHere && !wasHere) entryOf(known, namespace, () => new Set()).add(key)
    if (wasHere && !isHere) dropFrom(known, namespace, key)
    return isHere || wasHere
  }

  /** The pods of a namespace, by name. */
  of(namespace: string): readonly PodFact[] {
    this.#byNamespace ??= this.#find()
    return [...(this.#byNamespace.get(namespace) ?? [])].sort().map(key => this.#state.pods.get(key)!.fact)
  }

  /** Stops following. */
  forget(): void {
    this.#byNamespace = undefined
  }

  #find(): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>()
    for (const [key, { fact }] of this.#state.pods) {
      if (this.isLocal(fact)) entryOf(found, fact.namespace, () => new Set()).add(key)
    }
    return found
  }
}
