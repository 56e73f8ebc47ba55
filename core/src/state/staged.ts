import type { EventBody } from '../event/event.js'
import type { PolicyFact } from '../event/policy-fact.js'
import { objectKey, type MutableClusterState, type StagedPolicy } from './state.js'

/** What is said of a policy as if nobody had staged it; anything else as it is. */
export function unstaged<Event extends EventBody>(event: Event): Event {
  switch (event.kind) {
    case 'networkpolicy.upserted':
    case 'ciliumpolicy.upserted':
    case 'clusterpolicy.upserted': {
      if (event.policy.staged === undefined) return event
      const { staged: _, ...policy } = event.policy
      return { ...event, policy }
    }
    default:
      return event
  }
}

type PolicyUpsert = Extract<EventBody, { kind: `${'network' | 'cilium' | 'cluster'}policy.upserted` }>

/** The fact that puts a policy into force, staged or not. */
export function enforcing(policy: PolicyFact): PolicyUpsert {
  switch (policy.dialect) {
    case 'kubernetes':
      return unstaged({ kind: 'networkpolicy.upserted', policy: policy.fact })
    case 'cilium':
      return unstaged({ kind: 'ciliumpolicy.upserted', policy: policy.fact })
    case 'cluster':
      return unstaged({ kind: 'clusterpolicy.upserted', policy: policy.fact })
  }
}

/**
 * Notes a policy's new version among the staged ones, or that it isn't one of them any more.
 * @param key `Kind/namespace/name`
 * @returns whether it is staged, and so not in force
 */
export function stage(state: MutableClusterState, key: string, policy: StagedPolicy): boolean {
  if (policy.fact.staged === true) state.staged.set(key, policy)
  else if (state.staged.size > 0) state.staged.delete(key)
  return policy.fact.staged === true
}

/** Puts all that is staged into force. @returns the policies' keys, `Kind/namespace/name` */
export function enforceStaged(state: MutableClusterState): readonly string[] {
  const keys = [...state.staged.keys()]
  for (const [key, policy] of state.staged) {
    const { seq } = policy
    const body = enforcing(policy)
    if (body.kind === 'networkpolicy.upserted')
      state.policies.set(objectKey(body.policy.namespace, body.policy.name), { fact: body.policy, seq })
    else if (body.kind === 'ciliumpolicy.upserted') state.ciliumPolicies.set(key, { fact: body.policy, seq })
    else state.clusterPolicies.set(key, { fact: body.policy, seq })
  }
  state.staged.clear()
  return keys
}
