import fc from 'fast-check'

/*
 * Small vocabularies, so that random clusters are full of coincidences: shared labels, clashing names, reused
 * addresses. Values that differ in nothing but their place would never meet.
 */

export const namespaceNames = ['default', 'dev', 'prod'] as const
export const podNames = ['a', 'b', 'c'] as const
export const nodeNames = ['here', 'there'] as const
export const policyNames = ['p', 'q', 'r'] as const

export const podLabelKeys = ['app', 'role', 'pod-template-hash'] as const
export const namespaceLabelKeys = ['team', 'app'] as const
export const labelValues = ['x', 'y', ''] as const

export const portNames = ['http', 'dns'] as const
/** Close together, so that ranges overlap and end beside each other; the ends of the space too. */
export const portNumbers = [1, 53, 54, 80, 81, 65535] as const
export const portedProtocols = ['TCP', 'UDP', 'SCTP'] as const

/** Most objects share one namespace, so that policies find pods to select. */
export const anyNamespace: fc.Arbitrary<string> = fc.constantFrom('default', 'default', 'default', 'dev', 'prod')

export const pick = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values)

/** Up to three labels of the vocabulary. */
export function labels(keys: readonly string[]): fc.Arbitrary<Record<string, string>> {
  return fc.dictionary(pick(keys), pick(labelValues), { maxKeys: keys.length, noNullPrototype: true })
}
