import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import type { ManifestLimits } from './limits.js'

/** What is wrong with a document's shape, and the offset in its text. */
export interface ShapeProblem {
  readonly kind: 'complex' | 'syntax'
  readonly message: string
  readonly expected: string
  readonly offset: number
}

/** A node's size with every alias written out, and how deep it nests. */
interface Extent {
  readonly nodes: number
  readonly depth: number
}

const leaf: Extent = { nodes: 1, depth: 0 }

const offsetOf = (node: unknown, otherwise: number): number =>
  isNode(node) ? (node.range?.[0] ?? otherwise) : otherwise

/** Walks a document once. Nested aliases are added up, not followed: time and stack stay within the document's own size. */
class Inspector {
  readonly #limits: ManifestLimits
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  readonly #extents = new Map<Node, Extent>()
  problem: ShapeProblem | undefined

  constructor(limits: ManifestLimits) {
    this.#limits = limits
  }

  extent(node: unknown, level: number): Extent {
    if (this.problem !== undefined || !isNode(node)) return leaf
    if (isAlias(node)) return this.#alias(node.source, offsetOf(node, 0), level)
    if (node.anchor !== undefined && node.anchor !== '') this.#anchors.set(node.anchor, node)
    if (!isMap(node) && !isSeq(node)) return leaf
    if (level >= this.#limits.depthMax) return this.#tooDeep(offsetOf(node, 0))
    this.#open.add(node)
    if (isMap(node)) this.#checkKeys(node)
    let nodes = 1
    let depth = 0
    for (const item of isMap(node) ? node.items.map(({ value }) => value) : node.items) {
      const inner = this.extent(item, level + 1)
      nodes += inner.nodes
      depth = Math.max(depth, inner.depth + 1)
      if (nodes > this.#limits.nodesMax)
        this.#report(
          'complex',
          'there are too many values',
          `at most ${this.#limits.nodesMax}, aliases written out`,
          offsetOf(item, 0),
        )
      if (this.problem !== undefined) break
    }
    this.#open.delete(node)
    const extent = { nodes, depth }
    this.#extents.set(node, extent)
    return extent
  }

  #alias(source: string, offset: number, level: number): Extent {
    const target = this.#anchors.get(source)
    if (target === undefined) {
      this.#report('syntax', `no anchor &${source} stands before this alias`, 'an anchor, or the value itself', offset)
      return leaf
    }
    if (this.#open.has(target)) {
      this.#report('complex', `the anchor &${source} contains itself`, 'a value that ends', offset)
      return leaf
    }
    const extent = this.#extents.get(target) ?? leaf
    return level + extent.depth > this.#limits.depthMax ? this.#tooDeep(offset) : extent
  }

  #checkKeys(map: YAMLMap): void {
    const seen = new Set<string>()
    for (const { key } of map.items) {
      const offset = offsetOf(key, offsetOf(map, 0))
      if (!isScalar(key) || key.value === null) {
        this.#report('syntax', 'a key of this map is not a string', 'a field name', offset)
        return
      }
      const name = keyName(key.value)
      if (name === '<<') continue
      if (seen.has(name)) {
        this.#report('syntax', `the key "${name.slice(0, 64)}" is there twice in one map`, 'one of the two', offset)
        return
      }
      seen.add(name)
    }
  }

  #tooDeep(offset: number): Extent {
    this.#report('complex', 'maps and lists nest too deep', `at most ${this.#limits.depthMax} levels`, offset)
    return leaf
  }

  #report(kind: ShapeProblem['kind'], message: string, expected: string, offset: number): void {
    this.problem ??= { kind, message, expected, offset }
  }
}

/** A key as the text that it becomes in JSON. Merge keys read as a symbol by the parser. */
export const keyName = (value: unknown): string => (typeof value === 'symbol' ? '<<' : String(value))

/** The first thing that forbids turning the document into plain data: nesting, alias bombs, cycles, repeated keys. */
export const inspectDocument = (document: Document, limits: ManifestLimits): ShapeProblem | undefined => {
  const inspector = new Inspector(limits)
  inspector.extent(document.contents, 0)
  return inspector.problem
}
