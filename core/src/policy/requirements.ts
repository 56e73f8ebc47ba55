import { canonicalPrefix } from '../address/address.js'
import { derivedKeys } from '../identity/labels.js'
import { isNode, placeKeys } from '../identity/node-labels.js'
import { canonicalSelector } from './match.js'
import type { LabelSelector, Requirement } from './selector.js'

export const inNamespace = (namespace: string): Requirement => ({
  key: derivedKeys.namespace,
  operator: 'In',
  values: [namespace],
})

/** Only pods have a namespace: this keeps a selector that asks for nothing else from nodes and the world. */
export const inAnyNamespace: Requirement = { key: derivedKeys.namespace, operator: 'Exists', values: [] }

/** A requirement on a namespace's labels, as one on its pods. */
export const onNamespace = (requirement: Requirement): Requirement => ({
  ...requirement,
  key: derivedKeys.namespaceLabels + requirement.key,
})

/** Nodes with these labels of their own. */
export const nodesWith = (selector: LabelSelector): LabelSelector =>
  canonicalSelector([
    isNode,
    ...selector.map(requirement => ({ ...requirement, key: placeKeys.nodeLabels + requirement.key })),
  ])

/** Whoever has a label of this key. */
export const having = (key: string): LabelSelector => [{ key, operator: 'Exists', values: [] }]

/** The text that equal blocks share; one that is no block stays as it is, and means nobody. */
export const canonicalBlock = (text: string): string => canonicalPrefix(text) ?? text

/** Holes in one order, each once. */
export function canonicalHoles(except: readonly string[]): readonly string[] {
  if (except.length === 0) return except
  if (except.length === 1) return [canonicalBlock(except[0]!)]
  return [...new Set(except.map(canonicalBlock))].sort()
}
