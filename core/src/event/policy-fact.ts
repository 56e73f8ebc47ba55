import type { CiliumPolicyFact } from './cilium.js'
import type { ClusterPolicyFact } from './cluster-policy.js'
import type { NetworkPolicyFact } from './event.js'

/** A policy of any dialect. */
export type PolicyFact =
  | { readonly dialect: 'kubernetes'; readonly fact: NetworkPolicyFact }
  | { readonly dialect: 'cilium'; readonly fact: CiliumPolicyFact }
  | { readonly dialect: 'cluster'; readonly fact: ClusterPolicyFact }
