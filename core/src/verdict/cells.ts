import type { Direction } from '../policy/rule.js'
import { RecordedTable } from '../tables/recorded-table.js'
import { differingAtoms } from './atom-set.js'
import type { CellKey, CellRow, Row } from '../tables/tables.js'
import type { PeerAtom, PeerClass, PeerClassData, PeersChange, Shape, Subject, SubjectData } from './model.js'
import type { NumberSet } from './number-set.js'
import type { PartitionChange } from './partition.js'
import { amendPlan, classesOf, judgementFor, planOf, subjectsAsking, type Plan } from './plan.js'
import { Rows } from './rows.js'

export const directions = ['ingress', 'egress'] as const

/** One direction of a subject. */
interface Side {
  readonly plan: Plan
  readonly otherwise: Row
  readonly cells: Map<PeerClass, Row>
}
type Sides = Record<Direction, Side>

/** A subject one of whose rules asks other peers. */
export interface AmendedSubject {
  readonly subject: Subject
  readonly change: PeersChange
}

/** What the digest must look at again: a cell, or a subject's default when `peerClass` is absent. */
export type CellListener = (subject: Subject, direction: Direction, peerClass: PeerClass | undefined) => void

/** Verdicts: subject × direction × class → row, for every class that the subject's rules tell from the default. */
export class Cells {
  readonly table = new RecordedTable<CellKey, CellRow>((a, b) => a.row === b.row)
  readonly rows = new Rows()
  readonly #sides = new Map<Subject, Sides>()
  readonly #changed: CellListener

  constructor(changed: CellListener) {
    this.#changed = changed
  }

  /** The default without a class. @param subject one that is there */
  rowOf(subject: Subject, direction: Direction, peerClass: PeerClass | undefined): Row | undefined {
    const { otherwise, cells } = this.#sides.get(subject)![direction]
    return peerClass === undefined ? otherwise : cells.get(peerClass)
  }

  /** @param rules that ask other peers while their subjects stay as they are */
  settle(
    subjects: PartitionChange<Shape, SubjectData>,
    classes: PartitionChange<number, PeerClassData, NumberSet>,
    rules: readonly AmendedSubject[],
  ): void {
    if (rules.length === 0 && isNothing(subjects) && isNothing(classes)) return
    for (const subject of subjects.removed.keys()) this.#end(subject)
    const anew = new Set([...subjects.created, ...subjects.renamed.keys()])
    const amended = rules.filter(({ subject }) => !anew.has(subject))
    const left = amended.map(({ subject, change }) => this.#amend(subject, change))
    for (const [peerClass, { atoms }] of classes.removed) this.#judge(peerClass, atoms, anew)
    for (const [peerClass, before] of classes.renamed) {
      const atoms = differingAtoms(before, peerClass.data).map(({ atom }) => atom)
      this.#judge(peerClass, atoms, anew)
    }
    for (const peerClass of classes.created) this.#judge(peerClass, peerClass.data.atoms, anew)
    for (const [index, { subject, change }] of amended.entries()) {
      for (const atom of [...change.begun, ...change.ended]) this.#judgeAll(atom, subject, change.rule.rule.direction)
      for (const atom of left[index]!) if (!this.#asks(subject, atom)) atom.subjects.delete(subject)
    }
    for (const subject of anew) this.#rebuild(subject)
    this.rows.sweep()
  }

  #amend(subject: Subject, change: PeersChange): readonly PeerAtom[] {
    const { plan } = this.#sides.get(subject)![change.rule.rule.direction]
    const left = amendPlan(plan, subject.data, change)
    for (const atom of change.begun) if (plan.byAtom.has(atom)) atom.subjects.add(subject)
    return left
  }

  #asks(subject: Subject, atom: PeerAtom): boolean {
    const sides = this.#sides.get(subject)!
    return directions.some(direction => sides[direction].plan.byAtom.has(atom))
  }

