import type { ClusterState, EventBody, PodFact } from '@weir/core'
import type { Cell } from './cells.js'
import { pluggablePods } from './cells.js'
import type { Oracle } from './oracle.js'

/** A policy whose end makes a difference that can be seen. */
export interface TellingPolicy {
  /** `NetworkPolicy shop/web` */
  readonly title: string
  /** The event that ends it. */
  readonly end: EventBody
  readonly flips: number
}

/** Every policy of whatever dialect: the state without it, and the event that makes it so. */
function* endings(state: ClusterState): Generator<Omit<TellingPolicy, 'flips'> & { readonly without: ClusterState }> {
  const fields = stateFields(state)
  const less = <Value>(map: ReadonlyMap<string, Value>, key: string): Map<string, Value> => {
    const rest = new Map(map)
    rest.delete(key)
    return rest
  }
  for (const [key, { fact }] of state.policies) {
    const { namespace, name } = fact
    const end = { kind: 'networkpolicy.deleted', namespace, name } as const
    yield { title: `NetworkPolicy ${key}`, end, without: { ...fields, policies: less(state.policies, key) } }
  }
  for (const [key, { fact }] of state.ciliumPolicies) {
    const { kind: policyKind, namespace, name } = fact
    const end = { kind: 'ciliumpolicy.deleted', policyKind, namespace, name } as const
    const title = `${policyKind} ${namespace === '' ? '' : `${namespace}/`}${name}`
    yield { title, end, without: { ...fields, ciliumPolicies: less(state.ciliumPolicies, key) } }
  }
  for (const [key, { fact }] of state.clusterPolicies) {
    const { kind: policyKind, name } = fact
    const end = { kind: 'clusterpolicy.deleted', policyKind, name } as const
    const without = { ...fields, clusterPolicies: less(state.clusterPolicies, key) }
    yield { title: `${policyKind} ${name}`, end, without }
  }
}

/**
 * The policy to delete for show: the one that changes most cells among those that change at most a third of them, so
 * that the change tells something about one policy and not about the whole cluster; failing that, the one that changes
 * fewest.
 */
export function tellingPolicy(state: ClusterState, cells: readonly Cell[], oracle: Oracle): TellingPolicy | undefined {
  const before = cells.map(cell => oracle.judge(state, cell.flow).allowed)
  const candidates: TellingPolicy[] = []
  for (const { title, end, without } of endings(state)) {
    const flips = cells.filter((cell, at) => oracle.judge(without, cell.flow).allowed !== before[at]).length
    if (flips > 0) candidates.push({ title, end, flips })
  }
  const byFlips = candidates.sort((a, b) => b.flips - a.flips || (a.title < b.title ? -1 : 1))
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
  const { seq, timeMs, agent, host, namespaces, nodes, pods, services, policies, endpoints, refusals } = state
  const { ciliumPolicies, clusterPolicies, cidrGroups, endpointSlices, localRedirects, backends, failedChecks, dns } =
    state
  const { devices, ipMasq, egressGateways, staged, attachments, allocated, cooling, lastAllocated } = state
  const balanced = { endpointSlices, localRedirects, backends, failedChecks }
  const given = { attachments, allocated, cooling, lastAllocated }
  const leaving = { devices, ipMasq, egressGateways }
  const others = { ciliumPolicies, clusterPolicies, staged, cidrGroups, dns, ...balanced, ...leaving, ...given }
  return { seq, timeMs, agent, host, namespaces, nodes, pods, services, policies, endpoints, refusals, ...others }
}
