import type { PolicyRemarks } from './event.js'
import type { PortRange } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'

/** Pods by their namespace's labels, or by both. */
export type NamespacedPods =
  | { readonly kind: 'namespaces'; readonly selector: LabelSelector }
  | { readonly kind: 'pods'; readonly namespaceSelector: LabelSelector; readonly podSelector: LabelSelector }

export type ClusterPolicyPeer =
  | NamespacedPods
  | { readonly kind: 'nodes'; readonly selector: LabelSelector }
  | { readonly kind: 'networks'; readonly cidrs: readonly string[] }
  | { readonly kind: 'domainNames'; readonly names: readonly string[] }

export interface ClusterPolicyRule {
  /** `spec.ingress[0]` */
  readonly path: string
  readonly name?: string
  readonly action: 'accept' | 'deny' | 'pass'
  /** At least one. */
  readonly peers: readonly ClusterPolicyPeer[]
  /** Absent: every protocol and port. */
  readonly ports?: {
    readonly ranges: readonly PortRange[]
    /** Resolved on the destination pod; protocol 0: whichever protocol has the name. */
    readonly named: readonly { readonly name: string; readonly protocol: number }[]
  }
}

/**
 * policy.networking.k8s.io: ClusterNetworkPolicy (v1alpha2), and the pair AdminNetworkPolicy and
 * BaselineAdminNetworkPolicy (v1alpha1) in the same form.
 */
export interface ClusterPolicyFact extends PolicyRemarks {
  readonly kind: 'ClusterNetworkPolicy' | 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy'
  readonly name: string
  readonly tier: 'admin' | 'baseline'
  /** 0..1000, lower first; 0 for the only BaselineAdminNetworkPolicy. */
  readonly priority: number
  readonly subject: NamespacedPods
  readonly ingress: readonly ClusterPolicyRule[]
  readonly egress: readonly ClusterPolicyRule[]
}
