import { derivedKeys } from '../identity/labels.js'
import { matchesSelector, selectorText } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import type { RuleBook } from './rule-book.js'

/** Pods that a rule names and that are not there: the selector, and labels that meet it and say nothing else. */
export interface Hypothetical {
  readonly selector: LabelSelector
  readonly labels: ReadonlyMap<string, string>
}

/** Most sets of labels that one selector with many values or namespaces is tried with. */
const witnessesMax = 32

/** Selectors of pods that rules name, as peers or as subjects, without repeats. Those of entities are left out. */
export function podSelectors(books: readonly RuleBook[]): LabelSelector[] {
  const selectors = new Map<string, LabelSelector>()
  for (const book of books) {
    for (const selector of book.subjects) selectors.set(selectorText(selector), selector)
    for (const peer of book.peers.values())
      if (peer.kind === 'labels') selectors.set(selectorText(peer.selector), peer.selector)
  }
  return [...selectors.values()].filter(
    selector => selector.length > 0 && !selector.some(({ key }) => key.startsWith('reserved:')),
  )
}

/**
 * The pods that selectors without a pod would match: each selector alone, with the fewest labels that meet it, once per
 * value that it lists, in each namespace there is that it can mean, or in one of its own where there is none.
 * @param pods labels of every pod
 * @param namespaces labels that a pod has from each namespace
 */
export function hypotheticals(
  selectors: readonly LabelSelector[],
  pods: readonly ReadonlyMap<string, string>[],
  namespaces: readonly ReadonlyMap<string, string>[],
): Hypothetical[] {
  return selectors
    .filter(selector => !pods.some(labels => matchesSelector(selector, labels)))
    .flatMap(selector => witnesses(selector, namespaces).map(labels => ({ selector, labels })))
}

/** Sets of labels that meet a selector; none when it contradicts itself. */
function witnesses(
  selector: LabelSelector,
  namespaces: readonly ReadonlyMap<string, string>[],
): ReadonlyMap<string, string>[] {
  const ofPlace = selector.filter(isOfPlace)
  const own = combinations(selector.filter(requirement => !isOfPlace(requirement)))
  const known = namespaces.filter(labels => matchesSelector(ofPlace, labels))
  const places = known.length > 0 ? known.slice(0, witnessesMax) : combinations(ofPlace).map(inNamespace)
  return places
    .flatMap(place => own.map(labels => new Map([...place, ...labels])))
    .filter(labels => matchesSelector(selector, labels))
    .slice(0, witnessesMax)
}

const isOfPlace = ({ key }: Requirement): boolean =>
  key === derivedKeys.namespace || key.startsWith(derivedKeys.namespaceLabels)

/** Every pod is in some namespace. */
const inNamespace = (labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  labels.has(derivedKeys.namespace) ? labels : new Map([...labels, [derivedKeys.namespace, unheardOf]])

/** No object has this name: it holds a blank. */
const unheardOf = 'some other'

/** One set of labels per choice of listed values. */
function combinations(requirements: LabelSelector): ReadonlyMap<string, string>[] {
  let sets: ReadonlyMap<string, string>[] = [new Map()]
  for (const { key, operator, values } of requirements) {
    if (operator !== 'In' && operator !== 'Exists') continue
    const choices = operator === 'In' ? values : [unheardOf]
    sets = sets
      .flatMap(set => (set.has(key) ? [set] : choices.map(value => new Map([...set, [key, value]]))))
      .slice(0, witnessesMax)
  }
  return sets
}
