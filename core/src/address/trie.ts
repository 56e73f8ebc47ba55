import { bitAt, commonBits } from './address.js'

interface Node<Value> {
  bytes: Uint8Array
  length: number
  value: Value | undefined
  zero: Node<Value> | undefined
  one: Node<Value> | undefined
}

/**
 * Values by prefix of one address family, as a path-compressed binary trie: two nodes per value, lookups in the number
 * of distinct prefixes on the way.
 */
export class PrefixTrie<Value> {
  #root: Node<Value> | undefined

  get(bytes: Uint8Array, length: number): Value | undefined {
    let node = this.#root
    while (node !== undefined && contains(node, bytes)) {
      if (node.length === length) return node.value
      node = bitAt(bytes, node.length) === 0 ? node.zero : node.one
    }
    return undefined
  }

  /** The value of the longest prefix that contains the first `length` bits of `bytes`, itself included. */
  longest(bytes: Uint8Array, length: number): Value | undefined {
    let found: Value | undefined
    let node = this.#root
    while (node !== undefined && node.length <= length && contains(node, bytes)) {
      if (node.value !== undefined) found = node.value
      node = bitAt(bytes, node.length) === 0 ? node.zero : node.one
    }
    return found
  }

  /** The values of all prefixes that contain the first `length` bits of `bytes`, itself included, the shortest first. */
  around(bytes: Uint8Array, length: number): Value[] {
    const found: Value[] = []
    let node = this.#root
    while (node !== undefined && node.length <= length && contains(node, bytes)) {
      if (node.value !== undefined) found.push(node.value)
      if (node.length === length) break
      node = bitAt(bytes, node.length) === 0 ? node.zero : node.one
    }
    return found
  }

  /** The values of all prefixes inside the first `length` bits of `bytes`, itself included. */
  within(bytes: Uint8Array, length: number): Value[] {
    let node = this.#root
    while (node !== undefined && node.length < length) node = bitAt(bytes, node.length) === 0 ? node.zero : node.one
    const found: Value[] = []
    if (node === undefined || commonBits(node.bytes, bytes, length) < length) return found
    const stack = [node]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top.value !== undefined) found.push(top.value)
      if (top.one !== undefined) stack.push(top.one)
      if (top.zero !== undefined) stack.push(top.zero)
    }
    return found
  }

  set(bytes: Uint8Array, length: number, value: Value): void {
    this.#root = insert(this.#root, bytes, length, value)
  }

  delete(bytes: Uint8Array, length: number): void {
    this.#root = remove(this.#root, bytes, length)
  }
}

const contains = (node: Node<unknown>, bytes: Uint8Array): boolean =>
  commonBits(node.bytes, bytes, node.length) === node.length

function insert<Value>(node: Node<Value> | undefined, bytes: Uint8Array, length: number, value: Value): Node<Value> {
  if (node === undefined) return { bytes, length, value, zero: undefined, one: undefined }
  const shared = commonBits(node.bytes, bytes, Math.min(node.length, length))
  if (shared === node.length) {
    if (length === node.length) node.value = value
    else if (bitAt(bytes, node.length) === 0) node.zero = insert(node.zero, bytes, length, value)
    else node.one = insert(node.one, bytes, length, value)
    return node
  }
  const fork: Node<Value> = { bytes, length: shared, value: undefined, zero: undefined, one: undefined }
  if (bitAt(node.bytes, shared) === 0) fork.zero = node
  else fork.one = node
  return insert(fork, bytes, length, value)
}

function remove<Value>(node: Node<Value> | undefined, bytes: Uint8Array, length: number): Node<Value> | undefined {
  if (node === undefined || !contains(node, bytes)) return node
  if (node.length === length) node.value = undefined
  else if (bitAt(bytes, node.length) === 0) node.zero = remove(node.zero, bytes, length)
  else node.one = remove(node.one, bytes, length)
  if (node.value !== undefined || (node.zero !== undefined && node.one !== undefined)) return node
  return node.zero ?? node.one
}
