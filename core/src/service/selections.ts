import { NumberedTable } from '../tables/numbered-table.js'
import type { SelectionRow } from '../tables/service-rows.js'
import { NumberPool } from '../verdict/number-pool.js'
import type { Use } from './model.js'

/** A row and how many claims point to it. */
export interface Selection {
  readonly row: SelectionRow
  readonly hash: number
  references: number
  next: Selection | undefined
}

/** Selections by content: equal members share one. */
export class Selections {
  readonly table = new NumberedTable<SelectionRow>((a, b) => a === b)
  /** The first selection of each hash; each names the next. */
  readonly #byHash = new Map<number, Selection>()
  readonly #idle = new Set<Selection>()
  readonly #hashOf: (uses: readonly Use[]) => number
  readonly #numbers = new NumberPool()
  /** Numbers that a snapshot knew, by content, until something refers to them. */
  #remembered = new Map<string, number>()

  /** @param hashOf finds the few selections that may be equal */
  constructor(hashOf: (uses: readonly Use[]) => number = contentHash) {
    this.#hashOf = hashOf
  }

  /** Numbers by content, for `remember`. */
  numbers(): (readonly [content: string, number: number])[] {
    return Array.from(this.table, ([number, row]) => [contentText(row.backends, row.weights), number])
  }

  /** Selections that `acquire` makes until `forget` get the number that their content had. */
  remember(numbers: Iterable<readonly [content: string, number: number]>): void {
    this.#remembered = new Map(numbers)
    this.#numbers.resume(this.#remembered.values())
  }

  /** Frees the numbers that no selection took. */
  forget(): void {
    for (const number of this.#remembered.values()) this.#numbers.free(number)
    this.#remembered.clear()
  }

  /** The selection of exactly these, one reference richer. Each backend once. */
  acquire(unordered: readonly Use[]): Selection {
    const uses = byNumber(unordered)
    const hash = this.#hashOf(uses)
    const first = this.#byHash.get(hash)
    let selection = first
    while (selection !== undefined && !isOf(selection.row, uses)) selection = selection.next
    if (selection === undefined) {
      selection = { row: this.#rowOf(uses), hash, references: 0, next: first?.next }
      if (first === undefined) this.#byHash.set(hash, selection)
      else first.next = selection
      this.table.set(selection.row.selection, selection.row)
    }
    selection.references += 1
    return selection
  }

  release(selection: Selection): void {
    selection.references -= 1
    if (selection.references === 0) this.#idle.add(selection)
  }

  /** Ends the writing of a delta: what nothing refers to any more goes. */
  sweep(): void {
    for (const selection of this.#idle) {
      if (selection.references > 0) continue
      this.#unlink(selection)
      this.#numbers.free(selection.row.selection)
      this.table.delete(selection.row.selection)
    }
    this.#idle.clear()
  }

  /** Ends a delta: numbers freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }

  #unlink(selection: Selection): void {
    const first = this.#byHash.get(selection.hash)!
    if (first === selection) {
      if (selection.next === undefined) this.#byHash.delete(selection.hash)
      else this.#byHash.set(selection.hash, selection.next)
      return
    }
    let before = first
    while (before.next !== selection) before = before.next!
    before.next = selection.next
  }

  #rowOf(uses: readonly Use[]): SelectionRow {
    const backends = uses.map(({ row }) => row.backend)
    const weights = uses.every(({ weight }) => weight === 1) ? undefined : uses.map(({ weight }) => weight)
    const selection = this.#numberFor(backends, weights)
    return weights === undefined ? { selection, backends } : { selection, backends, weights }
  }

  #numberFor(backends: readonly number[], weights: readonly number[] | undefined): number {
    if (this.#remembered.size === 0) return this.#numbers.take()
    const content = contentText(backends, weights)
    const known = this.#remembered.get(content)
    this.#remembered.delete(content)
    return known ?? this.#numbers.take()
  }
}

function contentHash(uses: readonly Use[]): number {
  let hash = uses.length
  for (let at = 0; at < uses.length; at++) {
    const { row, weight } = uses[at]!
    hash = Math.imul(hash ^ row.backend, 0x9e3779b1)
    hash = Math.imul((hash ^ (hash >>> 15)) + weight, 0x85ebca6b)
  }
  return hash
}

const contentText = (backends: readonly number[], weights: readonly number[] | undefined): string =>
  weights === undefined ? backends.join() : `${backends.join()} ${weights.join()}`

function isOf({ backends, weights }: SelectionRow, uses: readonly Use[]): boolean {
  if (backends.length !== uses.length) return false
  for (let at = 0; at < uses.length; at++) {
    const { row, weight } = uses[at]!
    if (backends[at] !== row.backend || (weights?.[at] ?? 1) !== weight) return false
  }
  return true
}

/** Mostly they are in order already. */
function byNumber(uses: readonly Use[]): readonly Use[] {
  for (let at = 1; at < uses.length; at++) {
    if (uses[at - 1]!.row.backend < uses[at]!.row.backend) continue
    return uses.toSorted((a, b) => a.row.backend - b.row.backend)
  }
  return uses
}
