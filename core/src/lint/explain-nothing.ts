import type { LabelMap } from '../identity/labels.js'
import { derivedKeys, namespaceLabels } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { nearestWord } from '../input/nearest.js'
import { matchesSelector } from '../policy/match.js'
import { inAnyNamespace } from '../policy/requirements.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import type { LintCluster } from './cluster.js'
import { listed } from './wording.js'

/** Why a selector matches nobody, and what comes nearest: a few words each. */
export interface Nothing {
  readonly message: string
  readonly suggestion?: string
}

/**
 * Why no pod of the state meets a selector, and the label that comes nearest.
 * @param whose of a subject, whose namespace is the policy's own, or of a peer
 */
export function explainNothing(cluster: LintCluster, selector: LabelSelector, whose: 'subject' | 'peer'): Nothing {
  const place = selector.filter(isOfPlace)
  const own = selector.filter(requirement => !isOfPlace(requirement))
  const special = own.map(explainSpecial(cluster, whose)).find(found => found !== undefined)
  if (special !== undefined) return special
  if (cluster.matching(place).length === 0) return explainPlace(cluster, place)
  // Pods elsewhere with all of the labels tell more than pods here with other ones.
  const named = place.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
  const elsewhere = named === undefined ? [] : cluster.matching([inAnyNamespace, ...own])
  if (named !== undefined && elsewhere.length > 0) {
    const names = listed([...new Set(elsewhere.map(({ pod }) => pod.namespace))].sort())
    const message = `no pod in namespace ${named.values.join(' or ')} has the other labels`
    return whose === 'subject'
      ? { message, suggestion: `there are such pods in ${names}: a policy selects in its own namespace` }
      : { message, suggestion: `name the namespace: there are such pods in ${names}` }
  }
  const short = own.find(each => cluster.matching([...place, ...own.filter(other => other !== each)]).length > 0)
  const missing = short ?? own.find(each => cluster.matching([...place, each]).length === 0) ?? own[0]
  if (missing === undefined) return { message: 'there are no pods' }
  const near = cluster.matching(short === undefined ? place : [...place, ...own.filter(other => other !== short)])
  return explainRequirement(
    missing,
    near.map(({ labels }) => labels),
    'pod',
  )
}

/** Why no node of the state meets a selector. */
export function explainNoNode(cluster: LintCluster, selector: LabelSelector): Nothing {
  const own = selector.filter(({ key }) => key.startsWith(placeKeys.nodeLabels))
  const missing = own.find(each => cluster.matchingNodes([each]).length === 0) ?? own[0]
  if (missing === undefined) return { message: 'there are no nodes' }
  return explainRequirement(
    missing,
    cluster.nodes.map(({ labels }) => labels),
    'node',
  )
}

const isOfPlace = ({ key }: Requirement): boolean =>
  key === derivedKeys.namespace || key.startsWith(derivedKeys.namespaceLabels)

/** Keys that no pod can have, or that no pod of this cluster has. */
const explainSpecial =
  (cluster: LintCluster, whose: 'subject' | 'peer') =>
  ({ key, operator, values }: Requirement): Nothing | undefined => {
    if (operator !== 'In' && operator !== 'Exists') return undefined
    const entity = /^reserved[.:](.+)$/.exec(key)?.[1]
    if (entity !== undefined && whose === 'subject') return { message: `nobody here has a label ${key}` }
    if (entity !== undefined)
      return {
        message: `no pod has a label ${key}`,
        suggestion: `peers that are no pods stand in fromEntities and toEntities: [${entity}]`,
      }
    const here = cluster.reading.state.agent?.fact.cluster ?? 'default'
    if (key === derivedKeys.cluster && operator === 'In' && !values.includes(here))
      return { message: `this is cluster ${here}, and pods of ${values.join(' and ')} aren't known to it` }
    return undefined
  }

/** Namespaces without a pod, or that aren't there. */
function explainPlace(cluster: LintCluster, place: LabelSelector): Nothing {
  const named = place.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
  if (named !== undefined && cluster.matching([named]).length === 0) {
    const message = `there is no pod in namespace ${named.values.join(' or ')}`
    const occupied = cluster.namespaces.filter(name => !named.values.includes(name))
    const near = named.values.flatMap(value => nearestWord(value, occupied) ?? [])
    return near.length === 0 ? { message } : { message, suggestion: `there is namespace ${listed(near)}` }
  }
  const { state } = cluster.reading
  const labels = cluster.namespaces.map(name => onPods(namespaceLabels(name, state.namespaces.get(name)?.fact.labels)))
  const asked = place.filter(({ key }) => key !== derivedKeys.namespace)
  if (labels.some(each => matchesSelector(asked, each)))
    return { message: 'there is no pod in the namespaces that it means' }
  const missing = asked.find(each => !labels.some(found => matchesSelector([each], found))) ?? asked[0]
  return missing === undefined ? { message: 'there are no pods' } : explainRequirement(missing, labels, 'namespace')
}

const onPods = (labels: LabelMap): LabelMap =>
  new Map([...labels].map(([key, value]) => [derivedKeys.namespaceLabels + key, value]))

/**
 * What stands in the way of those who meet all the rest.
 * @param near their labels
 */
function explainRequirement(
  { key, operator, values }: Requirement,
  near: readonly LabelMap[],
  bearer: 'pod' | 'node' | 'namespace',
): Nothing {
  const shown = labelKeyText(key)
  const who = key.startsWith(derivedKeys.namespaceLabels) ? 'namespace' : bearer
  if (operator === 'NotIn' || operator === 'DoesNotExist')
    return { message: `every ${who} with the other labels has ${[shown, ...values].join(' ')}` }
  const message = `no ${who} has ${operator === 'Exists' ? shown : `${shown}=${values.join(' or ')}`}`
  const present = [...new Set(near.flatMap(labels => labels.get(key) ?? []))].sort()
  if (present.length > 0) {
    const alike = [...new Set(values.flatMap(value => nearestWord(value, present) ?? []))]
    const there = alike.length > 0 ? alike : present
    return { message, suggestion: `there is ${listed(there.map(value => `${shown}=${value}`))}` }
  }
  const keys = [...new Set(near.flatMap(labels => [...labels.keys()]))].filter(each => familyOf(each) === familyOf(key))
  const alike = nearestWord(shown, keys.map(labelKeyText))
  const sharing = keys.find(each => near.some(labels => values.includes(labels.get(each) ?? '\u0000')))
  const wanted = keys.find(each => labelKeyText(each) === alike) ?? sharing
  if (wanted === undefined) return { message }
  const there = [...new Set(near.flatMap(labels => labels.get(wanted) ?? []))].sort()
  return { message, suggestion: `there is ${listed(there.map(value => `${labelKeyText(wanted)}=${value}`))}` }
}

/** Labels of namespaces are no slip for labels of pods. */
const familyOf = (key: string): string =>
  [derivedKeys.namespaceLabels, placeKeys.nodeLabels, 'io.', 'reserved:'].find(start => key.startsWith(start)) ?? ''

/** A label key as its author wrote it: those of namespaces and nodes without what marks them as such. */
export function labelKeyText(key: string): string {
  const start = [derivedKeys.namespaceLabels, placeKeys.nodeLabels].find(each => key.startsWith(each)) ?? ''
  return key.slice(start.length)
}
