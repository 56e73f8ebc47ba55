import type { Member, SelectionRow } from '../tables/service-rows.js'
import { RecordedTable } from '../tables/recorded-table.js'
import { NumberPool } from '../verdict/number-pool.js'
import type { Use } from './model.js'

/** A row and how many claims point to it. */
export interface Selection {
  readonly row: SelectionRow
  readonly hash: number
  references: number
}

/** Selections by content: equal members share one. */
export class Selections {
  readonly table = new RecordedTable<number, SelectionRow>((a, b) => a === b)
  readonly #byHash = new Map<number, Selection[]>()
  readonly #idle = new Set<Selection>()
  readonly #numbers = new NumberPool()
  /** Numbers that a snapshot knew, by content, until something refers to them. */
  #remembered = new Map<string, number>()

  /** Numbers by content, for `remember`. */
  numbers(): (readonly [content: string, number: number])[] {
    return [...this.table].map(([number, { members }]) => [contentText(members), number])
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

  /** The selection of exactly these, one reference richer. Sorts them by number; each backend once. */
  acquire(uses: Use[]): Selection {
    sortByNumber(uses)
    let hash = uses.length
    for (const { backend, weight } of uses) {
      hash = Math.imul(hash ^ backend.number, 0x9e3779b1)
      hash = Math.imul((hash ^ (hash >>> 15)) + weight, 0x85ebca6b)
    }
    let found = this.#byHash.get(hash)
    let selection = found?.find(({ row }) => hasMembers(row.members, uses))
    if (selection === undefined) {
      const members = uses.map(({ backend, weight }): Member => ({ backend: backend.number, weight }))
      selection = { row: { selection: this.#numberFor(members), members }, hash, references: 0 }
      if (found === undefined) {
        found = [selection]
        this.#byHash.set(hash, found)
      } else found.push(selection)
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
      const found = this.#byHash.get(selection.hash)!
      if (found.length === 1) this.#byHash.delete(selection.hash)
      else found.splice(found.indexOf(selection), 1)
      this.#numbers.free(selection.row.selection)
      this.table.delete(selection.row.selection)
    }
    this.#idle.clear()
  }

  /** Ends a delta: numbers freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }

  #numberFor(members: readonly Member[]): number {
    if (this.#remembered.size === 0) return this.#numbers.take()
    const content = contentText(members)
    const known = this.#remembered.get(content)
    this.#remembered.delete(content)
    return known ?? this.#numbers.take()
  }
}

const contentText = (members: readonly Member[]): string =>
  members.map(({ backend, weight }) => `${backend}:${weight}`).join()

function hasMembers(members: readonly Member[], uses: readonly Use[]): boolean {
  if (members.length !== uses.length) return false
  for (let at = 0; at < uses.length; at++) {
    const member = members[at]!
    const use = uses[at]!
    if (member.backend !== use.backend.number || member.weight !== use.weight) return false
  }
  return true
}

/** Mostly they are in order already. */
function sortByNumber(uses: Use[]): void {
  for (let at = 1; at < uses.length; at++) {
    if (uses[at - 1]!.backend.number < uses[at]!.backend.number) continue
    uses.sort((a, b) => a.backend.number - b.backend.number)
    return
  }
}
