/** A requirement on one label. `values` is empty for Exists and DoesNotExist, sorted and unique otherwise. */
export interface Requirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

/**
 * A conjunction of requirements; an empty one matches everything. Canonical: sorted by key, operator, values, without
 * repeats, `matchLabels` folded into In. NotIn and DoesNotExist match when the key is absent.
 * Keys of pods' own labels carry no source (`app`); derived labels have their full name (`io.kubernetes.pod.namespace`).
 */
export type LabelSelector = readonly Requirement[]
