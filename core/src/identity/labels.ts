import type { Labels, PodFact } from '../event/event.js'
import type { LabelFilter } from './filter.js'
import { reservedLabel } from './reserved.js'

/** Keys of the labels that a pod has from its surroundings. */
export const derivedKeys = {
  namespace: 'io.kubernetes.pod.namespace',
  namespaceLabels: 'io.cilium.k8s.namespace.labels.',
  serviceAccount: 'io.cilium.k8s.policy.serviceaccount',
  cluster: 'io.cilium.k8s.policy.cluster',
} as const

/** The label that every namespace has, whether or not its object says so. */
export const namespaceNameKey = 'kubernetes.io/metadata.name'

/** Labels by key as selectors see them: without source. */
export type LabelMap = ReadonlyMap<string, string>

/** The labels of a namespace; `declared` is absent for one that is known by its objects only. */
export function namespaceLabels(name: string, declared: Labels | undefined): LabelMap {
  const labels = new Map(Object.entries(declared ?? {}))
  labels.set(namespaceNameKey, name)
  return labels
}

/** All that a pod's labels are made of. */
export interface LabelSources {
  readonly pod: Pick<PodFact, 'labels' | 'namespace' | 'serviceAccount' | 'init'>
  readonly namespace: LabelMap
  readonly cluster: string
}

/** A pod's labels, parted by what tells identities apart and what only selectors may ask for. */
export interface PodLabels {
  readonly relevant: LabelMap
  readonly filtered: LabelMap
}

/** True for keys that say where a pod belongs: a pod that claims one for itself is not believed. */
const isDerived = (key: string): boolean =>
  key === derivedKeys.namespace ||
  key.startsWith('reserved:') ||
  key.startsWith(derivedKeys.namespaceLabels) ||
  key.startsWith('io.cilium.k8s.policy.')

/** All labels of a pod. The filter speaks of pod and namespace labels; what says where a pod belongs is always relevant. */
export function podLabels(sources: LabelSources, filter: LabelFilter): PodLabels {
  const { pod, namespace } = sources
  if (pod.init) return { relevant: initLabels, filtered: new Map() }
  const ofNamespace = filteredNamespaceLabels(namespace, filter)
  return { relevant: relevantLabels(sources, filter), filtered: filteredLabels(pod.labels, ofNamespace, filter) }
}

/** All that is known of a pod of which nobody has told. */
export const initLabels: LabelMap = new Map([[reservedLabel('init'), '']])

/** The labels that tell identities apart. */
export function relevantLabels({ pod, namespace, cluster }: LabelSources, filter: LabelFilter): LabelMap {
  const relevant = new Map<string, string>()
  const { labels } = pod
  for (const key in labels) if (!isDerived(key) && filter.keeps(key)) relevant.set(key, labels[key]!)
  for (const [key, value] of namespace) {
    const full = derivedKeys.namespaceLabels + key
    if (filter.keeps(full)) relevant.set(full, value)
  }
  relevant.set(derivedKeys.namespace, pod.namespace)
  relevant.set(derivedKeys.serviceAccount, pod.serviceAccount)
  relevant.set(derivedKeys.cluster, cluster)
  return relevant
}

/** The labels that only selectors may ask for. @param ofNamespace see `filteredNamespaceLabels` */
export function filteredLabels(labels: Labels, ofNamespace: LabelMap, filter: LabelFilter): LabelMap {
  const filtered = new Map<string, string>()
  for (const key in labels) if (!filter.keeps(key) && !isDerived(key)) filtered.set(key, labels[key]!)
  for (const [key, value] of ofNamespace) filtered.set(key, value)
  return filtered
}

/** Those that pods have of their namespace, under the keys that they have them under. */
export function filteredNamespaceLabels(namespace: LabelMap, filter: LabelFilter): LabelMap {
  const filtered = new Map<string, string>()
  for (const [key, value] of namespace) {
    const full = derivedKeys.namespaceLabels + key
    if (!filter.keeps(full)) filtered.set(full, value)
  }
  return filtered
}

/** Identity labels as other tools write them, sorted: `k8s:app=web`. */
export const identityLabels = (relevant: LabelMap): string[] =>
  [...relevant].map(([key, value]) => `k8s:${key}=${value}`).sort()
