import { type ClusterState, type Direction, type Engine, namespaceLabels } from '@weir/core'
import { LabelFilter } from '@weir/core/identity/filter.js'
import { type LabelMap, podLabels } from '@weir/core/identity/labels.js'
import { matchesSelector, selectorText } from '@weir/core/policy/match.js'
import type { LabelSelector } from '@weir/core/policy/selector.js'
import type { Refusal } from '@weir/core/state/state.js'
import { compilePolicy } from '@weir/core/verdict/dialects.js'
import type { SourceOf } from './event-source.js'
import type { PolicyView } from './protocol.js'

/** Kinds of refused objects that belong among policies. A file that can't be read at all may hold some. */
const policyKinds = new Set([
  'NetworkPolicy',
  'CiliumNetworkPolicy',
  'CiliumClusterwideNetworkPolicy',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'Manifest',
])

interface Kept {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly seq: number
  /** It is tried, and not in force. */
  readonly isStaged: boolean
}

/** Policies of every dialect: in force, staged, refused, or refused while the version before holds. */
export async function policyViews(engine: Engine, sourceOf: SourceOf): Promise<PolicyView[]> {
  const { state } = engine
  const refused = new Map<string, Refusal>()
  for (const refusal of state.refusals.values())
    if (policyKinds.has(refusal.object.kind)) refused.set(titleOf(refusal.object), refusal)
  const reaches = reachOf(engine)
  const views: PolicyView[] = []
  for (const { isStaged, ...policy } of keptPolicies(state)) {
    const title = titleOf(policy)
    const refusal = refused.get(title)
    refused.delete(title)
    const reach = reaches.get(title)
    views.push({
      ...policy,
      state: `${isStaged ? 'staged' : 'in force'}${refusal === undefined ? '' : '; newer version refused'}`,
      directions: [...(reach?.directions ?? [])].sort(),
      pods: reach?.pods.size ?? 0,
      ...(await sourceOf(policy.seq)),
      problems: refusal?.problems ?? [],
    })
  }
  for (const { object, problems, seq } of refused.values())
    views.push({
      ...object,
      state: 'refused',
      directions: [],
      pods: 0,
      ...(await sourceOf(seq)),
      seq: 0,
      problems,
    })
  return views
}

function* keptPolicies(state: ClusterState): Generator<Kept> {
  const isStaged = false
  for (const { fact, seq } of state.policies.values())
    yield { kind: 'NetworkPolicy', namespace: fact.namespace, name: fact.name, seq, isStaged }
  for (const { fact, seq } of state.ciliumPolicies.values())
    yield { kind: fact.kind, namespace: fact.namespace, name: fact.name, seq, isStaged }
  for (const { fact, seq } of state.clusterPolicies.values())
    yield { kind: fact.kind, namespace: '', name: fact.name, seq, isStaged }
  for (const [key, { seq }] of state.staged) {
    const [kind = '', namespace = '', name = ''] = key.split('/')
    yield { kind, namespace, name, seq, isStaged: true }
  }
}

/** As rules name their policy: `NetworkPolicy shop/web`, `ClusterNetworkPolicy lockdown`. */
const titleOf = ({ kind, namespace, name }: Omit<Kept, 'seq' | 'isStaged'>): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`

interface Reach {
  readonly directions: Set<Direction>
  readonly pods: Set<string>
}

/** What each policy's rules speak of, by its title. Selectors that many rules share are asked once. */
function reachOf(engine: Engine): ReadonlyMap<string, Reach> {
  const podsBySelector = new Map<string, readonly string[]>()
  const labels = podLabelMaps(engine.state)
  const podsOf = (selector: LabelSelector): readonly string[] => {
    const text = selectorText(selector)
    let pods = podsBySelector.get(text)
    if (pods === undefined) {
      pods = [...labels].flatMap(([key, own]) => (matchesSelector(selector, own) ? [key] : []))
      podsBySelector.set(text, pods)
    }
    return pods
  }
  const reaches = new Map<string, Reach>()
  const staged = [...engine.state.staged.values()].flatMap(policy => compilePolicy(policy, engine.state))
  for (const { origin, direction, subject } of [...engine.rules(), ...staged]) {
    const reach = reaches.get(origin.policy) ?? { directions: new Set(), pods: new Set() }
    reaches.set(origin.policy, reach)
    reach.directions.add(direction)
    for (const pod of podsOf(subject)) reach.pods.add(pod)
  }
  return reaches
}

/** All labels of each pod, as policies see them; hostNetwork pods are the node, which no pod selector means. */
function podLabelMaps(state: ClusterState): ReadonlyMap<string, LabelMap> {
  const filter = new LabelFilter()
  const cluster = state.agent?.fact.cluster ?? 'default'
  const maps = new Map<string, LabelMap>()
  for (const [key, { fact: pod }] of state.pods) {
    if (pod.hostNetwork) continue
    const namespace = namespaceLabels(pod.namespace, state.namespaces.get(pod.namespace)?.fact.labels)
    const { relevant, filtered } = podLabels({ pod, namespace, cluster }, filter)
    maps.set(key, new Map([...relevant, ...filtered]))
  }
  return maps
}
