import type { NetworkPolicyFact, NetworkPolicyPeer } from '../event/event.js'
import type { PolicyFinding } from './finding.js'

const typeOf = { ingress: 'Ingress', egress: 'Egress' } as const

/** What is easily got wrong in a NetworkPolicy of networking.k8s.io/v1. */
export function* kubernetesTraps(fact: NetworkPolicyFact): Iterable<PolicyFinding> {
  yield* sections(fact)
  yield* lists(fact)
}

/** Sections against `policyTypes`. */
function* sections({ spelling = [] }: NetworkPolicyFact): Iterable<PolicyFinding> {
  for (const { kind, path } of spelling) {
    const type = path === 'spec.ingress' ? typeOf.ingress : typeOf.egress
    if (kind === 'section-left-out')
      yield {
        kind: 'section-ignored',
        severity: 'error',
        path,
        message: `these rules say nothing: policyTypes leaves ${type} out`,
        suggestion: `add ${type} to policyTypes`,
      }
    if (kind === 'empty-list' && path === 'spec.egress')
      yield {
        kind: 'section-ignored',
        severity: 'warning',
        path,
        message: 'an empty list isolates no egress as long as policyTypes is absent: the policy isolates ingress only',
        suggestion: 'policyTypes: [Egress] denies all egress',
      }
    if (kind === 'types-implied')
      yield {
        kind: 'isolates-silently',
        severity: 'warning',
        path,
        message: 'it denies all ingress of the pods that it selects: Ingress is meant whenever policyTypes is absent',
        suggestion: 'policyTypes: [Egress], or [Ingress, Egress] if it is meant',
      }
  }
}

/** Two peers side by side that look as if both had to hold. */
function* lists(fact: NetworkPolicyFact): Iterable<PolicyFinding> {
  for (const direction of ['ingress', 'egress'] as const) {
    for (const [index, { peers }] of fact[direction].entries()) {
      const has = (peer: NetworkPolicyPeer, field: 'namespaceSelector' | 'podSelector'): boolean =>
        peer.kind === 'pods' && peer[field] !== undefined
      const places = peers.filter(peer => has(peer, 'namespaceSelector') && !has(peer, 'podSelector'))
      const pods = peers.filter(peer => has(peer, 'podSelector') && !has(peer, 'namespaceSelector'))
      // An empty podSelector asks nothing that a slip could have parted from the other item.
      const asking = pods.filter(peer => peer.kind === 'pods' && (peer.podSelector ?? []).length > 0)
      if (places.length === 0 || asking.length === 0) continue
      yield {
        kind: 'peers-ored',
        severity: 'warning',
        path: `spec.${direction}[${index}].${direction === 'ingress' ? 'from' : 'to'}`,
        message: [
          'a namespaceSelector and a podSelector stand in two items:',
          'either is enough, and the podSelector means this namespace',
        ].join(' '),
        suggestion: 'put both into one item if both must hold',
      }
    }
  }
}
