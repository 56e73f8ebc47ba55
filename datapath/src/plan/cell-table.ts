import type { RowContent } from './row-content.js'

/** 0 egress, 1 ingress: `enum weir_direction`. */
export type DirectionNumber = 0 | 1
export const directions: readonly DirectionNumber[] = [0, 1]

/** Cells by subject and by peer class. A cell of peer class 0 is its subject's default for the direction. */
export interface CellView {
  get(subject: number, direction: DirectionNumber, peerClass: number): RowContent | undefined
  /** Peer classes with a cell of this subject and direction; the default (0) among them. */
  classes(subject: number, direction: DirectionNumber): Iterable<number>
  /** Subjects and directions with a cell of this peer class. */
  subjects(peerClass: number): Iterable<readonly [number, DirectionNumber]>
}

const row = (subject: number, direction: DirectionNumber) => subject * 2 + direction

/** Cells with both of their indexes. `null` as a value marks a cell as taken away, for overlays. */
class Indexed<Value extends RowContent | null> {
  readonly #bySubject = new Map<number, Map<number, Value>>()
  readonly #byClass = new Map<number, Set<number>>()
  size = 0

  get(subject: number, direction: DirectionNumber, peerClass: number): Value | undefined {
    return this.#bySubject.get(row(subject, direction))?.get(peerClass)
  }

  set(subject: number, direction: DirectionNumber, peerClass: number, value: Value): void {
    const key = row(subject, direction)
    const cells = this.#bySubject.get(key) ?? new Map<number, Value>()
    if (!cells.has(peerClass)) {
      this.size += 1
      this.#bySubject.set(key, cells)
      const column = this.#byClass.get(peerClass) ?? new Set()
      this.#byClass.set(peerClass, column.add(key))
    }
    cells.set(peerClass, value)
  }

  delete(subject: number, direction: DirectionNumber, peerClass: number): void {
    const key = row(subject, direction)
    const cells = this.#bySubject.get(key)
    if (cells?.delete(peerClass) !== true) return
    this.size -= 1
    if (cells.size === 0) this.#bySubject.delete(key)
    const column = this.#byClass.get(peerClass)!
    column.delete(key)
    if (column.size === 0) this.#byClass.delete(peerClass)
  }

  classes(subject: number, direction: DirectionNumber): Iterable<number> {
    return this.#bySubject.get(row(subject, direction))?.keys() ?? []
  }

  *subjects(peerClass: number): Iterable<readonly [number, DirectionNumber]> {
    for (const key of this.#byClass.get(peerClass) ?? []) yield [Math.floor(key / 2), (key % 2) as DirectionNumber]
  }

  *entries(): Iterable<readonly [number, DirectionNumber, number, Value]> {
    for (const [key, cells] of this.#bySubject) {
      for (const [peerClass, value] of cells) {
        yield [Math.floor(key / 2), (key % 2) as DirectionNumber, peerClass, value]
      }
    }
  }
}

export class CellTable implements CellView {
  readonly #cells = new Indexed<RowContent>()

  get size(): number {
    return this.#cells.size
  }

  get(subject: number, direction: DirectionNumber, peerClass: number): RowContent | undefined {
    return this.#cells.get(subject, direction, peerClass)
  }

  set(subject: number, direction: DirectionNumber, peerClass: number, value: RowContent | undefined): void {
    if (value === undefined) this.#cells.delete(subject, direction, peerClass)
    else this.#cells.set(subject, direction, peerClass, value)
  }

  classes(subject: number, direction: DirectionNumber): Iterable<number> {
    return this.#cells.classes(subject, direction)
  }

  subjects(peerClass: number): Iterable<readonly [number, DirectionNumber]> {
    return this.#cells.subjects(peerClass)
  }

  entries(): Iterable<readonly [number, DirectionNumber, number, RowContent]> {
    return this.#cells.entries()
  }
}

/** A base with changes on top; the base stays as it is. Reads see a state fixed while they iterate. */
export class CellOverlay implements CellView {
  readonly #base: CellView
  readonly #changes = new Indexed<RowContent | null>()

  constructor(base: CellView) {
    this.#base = base
  }

  get(subject: number, direction: DirectionNumber, peerClass: number): RowContent | undefined {
    const changed = this.#changes.get(subject, direction, peerClass)
    return changed === undefined ? this.#base.get(subject, direction, peerClass) : (changed ?? undefined)
  }

  set(subject: number, direction: DirectionNumber, peerClass: number, value: RowContent | undefined): void {
    this.#changes.set(subject, direction, peerClass, value ?? null)
  }

  classes(subject: number, direction: DirectionNumber): readonly number[] {
    const found: number[] = []
    for (const peerClass of this.#base.classes(subject, direction)) {
      if (this.#changes.get(subject, direction, peerClass) === undefined) found.push(peerClass)
    }
    for (const peerClass of this.#changes.classes(subject, direction)) {
      if (this.#changes.get(subject, direction, peerClass) !== null) found.push(peerClass)
    }
    return found
  }

  subjects(peerClass: number): readonly (readonly [number, DirectionNumber])[] {
    const found: (readonly [number, DirectionNumber])[] = []
    for (const [subject, direction] of this.#base.subjects(peerClass)) {
      if (this.#changes.get(subject, direction, peerClass) === undefined) found.push([subject, direction])
    }
    for (const [subject, direction] of this.#changes.subjects(peerClass)) {
      if (this.#changes.get(subject, direction, peerClass) !== null) found.push([subject, direction])
    }
    return found
  }
}
