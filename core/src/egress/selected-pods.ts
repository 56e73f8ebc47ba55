import type { EgressGatewayPolicyFact, EgressSelector } from '../event/egress.js'
import type { PodFact } from '../event/event.js'
import { LabelFilter } from '../identity/filter.js'
import { type LabelMap, namespaceLabels, podLabels } from '../identity/labels.js'
import { matchesSelector } from '../policy/match.js'
import { onNamespace } from '../policy/requirements.js'
import { objectKey, type ClusterState } from '../state/state.js'

/** The node that runs a pod: this one where its interface is here, whatever its fact says. */
export function nodeOfPod(pod: PodFact, { agent, endpoints }: ClusterState): string {
  return endpoints.has(objectKey(pod.namespace, pod.name)) ? (agent?.fact.node ?? '') : pod.node
}

/** No label counts less than another here: policies of this kind ask for pods, not for identities. */
const everyLabel = new LabelFilter(['!*'])

/** Labels of a pod and of where it is, as the selectors of egress gateway policies ask for them. */
export interface SelectedBy {
  readonly pod: LabelMap
  readonly node: LabelMap
}

export function labelsFor(pod: PodFact, state: ClusterState): SelectedBy {
  const namespace = namespaceLabels(pod.namespace, state.namespaces.get(pod.namespace)?.fact.labels)
  const cluster = state.agent?.fact.cluster ?? 'default'
  const node = state.nodes.get(nodeOfPod(pod, state))?.fact.labels ?? {}
  return {
    pod: podLabels({ pod, namespace, cluster }, everyLabel).relevant,
    node: new Map(Object.entries(node)),
  }
}

/** Whether a policy is about a pod. */
export const selectsPod = ({ selectors }: EgressGatewayPolicyFact, by: SelectedBy): boolean =>
  selectors.some(selector => meets(selector, by))

function meets(
  { podSelector = [], namespaceSelector = [], nodeSelector = [] }: EgressSelector,
  by: SelectedBy,
): boolean {
  return (
    matchesSelector(podSelector, by.pod) &&
    matchesSelector(namespaceSelector.map(onNamespace), by.pod) &&
    matchesSelector(nodeSelector, by.node)
  )
}
