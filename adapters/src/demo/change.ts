import type { ClusterState, PodFact } from '@weir/core'
import type { Cell } from './cells.js'
import { pluggablePods } from './cells.js'
import type { Oracle } from './oracle.js'

/** A policy whose end makes a difference that can be seen. */
export interface TellingPolicy {
  readonly namespace: string
  readonly name: string
  readonly flips: number
}

/**
 * The policy to delete for show: the one that changes most cells among those that change at most a third of them, so
 * that the change tells something about one policy and not about the whole cluster; failing that, the one that changes
 * fewest.
 */
export function tellingPolicy(state: ClusterState, cells: readonly Cell[], oracle: Oracle): TellingPolicy | undefined {
  const before = cells.map(cell => oracle.judge(state, cell.flow).allowed)
  const candidates: TellingPolicy[] = []
  for (const [key, { fact }] of state.policies) {
    const policies = new Map(state.policies)
    policies.delete(key)
    const without: ClusterState = { ...stateFields(state), policies }
    const flips = cells.filter((cell, at) => oracle.judge(without, cell.flow).allowed !== before[at]).length
    if (flips > 0) candidates.push({ namespace: fact.namespace, name: fact.name, flips })
  }
  const byFlips = candidates.sort(
    (a, b) => b.flips - a.flips || (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1),
  )
  return byFlips.find(each => each.flips * 3 <= cells.length) ?? byFlips.at(-1)
}

/** A sibling of an existing pod: same labels, ports and account, another name; it has no address yet. */
export function sibling(state: ClusterState): PodFact | undefined {
  const pods = [...pluggablePods(state).pods.values()]
  pods.sort(
    (a, b) => b.ports.length - a.ports.length || (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1),
  )
  const model = pods[0]
  if (model === undefined) return undefined
  let name = `${model.name}-sibling`
  for (let count = 2; state.pods.has(`${model.namespace}/${name}`); count++) name = `${model.name}-sibling${count}`
  return { ...model, name, addresses: [] }
}

/** The state as a plain object: it may be a class with getters, which a spread would leave behind. */
function stateFields(state: ClusterState): ClusterState {
  const { seq, timeMs, agent, namespaces, nodes, pods, services, policies, endpoints, refusals } = state
  const { ciliumPolicies, clusterPolicies, cidrGroups, endpointSlices, dns } = state
  const others = { ciliumPolicies, clusterPolicies, cidrGroups, endpointSlices, dns }
  return { seq, timeMs, agent, namespaces, nodes, pods, services, policies, endpoints, refusals, ...others }
}
