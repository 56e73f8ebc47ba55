import type { EventBody } from '../event/event.js'
import type { PolicyFact } from '../event/policy-fact.js'
import type { ClusterState } from '../state/state.js'

/** An event that says again what a state knows, and the event that said it first; 0: several did. */
export interface StateBody {
  readonly body: EventBody
  readonly seq: number
  /** Of an answer of DNS: when it ends, milliseconds since the epoch. */
  readonly untilMs?: number
}

const upsertOf = (policy: PolicyFact): EventBody => {
  switch (policy.dialect) {
    case 'kubernetes':
      return { kind: 'networkpolicy.upserted', policy: policy.fact }
    case 'cilium':
      return { kind: 'ciliumpolicy.upserted', policy: policy.fact }
    case 'cluster':
      return { kind: 'clusterpolicy.upserted', policy: policy.fact }
  }
}

/**
 * A state as events that lead to it from nothing: kind by kind, each in the state's own order, so that what goes by order
 * stays. Answers of DNS come one address at a time, as of a second before they end; the time comes last.
 */
export function* stateBodies(state: ClusterState): Generator<StateBody> {
  if (state.agent !== undefined)
    yield { body: { kind: 'agent.configured', agent: state.agent.fact }, ...seqOf(state.agent) }
  if (state.host !== undefined) yield { body: { kind: 'host.observed', host: state.host.fact }, ...seqOf(state.host) }
  if (state.devices !== undefined)
    yield { body: { kind: 'devices.observed', devices: state.devices.fact }, ...seqOf(state.devices) }
  if (state.ipMasq !== undefined)
    yield { body: { kind: 'ipmasq.configured', config: state.ipMasq.fact }, ...seqOf(state.ipMasq) }
  for (const { fact, seq } of state.namespaces.values())
    yield { body: { kind: 'namespace.upserted', namespace: fact }, seq }
  for (const { fact, seq } of state.nodes.values()) yield { body: { kind: 'node.upserted', node: fact }, seq }
  for (const { fact, seq } of state.pods.values()) yield { body: { kind: 'pod.upserted', pod: fact }, seq }
  for (const { fact, seq } of state.endpoints.values())
    yield { body: { kind: 'endpoint.attached', endpoint: fact }, seq }
  for (const { fact, seq } of state.services.values()) yield { body: { kind: 'service.upserted', service: fact }, seq }
  for (const { fact, seq } of state.endpointSlices.values())
    yield { body: { kind: 'endpointslice.upserted', slice: fact }, seq }
  for (const { fact, seq } of state.localRedirects.values())
    yield { body: { kind: 'localredirect.upserted', redirect: fact }, seq }
  for (const { fact, seq } of state.backends.values())
    yield { body: { kind: 'backend.configured', backend: fact }, seq }
  for (const { fact, seq } of state.failedChecks.values()) yield { body: { kind: 'backend.checked', check: fact }, seq }
  for (const { fact, seq } of state.egressGateways.values())
    yield { body: { kind: 'egressgateway.upserted', policy: fact }, seq }
  for (const { fact, seq } of state.cidrGroups.values())
    yield { body: { kind: 'cidrgroup.upserted', group: fact }, seq }
  for (const { fact, seq } of state.policies.values()) yield { body: upsertOf({ dialect: 'kubernetes', fact }), seq }
  for (const { fact, seq } of state.ciliumPolicies.values()) yield { body: upsertOf({ dialect: 'cilium', fact }), seq }
  for (const { fact, seq } of state.clusterPolicies.values())
    yield { body: upsertOf({ dialect: 'cluster', fact }), seq }
  for (const staged of state.staged.values()) yield { body: upsertOf(staged), seq: staged.seq }
  for (const [name, addresses] of state.dns)
    for (const [address, { seq, untilMs }] of addresses)
      yield { body: { kind: 'dns.answered', answer: { name, addresses: [address], ttlSeconds: 1 } }, seq, untilMs }
  for (const { object, problems, seq } of state.refusals.values())
    yield { body: { kind: 'input.refused', object, problems }, seq }
  if (state.timeMs > 0) yield { body: { kind: 'time.passed', until: state.timeMs }, seq: 0 }
}

const seqOf = ({ seq }: { readonly seq: number }): { readonly seq: number } => ({ seq })
