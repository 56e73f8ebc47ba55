import type { LabelMap } from '../identity/labels.js'
import type { LabelSelector } from '../policy/selector.js'
import type { KeyUse } from './key-use.js'
import type { Shape, SubjectAtom } from './model.js'
import { NumberPool } from './number-pool.js'
import { Postings } from './postings.js'
import { SelectorIndex } from './selector-index.js'

interface Entered {
  readonly number: number
  readonly atoms: Set<SubjectAtom>
}

/** Which selectors of rules' subjects match which judged shapes, kept as both come and go. */
export class SubjectIndex {
  readonly #selectors: SelectorIndex<SubjectAtom>
  readonly #postings = new Postings()
  readonly #entered = new Map<Shape, Entered>()
  readonly #byNumber = new Map<number, Shape>()
  readonly #numbers = new NumberPool()

  constructor(keys: KeyUse) {
    this.#selectors = new SelectorIndex(keys, requirement => this.#postings.countOf(requirement))
  }

  /** The atom of a selector, one reference richer. */
  acquire(selector: LabelSelector): SubjectAtom {
    return this.#selectors.acquire(selector, fields => {
      const atom: SubjectAtom = { ...fields, shapes: new Set(), rules: new Set() }
      this.#postings.select(selector).forEach(number => {
        const shape = this.#byNumber.get(number)!
        atom.shapes.add(shape)
        this.#entered.get(shape)!.atoms.add(atom)
      })
      return atom
    })
  }

  release(atom: SubjectAtom): void {
    if (this.#selectors.release(atom)) for (const shape of atom.shapes) this.#entered.get(shape)!.atoms.delete(atom)
  }

  /** @returns false when the shape is here already */
  add(shape: Shape): boolean {
    if (this.#entered.has(shape)) return false
    const number = this.#numbers.take()
    const atoms = new Set(this.#selectors.matching(shape.labels))
    this.#entered.set(shape, { number, atoms })
    this.#byNumber.set(number, shape)
    this.#postings.add(number, shape.labels)
    for (const atom of atoms) atom.shapes.add(shape)
    return true
  }

  remove(shape: Shape): void {
    const entered = this.#entered.get(shape)
    if (entered === undefined) return
    const { number, atoms } = entered
    this.#entered.delete(shape)
    this.#byNumber.delete(number)
    this.#postings.remove(number, shape.labels)
    this.#numbers.free(number)
    this.#numbers.commit()
    for (const atom of atoms) atom.shapes.delete(shape)
  }

  /** The atoms that match a shape that is here. */
  matchesOf(shape: Shape): ReadonlySet<SubjectAtom> {
    return this.#entered.get(shape)?.atoms ?? noAtoms
  }

  /** The atoms that would match somebody with these labels. */
  matching(labels: LabelMap): readonly SubjectAtom[] {
    return this.#selectors.matching(labels)
  }
}

const noAtoms: ReadonlySet<SubjectAtom> = new Set()
