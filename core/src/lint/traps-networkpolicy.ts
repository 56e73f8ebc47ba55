import type { NetworkPolicyFact, NetworkPolicyPeer } from '../event/event.js'
import { type EndClass, rowOf } from '../compare/classes.js'
import { protocolNumbers } from '../policy/rule.js'
import { packetKey } from '../verdict/intervals.js'
import type { LintCluster } from './cluster.js'
import type { Finding } from './finding.js'

type Part = Pick<Finding, 'kind' | 'severity' | 'path' | 'message' | 'suggestion'>

/** What is easily got wrong in a NetworkPolicy of networking.k8s.io/v1. */
export function* networkPolicyTraps(cluster: LintCluster): Iterable<Finding> {
  for (const { fact, seq } of cluster.reading.state.policies.values()) {
    const policy = `NetworkPolicy ${fact.namespace}/${fact.name}`
    for (const part of [...sections(fact), ...lists(fact)]) yield { ...part, policy, seq }
  }
  yield* withoutNames(cluster)
}

/** Sections against `policyTypes`. */
function* sections(fact: NetworkPolicyFact): Iterable<Part> {
  for (const direction of ['ingress', 'egress'] as const) {
    const [isolates, rules] = [fact.policyTypes.includes(direction), fact[direction]]
    const type = direction === 'ingress' ? 'Ingress' : 'Egress'
    if (!isolates && rules.length > 0)
      yield {
        kind: 'section-ignored',
        severity: 'error',
        path: `spec.${direction}`,
        message: `these rules say nothing: policyTypes leaves ${type} out`,
        suggestion: `add ${type} to policyTypes`,
      }
    const other = direction === 'ingress' ? fact.egress : fact.ingress
    if (isolates && rules.length === 0 && other.length > 0)
      yield {
        kind: 'isolates-silently',
        severity: 'info',
        path: 'spec.policyTypes',
        message: `it denies all ${direction} of the pods that it selects: ${direction} has no rules${direction === 'ingress' ? ', and Ingress is meant whenever policyTypes is absent' : ''}`,
        suggestion: `policyTypes without ${type}, if ${direction} is none of its business`,
      }
  }
}

/** Two peers side by side that look as if both had to hold. */
function* lists(fact: NetworkPolicyFact): Iterable<Part> {
  for (const direction of ['ingress', 'egress'] as const) {
    for (const [index, { peers }] of fact[direction].entries()) {
      const only = (field: 'namespaceSelector' | 'podSelector') => (peer: NetworkPolicyPeer) =>
        peer.kind === 'pods' && Object.hasOwn(peer, field) && peer[field] !== undefined
      const places = peers.filter(peer => only('namespaceSelector')(peer) && !only('podSelector')(peer))
      const pods = peers.filter(peer => only('podSelector')(peer) && !only('namespaceSelector')(peer))
      if (places.length === 0 || pods.length === 0) continue
      yield {
        kind: 'peers-ored',
        severity: 'warning',
        path: `spec.${direction}[${index}].${direction === 'ingress' ? 'from' : 'to'}`,
        message:
          'a namespaceSelector and a podSelector stand in two items: either is enough, and the podSelector means this namespace',
        suggestion: 'put both into one item if both must hold',
      }
    }
  }
}

/** Pods whose egress is isolated and which can ask nobody for a name. */
function* withoutNames({ classes }: LintCluster): Iterable<Finding> {
  const keys = [packetKey(protocolNumbers.UDP, 53), packetKey(protocolNumbers.TCP, 53)]
  const told = new Set<string>()
  for (const subject of classes) {
    if (subject.kind !== 'pod') continue
    const isolating = subject.standings[0]!.rules.egress.filter(
      ({ rule }) => rule.tier === 'namespaced' && rule.order === 3,
    )
    if (isolating.length === 0 || classes.some(peer => asks(subject, peer, keys))) continue
    const { origin } = isolating[0]!.rule
    if (told.has(origin.policy)) continue
    told.add(origin.policy)
    yield {
      kind: 'no-dns',
      severity: 'info',
      policy: origin.policy,
      path: origin.path,
      seq: origin.seq,
      message: `${subject.members[0]!.workload} can ask nobody for names: no rule allows port 53`,
      suggestion: 'allow UDP and TCP 53 to the DNS pods, unless it needs no names',
    }
  }
}

const asks = (subject: EndClass, peer: EndClass, keys: readonly number[]): boolean =>
  subject.family === peer.family &&
  rowOf(0, 'egress', subject, peer, false).pieces.some(
    ({ first, last, allowed }) => allowed && keys.some(key => first <= key && key <= last),
  )
