import type { Reading } from '../compare/ends.js'
import { classesOf, type EndClass } from '../compare/classes.js'
import type { Resident } from '../compare/residents.js'
import { derivedKeys } from '../identity/labels.js'
import { nearestWord } from '../input/nearest.js'
import { matchesSelector, selectorText } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'

/** A state prepared for questions about selectors. */
export class LintCluster {
  readonly reading: Reading
  readonly pods: readonly Resident[]
  readonly classes: readonly EndClass[]
  readonly #matching = new Map<string, readonly Resident[]>()

  constructor(reading: Reading) {
    this.reading = reading
    this.pods = [...reading.residents.values()]
    this.classes = classesOf([reading])
  }

  /** Pods of the state that a selector means. */
  matching(selector: LabelSelector): readonly Resident[] {
    const key = selectorText(selector)
    let found = this.#matching.get(key)
    if (found === undefined) {
      found = this.pods.filter(({ labels }) => matchesSelector(selector, labels))
      this.#matching.set(key, found)
    }
    return found
  }

  /** Whether pods that are the node are all that a selector would match. */
  isHostNetworkOnly(selector: LabelSelector): boolean {
    const hosted = [...this.reading.state.pods.values()].filter(({ fact }) => fact.hostNetwork)
    return hosted.some(({ fact }) =>
      matchesSelector(selector, new Map([...Object.entries(fact.labels), [derivedKeys.namespace, fact.namespace]])),
    )
  }

  /** Why a selector matches no pod, and the label that comes nearest: a few words each. */
  explainNothing(selector: LabelSelector): { readonly message: string; readonly suggestion?: string } {
    const short = selector.filter(requirement => this.matching(without(selector, requirement)).length > 0)
    // Pods elsewhere with all of the labels tell more than pods here with other ones.
    const missing = short.find(({ key }) => key === derivedKeys.namespace) ?? short[0]
    if (missing === undefined) return this.#explainAll(selector)
    const near = this.matching(without(selector, missing))
    if (missing.key === derivedKeys.namespace) {
      const names = [...new Set(near.map(({ pod }) => pod.namespace))].sort()
      return {
        message: `no pod in namespace ${missing.values.join(' or ')} has the other labels`,
        suggestion: `name the namespace: there are such pods in ${listed(names)}`,
      }
    }
    return explainRequirement(missing, near)
  }

  /** More than one requirement fails: the first that no pod at all meets, else the first. */
  #explainAll(selector: LabelSelector): { readonly message: string; readonly suggestion?: string } {
    const namespace = selector.find(({ key }) => key === derivedKeys.namespace)
    const place = namespace === undefined ? [] : [namespace]
    if (namespace !== undefined && this.matching(place).length === 0) {
      const names = [...new Set(this.pods.map(({ pod }) => pod.namespace))]
      const near = namespace.values.flatMap(value => nearestWord(value, names) ?? [])
      return {
        message: `there is no pod in namespace ${namespace.values.join(' or ')}`,
        ...(near.length > 0 && { suggestion: `namespace ${listed(near)}` }),
      }
    }
    const pods = this.matching(place)
    const own = selector.filter(requirement => requirement !== namespace)
    const missing = own.find(requirement => this.matching([...place, requirement]).length === 0) ?? own[0]
    return missing === undefined ? { message: 'there are no pods' } : explainRequirement(missing, pods)
  }
}

const without = (selector: LabelSelector, requirement: Requirement): LabelSelector =>
  selector.filter(each => each !== requirement)

/** What stands in the way of pods that meet all the rest. */
function explainRequirement({ key, operator, values }: Requirement, pods: readonly Resident[]) {
  const shown = labelKeyText(key)
  if (operator === 'NotIn' || operator === 'DoesNotExist')
    return {
      message: `every pod with the other labels has ${shown}${values.length === 0 ? '' : ` in ${values.join(', ')}`}`,
    }
  const present = [...new Set(pods.flatMap(({ labels }) => labels.get(key) ?? []))].sort()
  const wanted = operator === 'Exists' ? shown : `${shown}=${values.join(' or ')}`
  if (present.length > 0) {
    const near = values.flatMap(value => nearestWord(value, present) ?? [])
    const there = near.length > 0 ? [...new Set(near)] : present
    return {
      message: `no pod has ${wanted}`,
      suggestion: `there is ${listed(there.map(value => `${shown}=${value}`))}`,
    }
  }
  const keys = [...new Set(pods.flatMap(({ labels }) => [...labels.keys()]))]
  const ofKind = keys.filter(each => isDerived(each) === isDerived(key))
  const near = nearestWord(shown, ofKind.map(labelKeyText))
  const byValue = ofKind.filter(each => pods.some(({ labels }) => values.includes(labels.get(each) ?? '\u0000')))
  const suggestion = near ?? byValue.map(labelKeyText)[0]
  return {
    message: `no pod has ${wanted}`,
    ...(suggestion !== undefined && {
      suggestion: `there is ${listed([...new Set(pods.flatMap(({ labels }) => valuesOf(labels, suggestion)))].sort())}`,
    }),
  }
}

const valuesOf = (labels: ReadonlyMap<string, string>, shownKey: string): string[] =>
  [...labels].filter(([key]) => labelKeyText(key) === shownKey).map(([, value]) => `${shownKey}=${value}`)

const isDerived = (key: string): boolean => key.startsWith('io.')

/** A label key as its author wrote it: a namespace's labels without what marks them as such. */
export const labelKeyText = (key: string): string =>
  key.startsWith(derivedKeys.namespaceLabels) ? key.slice(derivedKeys.namespaceLabels.length) : key

/** A few of many, for a sentence. */
export function listed(items: readonly string[]): string {
  const shown = items.slice(0, 4).join(', ')
  return items.length > 4 ? `${shown} and ${items.length - 4} more` : shown
}
