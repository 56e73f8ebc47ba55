import {
  type ClusterState,
  derivedKeys,
  type LabelSelector,
  matchesSelector,
  namespaceLabels,
  type PodFact,
  type Supposed,
} from '@weir/core'
import { parsePrefix } from '@weir/core/address/address.js'
import { residentOf } from '@weir/core/compare/residents.js'
import { invalidWord } from './invalid-word.js'

/** Pods that a selector means; those that are the node itself are no pods to a policy. */
export const podsMeeting = (state: ClusterState, selector: LabelSelector): readonly PodFact[] =>
  [...state.pods].flatMap(([key, { fact }]) => {
    const labels = fact.hostNetwork ? undefined : residentOf(state, key)?.labels
    return labels !== undefined && matchesSelector(selector, labels) ? [fact] : []
  })

/** Most pods that are made up for one selector. */
const supposedMax = 256

/**
 * Pods that aren't there and that a selector would mean: with the labels that it asks for and no others, once per value
 * that it lists, in each namespace that it can mean.
 *
 * @throws WeirError WEIR_REQUEST_INVALID when no pod can meet it, or too many different ones
 */
export function supposedPods(state: ClusterState, selector: LabelSelector): readonly Supposed[] {
  const word = selector.map(({ key }) => key).join(', ')
  const places = placesOf(state, selector)
  let own: ReadonlyMap<string, string>[] = [new Map()]
  for (const { key, operator, values } of selector.filter(({ key }) => !isOfPlace(key))) {
    if (operator !== 'In' && operator !== 'Exists') continue
    const choices = operator === 'In' ? values : [anyValue]
    own = own.flatMap(labels => (labels.has(key) ? [labels] : choices.map(value => new Map([...labels, [key, value]]))))
    if (own.length > supposedMax) throw tooMany(word)
  }
  const found = places.flatMap(place =>
    own.flatMap((labels): Supposed[] => {
      const all = new Map([[derivedKeys.serviceAccount, 'default'], ...place, ...labels])
      if (!matchesSelector(selector, all)) return []
      const shown = [...labels].map(([key, value]) => (value === anyValue ? key : `${key}=${value}`))
      const name = `a pod${shown.length === 0 ? '' : ` with ${shown.join(', ')}`} in ${place.get(derivedKeys.namespace)}`
      return [{ kind: 'pod', name, labels: all, ports: new Map(), within: parsePrefix('0.0.0.0/0')! }]
    }),
  )
  if (found.length > supposedMax) throw tooMany(word)
  if (found.length === 0)
    throw invalidWord('', 'no pod can have such labels', word, 'requirements that do not contradict each other')
  return found
}

/** A value that no rule lists: it holds a blank, which no label may. */
const anyValue = 'some value'

const isOfPlace = (key: string): boolean =>
  key === derivedKeys.namespace || key === derivedKeys.cluster || key.startsWith(derivedKeys.namespaceLabels)

function placesOf(state: ClusterState, selector: LabelSelector): readonly ReadonlyMap<string, string>[] {
  const asked = selector.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
  const known = new Set(state.namespaces.keys())
  for (const { fact } of state.pods.values()) known.add(fact.namespace)
  const names = asked?.values ?? (known.size === 0 ? ['default'] : [...known].sort())
  const wanted = selector.filter(({ key }) => isOfPlace(key))
  return names
    .map(name => {
      const labels = new Map<string, string>([
        [derivedKeys.namespace, name],
        [derivedKeys.cluster, state.agent?.fact.cluster ?? 'default'],
      ])
      for (const [key, value] of namespaceLabels(name, state.namespaces.get(name)?.fact.labels))
        labels.set(derivedKeys.namespaceLabels + key, value)
      return labels
    })
    .filter(labels => matchesSelector(wanted, labels))
}

const tooMany = (word: string) =>
  invalidWord('', `more than ${supposedMax} different pods would meet it`, word, 'fewer values, or ns=NAMESPACE')
