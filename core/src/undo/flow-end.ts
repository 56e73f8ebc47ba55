import type { Labels } from '../event/event.js'
import type { Party } from '../explain/explain.js'
import { LabelFilter } from '../identity/filter.js'
import { namespaceNameKey } from '../identity/labels.js'
import type { ClusterState } from '../state/state.js'

/** Who stands at an end of a flow, as a policy can name him. */
export type FlowEnd =
  | { readonly kind: 'pod'; readonly namespace: string; readonly labels: Labels; readonly namespaceLabels: Labels }
  | { readonly kind: 'node'; readonly address: string; readonly isHost: boolean }
  | { readonly kind: 'world'; readonly address: string }

/** Undefined of somebody who can't be named: a pod that isn't there, an address that isn't known. */
export function flowEnd(state: ClusterState, { kind, name, address }: Party): FlowEnd | undefined {
  if (kind === 'pod') {
    const pod = state.pods.get(name)?.fact
    if (pod === undefined) return undefined
    const filter = new LabelFilter(state.agent?.fact.labelFilter)
    const labels = Object.entries(pod.labels).filter(([key]) => filter.keeps(key))
    const namespaceLabels = {
      ...state.namespaces.get(pod.namespace)?.fact.labels,
      [namespaceNameKey]: pod.namespace,
    }
    return { kind, namespace: pod.namespace, labels: Object.fromEntries(labels), namespaceLabels }
  }
  if (address === '' || address.includes('/')) return undefined
  return kind === 'node' ? { kind, address, isHost: name === state.agent?.fact.node } : { kind, address }
}

/** A block with the one address. */
export const blockOf = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`

/** Sets of labels that name a pod: all that it has, which mean the fewest others, and each alone. */
export function labelChoices(labels: Labels): readonly Labels[] {
  const each = Object.entries(labels)
  const single = each.length > 1 ? each.map(([key, value]) => ({ [key]: value })) : []
  return [labels, ...single.slice(0, choicesMost)]
}

const choicesMost = 6
