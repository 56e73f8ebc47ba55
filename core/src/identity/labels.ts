import type { Labels, PodFact } from '../event/event.js'
import type { LabelFilter } from './filter.js'

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
  readonly pod: Pick<PodFact, 'labels' | 'namespace' | 'serviceAccount'>
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

/** The filter speaks of pod and namespace labels; what says where a pod belongs is always relevant. */
export function podLabels({ pod, namespace, cluster }: LabelSources, filter: LabelFilter): PodLabels {
  const relevant = new Map<string, string>()
  const filtered = new Map<string, string>()
  for (const [key, value] of Object.entries(pod.labels)) {
    if (!isDerived(key)) (filter.keeps(key) ? relevant : filtered).set(key, value)
  }
  for (const [key, value] of namespace) {
    const full = derivedKeys.namespaceLabels + key
    ;(filter.keeps(full) ? relevant : filtered).set(full, value)
  }
  for (const [key, value] of [
    [derivedKeys.namespace, pod.namespace],
    [derivedKeys.serviceAccount, pod.serviceAccount],
    [derivedKeys.cluster, cluster],
  ] as const) {
    relevant.set(key, value)
  }
  return { relevant, filtered }
}

/** Identity labels as other tools write them, sorted: `k8s:app=web`. */
export const identityLabels = (relevant: LabelMap): string[] =>
  [...relevant].map(([key, value]) => `k8s:${key}=${value}`).sort()
