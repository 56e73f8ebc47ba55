import type { PathStep } from '@weir/core/input/path.js'
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import { keyName } from './inspect.js'

const target = (document: Document, node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)

const pairOf = (document: Document, map: YAMLMap, field: string): Pair | undefined => {
  const own = map.items.find(({ key }) => isScalar(key) && keyName(key.value) === field)
  if (own !== undefined) return own
  for (const { key, value } of map.items) {
    if (!isScalar(key) || keyName(key.value) !== '<<') continue
    const merged = target(document, value)
    const sources = isSeq(merged) ? merged.items.map(item => target(document, item)) : [merged]
    for (const source of sources) {
      const found = isMap(source) ? pairOf(document, source, field) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

const start = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

/**
 * The offset in the document's text at which the field of a path begins: its key, or the list item. Where the path
 * leads to nothing (a missing field), the place of the nearest thing above it.
 */
export const offsetOfPath = (document: Document, steps: readonly PathStep[]): number => {
  let node: unknown = document.contents
  let offset = start(node) ?? 0
  for (const step of steps) {
    const inner: Node | unknown = target(document, node)
    if (isMap(inner)) {
      const pair = pairOf(document, inner, String(step))
      if (pair === undefined) break
      offset = start(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(inner) && typeof step === 'number' && step < inner.items.length) {
      node = inner.items[step]
      offset = start(node) ?? offset
    } else break
  }
  return offset
}
