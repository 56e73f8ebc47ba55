import type { CiliumDirectionRule, CiliumPolicyFact, CiliumPortRule } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import type { NetworkPolicyFact } from '@weir/core/event/event.js'
import type { OracleCluster } from '../../oracle/index.js'

/** A rule by its policy's title and its path in it. */
export interface RuleName {
  readonly policy: string
  readonly path: string
}

/**
 * The cluster as if a rule said nothing to anybody. Rules keep their places, and what isolates goes on isolating: an
 * entry whose peers are nobody stands where it stood.
 */
export function withoutRule(cluster: OracleCluster, { policy, path }: RuleName): OracleCluster {
  const changed = <Fact extends { readonly name: string; readonly namespace?: string }>(
    facts: readonly Fact[] | undefined,
    kindOf: (fact: Fact) => string,
    change: (fact: Fact) => Fact,
  ): readonly Fact[] => (facts ?? []).map(fact => (titleOf(kindOf(fact), fact) === policy ? change(fact) : fact))
  return {
    ...cluster,
    policies: changed(
      cluster.policies,
      () => 'NetworkPolicy',
      fact => ofKubernetes(fact, path),
    ),
    ciliumPolicies: changed(
      cluster.ciliumPolicies,
      ({ kind }) => kind,
      fact => ofCilium(fact, path),
    ),
    clusterPolicies: changed(
      cluster.clusterPolicies,
      ({ kind }) => kind,
      fact => ofCluster(fact, path),
    ),
  }
}

export const titleOf = (
  kind: string,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
): string => `${kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${name}`

/** The cluster with one policy and no other. */
export const onlyPolicy = (cluster: OracleCluster, policy: string): OracleCluster => ({
  ...cluster,
  policies: cluster.policies.filter(fact => titleOf('NetworkPolicy', fact) === policy),
  ciliumPolicies: (cluster.ciliumPolicies ?? []).filter(fact => titleOf(fact.kind, fact) === policy),
  clusterPolicies: (cluster.clusterPolicies ?? []).filter(fact => titleOf(fact.kind, fact) === policy),
})

/** Pods without labels that have one meet this. */
const nobody = [
  { key: 'app', operator: 'Exists', values: [] },
  { key: 'app', operator: 'DoesNotExist', values: [] },
] as const

function ofKubernetes(fact: NetworkPolicyFact, path: string): NetworkPolicyFact {
  const section = (direction: 'ingress' | 'egress') =>
    fact[direction].map((rule, index) =>
      path === `spec.${direction}[${index}]`
        ? { ...rule, peers: [{ kind: 'pods', podSelector: nobody } as const] }
        : rule,
    )
  return { ...fact, ingress: section('ingress'), egress: section('egress') }
}

function ofCilium(fact: CiliumPolicyFact, path: string): CiliumPolicyFact {
  const sections = ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const
  return {
    ...fact,
    rules: fact.rules.map(rule => ({
      ...rule,
      ...Object.fromEntries(
        sections.flatMap(name => {
          const entries = rule[name]
          return entries === undefined ? [] : [[name, entries.map(entry => ofEntry(entry, path))]]
        }),
      ),
    })),
  }
}

/** An entry's plain ports are one rule; each of its ports that ask for a proxy is one by itself. */
function ofEntry(entry: CiliumDirectionRule, path: string): CiliumDirectionRule {
  const ports = entry.ports ?? []
  const proxied = (port: CiliumPortRule): boolean =>
    port.l7 !== undefined ||
    port.serverNames.length > 0 ||
    port.listener !== undefined ||
    port.tls === true ||
    (entry.authentication !== undefined && entry.authentication !== 'disabled')
  const meant = (port: CiliumPortRule, index: number): boolean =>
    proxied(port) ? path === `${entry.path}.toPorts[${index}]` : path === entry.path
  if (ports.length === 0 ? path !== entry.path : !ports.some(meant)) return entry
  if (ports.every(meant)) return { path: entry.path, peers: { kind: 'endpoints', selectors: [] } }
  // Ports keep their places too: an ICMP code that no packet has stands for nothing.
  const nothing = { ranges: [{ protocol: 0, first: 65535, last: 65535 }], named: [], serverNames: [] }
  return { ...entry, ports: ports.map((port, index) => (meant(port, index) ? { ...port, ...nothing } : port)) }
}

function ofCluster(fact: ClusterPolicyFact, path: string): ClusterPolicyFact {
  const section = (direction: 'ingress' | 'egress') =>
    fact[direction].map(rule =>
      rule.path === path
        ? { ...rule, peers: [{ kind: 'pods', namespaceSelector: [], podSelector: nobody } as const] }
        : rule,
    )
  return { ...fact, ingress: section('ingress'), egress: section('egress') }
}
