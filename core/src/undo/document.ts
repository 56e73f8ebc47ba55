import { canonicalJson } from '../json.js'
import { fieldPath, itemPath, type PathStep } from '../input/path.js'

/** One change of a document. The steps of an insertion end with the index that the value gets. */
export type Edit =
  | { readonly kind: 'remove'; readonly steps: readonly PathStep[] }
  | { readonly kind: 'set' | 'insert'; readonly steps: readonly PathStep[]; readonly value: unknown }

type Map = Readonly<Record<string, unknown>>

const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value)
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isSame = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)

/** What stands at a place; undefined where there is none. */
export function valueAt(document: unknown, steps: readonly PathStep[]): unknown {
  let value = document
  for (const step of steps) {
    if (isList(value)) value = value[Number(step)]
    else if (isMap(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

/** The document with the change made; what the place is in is made where it is missing. Leaves its argument alone. */
export function edited(document: unknown, edit: Edit): unknown {
  return at(document, edit.steps, edit)
}

function at(value: unknown, [step, ...rest]: readonly PathStep[], edit: Edit): unknown {
  if (step === undefined) return edit.kind === 'remove' ? undefined : edit.value
  if (isList(value) || (value === undefined && typeof step === 'number')) {
    const list = [...(value ?? [])]
    const index = Number(step)
    if (rest.length > 0) list[index] = at(list[index], rest, edit)
    else if (edit.kind === 'remove') list.splice(index, 1)
    else list.splice(index, edit.kind === 'set' ? 1 : 0, edit.value)
    return list
  }
  const map = isMap(value) ? value : {}
  if (rest.length > 0 || edit.kind !== 'remove') return { ...map, [step]: at(map[step], rest, edit) }
  const { [step]: _, ...others } = map
  return others
}

/** The changes that lead from one document to another, each of which can be made alone. */
export function editsBetween(from: unknown, to: unknown, steps: readonly PathStep[] = []): readonly Edit[] {
  if (isSame(from, to)) return []
  if (isMap(from) && isMap(to))
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((key): readonly Edit[] => {
      if (!Object.hasOwn(to, key)) return [{ kind: 'remove', steps: [...steps, key] }]
      if (!Object.hasOwn(from, key)) return [{ kind: 'set', steps: [...steps, key], value: to[key] }]
      return editsBetween(from[key], to[key], [...steps, key])
    })
  if (isList(from) && isList(to)) return listEdits(from, to, steps)
  return [{ kind: 'set', steps, value: to }]
}

/** Items that both have stay; between them those that went and those that came are taken for changed ones in turn. */
function listEdits(from: readonly unknown[], to: readonly unknown[], steps: readonly PathStep[]): readonly Edit[] {
  const edits: Edit[] = []
  let [left, right] = [0, 0]
  for (const [a, b] of [...common(from, to), [from.length, to.length] as const]) {
    while (left < a || right < b) {
      if (left === a) edits.push({ kind: 'insert', steps: [...steps, a], value: to[right] })
      else if (right === b) edits.push({ kind: 'remove', steps: [...steps, left] })
      else edits.push(...editsBetween(from[left], to[right], [...steps, left]))
      left = Math.min(a, left + 1)
      right = Math.min(b, right + 1)
    }
    left = a + 1
    right = b + 1
  }
  return edits
}

/** Places of the longest run of items that both lists have in one order. */
function common(from: readonly unknown[], to: readonly unknown[]): readonly (readonly [number, number])[] {
  const [left, right] = [from.map(canonicalJson), to.map(canonicalJson)]
  const lengths = left.map(() => new Array<number>(right.length).fill(0))
  const lengthAt = (a: number, b: number): number => lengths[a]?.[b] ?? 0
  for (let a = left.length - 1; a >= 0; a--)
    for (let b = right.length - 1; b >= 0; b--)
      lengths[a]![b] =
        left[a] === right[b] ? 1 + lengthAt(a + 1, b + 1) : Math.max(lengthAt(a + 1, b), lengthAt(a, b + 1))
  const pairs: [number, number][] = []
  for (let [a, b] = [0, 0]; a < left.length && b < right.length; ) {
    if (left[a] === right[b]) pairs.push([a++, b++])
    else if (lengthAt(a + 1, b) >= lengthAt(a, b + 1)) a += 1
    else b += 1
  }
  return pairs
}

/** Lines that go and come between two documents, written as YAML in blocks; of one that is absent all of the other's. */
export function editedLines(from: unknown, to: unknown): number {
  if (from === undefined || to === undefined) return linesOf(from ?? to)
  let lines = 0
  for (const edit of editsBetween(from, to)) {
    const before = valueAt(from, edit.steps)
    const isItem = typeof edit.steps.at(-1) === 'number'
    const count = isItem ? linesOf : fieldLines
    if (edit.kind !== 'insert' && before !== undefined) lines += count(before)
    if (edit.kind !== 'remove') lines += count(edit.value)
  }
  return lines
}

/** Of a field, with the line of its name. */
function fieldLines(value: unknown): number {
  if (value === undefined) return 0
  const isEmpty = typeof value !== 'object' || value === null || Object.keys(value).length === 0
  return isEmpty ? 1 : 1 + linesOf(value)
}

function linesOf(value: unknown): number {
  if (isList(value) && value.length > 0) return value.reduce((sum: number, item) => sum + linesOf(item), 0)
  if (!isMap(value) || Object.keys(value).length === 0) return 1
  return Object.values(value).reduce((sum: number, field) => sum + fieldLines(field), 0)
}

/** The place as kubectl writes it: `spec.ingress[0].from`. */
export const pathOf = (steps: readonly PathStep[]): string =>
  steps.reduce<string>((path, step) => (typeof step === 'number' ? itemPath(path, step) : fieldPath(path, step)), '')

/** `remove spec.ingressDeny[0]`, `add {"podSelector":…} to spec.ingress[0].from`, `set spec.selector.app to "web"` */
export function editText(edit: Edit): string {
  if (edit.kind === 'remove') return `remove ${pathOf(edit.steps)}`
  const value = JSON.stringify(edit.value)
  if (edit.kind === 'set') return `set ${pathOf(edit.steps)} to ${value}`
  return `add ${value} to ${pathOf(edit.steps.slice(0, -1))}`
}
