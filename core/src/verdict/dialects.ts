import type { CiliumPolicyFact, ServiceReference } from '../event/cilium.js'
import type { AgentFact } from '../event/event.js'
import type { PolicyFact } from '../event/policy-fact.js'
import { compileCiliumPolicy } from '../policy/cilium/policy.js'
import { compileClusterPolicy } from '../policy/cluster-policy.js'
import { compileNetworkPolicy } from '../policy/networkpolicy.js'
import type { AddressScope, Rule } from '../policy/rule.js'
import { refusalKey, type ClusterState, type Stored } from '../state/state.js'

/** `Kind/namespace/name`, as refusals are known by. */
export function policyKey(policy: PolicyFact): string {
  const { name } = policy.fact
  if (policy.dialect === 'kubernetes') {
    return refusalKey({ kind: 'NetworkPolicy', namespace: policy.fact.namespace, name })
  }
  const namespace = policy.dialect === 'cilium' ? policy.fact.namespace : ''
  return refusalKey({ kind: policy.fact.kind, namespace, name })
}

/** The policy of a key, as it is in force. */
export function policyOf(state: ClusterState, key: string): (PolicyFact & { readonly seq: number }) | undefined {
  const kubernetes = key.startsWith('NetworkPolicy/')
    ? state.policies.get(key.slice('NetworkPolicy/'.length))
    : undefined
  if (kubernetes !== undefined) return { dialect: 'kubernetes', ...kubernetes }
  const cilium = state.ciliumPolicies.get(key)
  if (cilium !== undefined) return { dialect: 'cilium', ...cilium }
  const cluster = state.clusterPolicies.get(key)
  return cluster === undefined ? undefined : { dialect: 'cluster', ...cluster }
}

/** Every policy in force, dialect by dialect, in the state's order. */
export function* policiesOf(state: ClusterState): Iterable<PolicyFact> {
  for (const { fact } of state.policies.values()) yield { dialect: 'kubernetes', fact }
  for (const { fact } of state.ciliumPolicies.values()) yield { dialect: 'cilium', fact }
  for (const { fact } of state.clusterPolicies.values()) yield { dialect: 'cluster', fact }
}

export function compilePolicy(policy: PolicyFact & Pick<Stored<unknown>, 'seq'>, state: ClusterState): Rule[] {
  switch (policy.dialect) {
    case 'kubernetes':
      return compileNetworkPolicy(policy.fact, policy.seq)
    case 'cilium':
      return compileCiliumPolicy(policy.fact, policy.seq, {
        services: state.services,
        cidrScope: cidrScope(state.agent?.fact.cidrMatch),
      })
    case 'cluster':
      return compileClusterPolicy(policy.fact, policy.seq)
  }
}

/** Whom the CIDR peers of Cilium policies match by configuration. */
export function cidrScope(match?: AgentFact['cidrMatch']): AddressScope {
  const [nodes, pods] = [match?.includes('nodes'), match?.includes('pods')]
  if (nodes) return pods ? 'any' : 'outside-and-nodes'
  return pods ? 'outside-and-pods' : 'outside'
}

/** Blocks and holes that a policy writes out, as written, in order of appearance. */
export function* writtenBlocks(policy: PolicyFact): Iterable<string> {
  switch (policy.dialect) {
    case 'kubernetes':
      for (const { peers } of [...policy.fact.ingress, ...policy.fact.egress])
        for (const peer of peers) if (peer.kind === 'ipBlock') yield* [peer.cidr, ...peer.except]
      break
    case 'cilium':
      for (const peers of peersIn(policy.fact)) {
        if (peers.kind !== 'cidrs') continue
        for (const source of peers.cidrs) yield* [...(source.kind === 'cidr' ? [source.cidr] : []), ...source.except]
      }
      break
    case 'cluster':
      for (const { peers } of [...policy.fact.ingress, ...policy.fact.egress])
        for (const peer of peers) if (peer.kind === 'networks') yield* peer.cidrs
  }
}

/** The services that a policy speaks of: a change of one compiles it anew. */
export function servicesIn(policy: PolicyFact): readonly ServiceReference[] {
  if (policy.dialect !== 'cilium') return []
  return [...peersIn(policy.fact)].flatMap(peers => (peers.kind === 'services' ? peers.services : []))
}

/** Whether a policy selects nodes. */
export const speaksOfNodes = (policy: PolicyFact): boolean =>
  policy.dialect === 'cilium' && policy.fact.rules.some(({ subject }) => subject.kind === 'nodes')

function* peersIn({ rules }: CiliumPolicyFact) {
  for (const rule of rules)
    for (const section of ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const)
      for (const { peers } of rule[section] ?? []) if (peers !== undefined) yield peers
}
