import { derivedKeys, type LabelMap, namespaceNameKey } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { reservedLabel } from '../identity/reserved.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'

/** Kinds of ends, by the labels that one can have. */
export type Bearer = 'pod' | 'host' | 'remote-node' | 'world-ipv4' | 'world-ipv6'

/** What one label may still be. */
interface Domain {
  /** The values that it may have; with `others`, those that it may not. */
  readonly values: ReadonlySet<string>
  readonly others: boolean
  readonly absent: boolean
}

/** Everybody of one kind whose labels are within bounds; a key that is not in it has no bounds but its kind's. */
export interface Cube {
  readonly bearer: Bearer
  readonly bounds: ReadonlyMap<string, Domain>
}

const none: ReadonlySet<string> = new Set()
const anything: Domain = { values: none, others: true, absent: true }
const anyValue: Domain = { values: none, others: true, absent: false }
const never: Domain = { values: none, others: false, absent: true }
const mark: Domain = { values: new Set(['']), others: false, absent: false }
const maybeMark: Domain = { ...mark, absent: true }

/** Every end of a kind that there could ever be. */
export const everyone = (bearer: Bearer): Cube => ({ bearer, bounds: new Map() })

/** A namespace's name is one of its labels too: both keys are one to a cube. */
const nameLabel = derivedKeys.namespaceLabels + namespaceNameKey
const keyOf = (key: string): string => (key === nameLabel ? derivedKeys.namespace : key)

/** What labels of a key an end of a kind can have at all: see `podLabels`, `nodeLabels`, `worldLabels`. */
function unbounded(bearer: Bearer, key: string): Domain {
  switch (bearer) {
    case 'pod':
      if (key === derivedKeys.namespace || key === derivedKeys.serviceAccount || key === derivedKeys.cluster)
        return anyValue
      if (key === placeKeys.ownPod) return maybeMark
      return /^(?:reserved:|node:|io\.cilium\.k8s\.policy\.)/.test(key) ? never : anything
    case 'host':
    case 'remote-node':
      if (key === reservedLabel(bearer) || key === placeKeys.node) return mark
      return key.startsWith(placeKeys.nodeLabels) ? anything : never
    case 'world-ipv4':
    case 'world-ipv6':
      return key === reservedLabel('world') || key === reservedLabel(bearer) ? mark : never
  }
}

function met(domain: Domain, { operator, values }: Requirement): Domain | undefined {
  switch (operator) {
    case 'Exists':
      return filled({ ...domain, absent: false })
    case 'DoesNotExist':
      return domain.absent ? never : undefined
    case 'In': {
      const within = values.filter(value => domain.values.has(value) !== domain.others)
      return filled({ values: new Set(within), others: false, absent: false })
    }
    case 'NotIn': {
      const rest = domain.others
        ? new Set([...domain.values, ...values])
        : new Set([...domain.values].filter(value => !values.includes(value)))
      return filled({ ...domain, values: rest })
    }
  }
}

const filled = (domain: Domain): Domain | undefined =>
  domain.absent || domain.others || domain.values.size > 0 ? domain : undefined

/** The requirement that holds wherever this one doesn't. */
function opposite({ key, operator, values }: Requirement): Requirement {
  const operators = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const
  return { key, operator: operators[operator], values }
}

function bounded(cube: Cube, requirement: Requirement): Cube | undefined {
  const key = keyOf(requirement.key)
  const domain = met(cube.bounds.get(key) ?? unbounded(cube.bearer, key), requirement)
  return domain === undefined ? undefined : { ...cube, bounds: new Map([...cube.bounds, [key, domain]]) }
}

/** Those of a cube whom a selector means; undefined when there can be none. */
export function selected(cube: Cube, selector: LabelSelector): Cube | undefined {
  let result: Cube | undefined = cube
  for (const requirement of selector) {
    result = bounded(result, requirement)
    if (result === undefined) return undefined
  }
  return result
}

/** Those of a cube whom a selector doesn't mean, as cubes without an end in common. */
export function unselected(cube: Cube, selector: LabelSelector): Cube[] {
  const rest: Cube[] = []
  let meeting: Cube | undefined = cube
  for (const requirement of selector) {
    const failing = bounded(meeting, opposite(requirement))
    if (failing !== undefined) rest.push(failing)
    meeting = bounded(meeting, requirement)
    if (meeting === undefined) break
  }
  return rest
}

/** Labels of somebody in a cube, as unlike others as it allows: no label more than it takes, and values of no rule. */
export function exampleOf({ bearer, bounds }: Cube): LabelMap {
  const labels = new Map<string, string>()
  const keys = new Set([...bounds.keys(), ...ownKeys[bearer]])
  for (const key of keys) {
    const { values, others, absent } = bounds.get(key) ?? unbounded(bearer, key)
    if (!absent) labels.set(key, others ? unheardOf : [...values][0]!)
  }
  const namespace = labels.get(derivedKeys.namespace)
  return namespace === undefined ? labels : labels.set(nameLabel, namespace)
}

/** No label has this value: it holds a blank. */
const unheardOf = 'some other'

/** What nobody of a kind is without. */
const ownKeys: Readonly<Record<Bearer, readonly string[]>> = {
  pod: [derivedKeys.namespace, derivedKeys.serviceAccount, derivedKeys.cluster],
  host: [reservedLabel('host'), placeKeys.node],
  'remote-node': [reservedLabel('remote-node'), placeKeys.node],
  'world-ipv4': [reservedLabel('world'), reservedLabel('world-ipv4')],
  'world-ipv6': [reservedLabel('world'), reservedLabel('world-ipv6')],
}

/** A selector in one of its spellings: equal for selectors that mean the same pods, nodes and world. */
export function selectorMeaning(selector: LabelSelector): string {
  const bearers: readonly Bearer[] = ['pod', 'host', 'remote-node', 'world-ipv4', 'world-ipv6']
  return bearers
    .flatMap(bearer => {
      const cube = selected(everyone(bearer), selector)
      return cube === undefined ? [] : [`${bearer} ${cubeText(cube)}`]
    })
    .join(' | ')
}

function cubeText({ bearer, bounds }: Cube): string {
  return [...bounds]
    .map(([key, domain]) => [key, domainText(domain), domainText(unbounded(bearer, key))] as const)
    .filter(([, text, free]) => text !== free)
    .map(([key, text]) => `${key} ${text}`)
    .sort()
    .join(', ')
}

const domainText = ({ values, others, absent }: Domain): string =>
  `${others ? 'not ' : ''}(${[...values].sort().join(' ')})${absent ? ' or absent' : ''}`

/** Whether no pod, node or address whatever can have labels that a selector means. */
export const isImpossible = (selector: LabelSelector): boolean => selectorMeaning(canonicalSelector(selector)) === ''
