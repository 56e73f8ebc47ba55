import type { Requirement } from '../policy/selector.js'
import type { ClusterState } from '../state/state.js'
import type { LabelMap } from './labels.js'
import { reservedLabel } from './reserved.js'

/** Keys of labels that say where a peer is. No label of a manifest has a key like these. */
export const placeKeys = {
  /** Any node, the subject's own or another. */
  node: 'reserved:node',
  /** A node's own labels, as the rest of the key. */
  nodeLabels: 'node:',
  /** A pod of the node that judges. */
  ownPod: 'reserved:own-pod',
} as const

export const isNode: Requirement = { key: placeKeys.node, operator: 'Exists', values: [] }

/**
 * The labels of a node as selectors see them.
 * @param isOwn whether the subject is this node, or a pod that runs on it
 */
export function nodeLabels(state: Pick<ClusterState, 'nodes'>, name: string, isOwn: boolean): LabelMap {
  const labels = new Map([
    [reservedLabel(isOwn ? 'host' : 'remote-node'), ''],
    [placeKeys.node, ''],
  ])
  for (const [key, value] of Object.entries(state.nodes.get(name)?.fact.labels ?? {})) {
    labels.set(placeKeys.nodeLabels + key, value)
  }
  return labels
}