  /** Judges the classes of an atom that one subject asks for, or asked. */
  #judgeAll(atom: PeerAtom, subject: Subject, direction: Direction): void {
    const side = this.#sides.get(subject)![direction]
    for (const peerClass of atom.classes) this.#put(subject, direction, side, peerClass, true)
  }

  /** Brings one class's cells up to date in the subjects that ask for any of the atoms. */
  #judge(peerClass: PeerClass, atoms: readonly PeerAtom[], except: ReadonlySet<Subject>): void {
    for (const subject of subjectsAsking(atoms)) {
      if (except.has(subject)) continue
      for (const direction of directions) {
        const side = this.#sides.get(subject)![direction]
        this.#put(subject, direction, side, peerClass, peerClass.members.size > 0)
      }
    }
  }

  #put(subject: Subject, direction: Direction, side: Side, peerClass: PeerClass, live: boolean): void {
    const before = side.cells.get(peerClass)
    let after = live ? this.rows.acquire(judgementFor(side.plan, peerClass.data.atoms)) : undefined
    if (after === side.otherwise) {
      this.rows.release(after)
      after = undefined
    }
    const key: CellKey = `${subject.number}:${direction}:${peerClass.number}`
    if (after === undefined) {
      if (before === undefined) return
      side.cells.delete(peerClass)
      this.table.delete(key)
    } else {
      side.cells.set(peerClass, after)
      this.table.set(key, { subject: subject.number, direction, peerClass: peerClass.number, row: after.id })
    }
    if (before !== undefined) this.rows.release(before)
    this.#changed(subject, direction, peerClass)
  }

  #rebuild(subject: Subject): void {
    const before = this.#sides.get(subject)
    if (before !== undefined) for (const direction of directions) unsubscribe(subject, before[direction].plan)
    this.#sides.set(subject, {
      ingress: this.#side(subject, 'ingress', before?.ingress),
      egress: this.#side(subject, 'egress', before?.egress),
    })
  }

  #side(subject: Subject, direction: Direction, before: Side | undefined): Side {
    const plan = planOf(subject.data, direction)
    const otherwise = this.rows.acquire(judgementFor(plan, []))
    const side: Side = { plan, otherwise, cells: before?.cells ?? new Map() }
    for (const atom of plan.byAtom.keys()) atom.subjects.add(subject)
    for (const use of plan.byUse.keys()) use.subjects.add(subject)
    const classes = classesOf(plan)
    for (const peerClass of [...side.cells.keys()]) {
      if (!classes.has(peerClass)) this.#put(subject, direction, side, peerClass, false)
    }
    for (const peerClass of classes) this.#put(subject, direction, side, peerClass, true)
    if (before !== undefined) this.rows.release(before.otherwise)
    if (before?.otherwise !== otherwise) {
      const key: CellKey = `${subject.number}:${direction}:0`
      this.table.set(key, { subject: subject.number, direction, peerClass: 0, row: otherwise.id })
      this.#changed(subject, direction, undefined)
    }
    return side
  }

  #end(subject: Subject): void {
    const sides = this.#sides.get(subject)!
    this.#sides.delete(subject)
    for (const direction of directions) {
      const { plan, otherwise, cells } = sides[direction]
      unsubscribe(subject, plan)
      this.rows.release(otherwise)
      this.table.delete(`${subject.number}:${direction}:0`)
      for (const [peerClass, row] of cells) {
        this.rows.release(row)
        this.table.delete(`${subject.number}:${direction}:${peerClass.number}`)
      }
    }
  }
}

const isNothing = ({ created, renamed, removed }: PartitionSizes): boolean =>
  created.size + renamed.size + removed.size === 0

type PartitionSizes = Readonly<Record<'created' | 'renamed' | 'removed', { readonly size: number }>>

function unsubscribe(subject: Subject, plan: Plan): void {
  for (const atom of plan.byAtom.keys()) atom.subjects.delete(subject)
  for (const use of plan.byUse.keys()) use.subjects.delete(subject)
}
