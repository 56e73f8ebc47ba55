import type { Labels, PodFact } from '@weir/core/event/event.js'
import { namespaceLabels, type OracleCluster } from './cluster.js'

/** What says where a pod belongs, whoever claims it: a pod's own label of such a key is not believed. */
const reservedPrefixes = [
  'io.kubernetes.pod.namespace',
  'io.cilium.k8s.namespace.labels.',
  'io.cilium.k8s.policy.',
  'reserved:',
]

/**
 * The labels of a pod as a Cilium policy sees them: its own, and those of its surroundings. Of a pod of which nobody has
 * told nothing is known but that.
 */
export function podLabels(cluster: OracleCluster, pod: PodFact): Labels {
  if (pod.init) return { 'reserved:init': '' }
  const own = Object.entries(pod.labels).filter(([key]) => !reservedPrefixes.some(prefix => key.startsWith(prefix)))
  const ofNamespace = Object.entries(namespaceLabels(cluster, pod.namespace))
  return Object.fromEntries([
    ...own,
    ...ofNamespace.map(([key, value]) => [`io.cilium.k8s.namespace.labels.${key}`, value]),
    ['io.kubernetes.pod.namespace', pod.namespace],
    ['io.cilium.k8s.policy.serviceaccount', pod.serviceAccount],
    ['io.cilium.k8s.policy.cluster', cluster.agent?.cluster ?? 'default'],
  ])
}
