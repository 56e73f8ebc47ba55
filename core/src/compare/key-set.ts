import { derivedKeys } from '../identity/labels.js'
import { canonicalSelector } from '../policy/match.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'

/** What one label may be: a listed value, or with `others` any value but those; and whether it may be absent. */
export interface KeySet {
  /** Sorted. */
  readonly listed: readonly string[]
  readonly others: boolean
  readonly absent: boolean
}

/** Sets of labels: what each key may be. A key that isn't there may be anything. */
export type Cube = ReadonlyMap<string, KeySet>

/** Every pod has these labels. */
const alwaysThere: ReadonlySet<string> = new Set([
  derivedKeys.namespace,
  derivedKeys.serviceAccount,
  derivedKeys.cluster,
])

export const isAlwaysThere = (key: string): boolean => alwaysThere.has(key)

export const allows = ({ listed, others, absent }: KeySet, value: string | undefined): boolean =>
  value === undefined ? absent : listed.includes(value) !== others

/** Whether a set of labels is among those that a cube means. */
export function inCube(cube: Cube, labels: ReadonlyMap<string, string>): boolean {
  for (const [key, set] of cube) if (!allows(set, labels.get(key))) return false
  return true
}

/** The same sets of labels in fewer cubes: those that differ in one key only become one. */
export function mergedCubes(cubes: readonly Cube[]): Cube[] {
  const keys = [...new Set(cubes.flatMap(cube => [...cube.keys()]))].sort()
  let merged = [...cubes]
  for (let before = -1; before !== merged.length; ) {
    before = merged.length
    for (const key of keys) merged = mergedAlong(key, merged)
  }
  return merged
}

/** The selectors that together mean the pods of some cubes. */
export const cubeSelectors = (cubes: readonly Cube[]): LabelSelector[] => mergedCubes(cubes).flatMap(selectorsOf)

function mergedAlong(key: string, cubes: readonly Cube[]): Cube[] {
  const alike = new Map<string, Cube>()
  for (const cube of cubes) {
    const rest = [...cube].filter(([other]) => other !== key).sort(([a], [b]) => (a < b ? -1 : 1))
    const text = JSON.stringify(rest)
    const known = alike.get(text)
    const set = union(cube.get(key) ?? anything, known === undefined ? nothing : (known.get(key) ?? anything))
    alike.set(text, new Map(isAnything(key, set) ? rest : [...rest, [key, set]]))
  }
  return [...alike.values()]
}

const anything: KeySet = { listed: [], others: true, absent: true }
const nothing: KeySet = { listed: [], others: false, absent: false }

const isAnything = (key: string, { listed, others, absent }: KeySet): boolean =>
  listed.length === 0 && others && (absent || isAlwaysThere(key))

function union(a: KeySet, b: KeySet): KeySet {
  const absent = a.absent || b.absent
  if (!a.others && !b.others) return { listed: [...new Set([...a.listed, ...b.listed])].sort(), others: false, absent }
  const [open, other] = a.others ? [a, b] : [b, a]
  const left = open.listed.filter(value => other.listed.includes(value) === other.others)
  return { listed: left, others: true, absent }
}

function selectorsOf(cube: Cube): LabelSelector[] {
  let selectors: readonly Requirement[][] = [[]]
  for (const [key, set] of cube) {
    const ways = waysOf(key, set)
    selectors = selectors.flatMap(selector => ways.map(way => [...selector, ...way]))
  }
  return selectors.map(canonicalSelector)
}

/** A selector asks for a value or for absence; a set that allows some values and absence takes two. */
function waysOf(key: string, { listed, others, absent }: KeySet): (readonly Requirement[])[] {
  const mayBeAbsent = absent && !isAlwaysThere(key)
  const absence: Requirement[][] = mayBeAbsent ? [[{ key, operator: 'DoesNotExist', values: [] }]] : []
  if (!others) return [...(listed.length === 0 ? [] : [[{ key, operator: 'In', values: listed } as const]]), ...absence]
  const but: Requirement[] = listed.length === 0 ? [] : [{ key, operator: 'NotIn', values: listed }]
  if (mayBeAbsent || isAlwaysThere(key)) return [but]
  return [[{ key, operator: 'Exists', values: [] }, ...but]]
}
