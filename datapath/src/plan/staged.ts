import { type CellOverlay, type CellView, type DirectionNumber, directions } from './cell-table.js'
import type { CellOperation, Goal } from './operation.js'
import { allowAll, denyAll, meet, type RowContent, sameRow } from './row-content.js'
import { isTransitional, type Node, type Nodes } from './node.js'

/**
 * The cell writes of a change that several addresses or live cells take part in. A flow's verdict is the meet of an
 * egress cell and an ingress cell, so two cells that go straight from old to new can pass through a third verdict.
 * Therefore each cell in use goes to the meet of old and new first, and to the new row when all others are there.
 */
export interface StagedCells {
  /** Copies for the nodes' numbers: what their addresses' old numbers have. */
  readonly copy: readonly CellOperation[]
  readonly restrict: readonly CellOperation[]
  readonly relax: readonly CellOperation[]
  /** Cells of numbers that no address has before the last moves. */
  readonly final: readonly CellOperation[]
  readonly cleanUp: readonly CellOperation[]
}

export function stageCells(now: CellOverlay, before: CellView, after: CellView, goal: Goal, nodes: Nodes): StagedCells {
  const copy = recorder(now)
  copyCells(copy, before, nodes)
  const changes = pairsToChange(before, after, goal, nodes)
  const restrict = recorder(now)
  const relax = recorder(now)
  restrictCells(restrict, changes)
  relaxCells(relax, changes)
  const final = recorder(now)
  finishCells(final, after, goal, nodes)
  const cleanUp = recorder(now)
  for (const { number } of nodes.subjects.filter(node => isTransitional(node.number))) {
    for (const direction of directions) {
      for (const peerClass of now.classes(number, direction)) cleanUp.set(number, direction, peerClass, undefined)
    }
  }
  for (const { number } of nodes.classes.filter(node => isTransitional(node.number))) {
    for (const [subject, direction] of now.subjects(number)) cleanUp.set(subject, direction, number, undefined)
  }
  for (const { number } of nodes.classes.filter(node => node.number === node.from)) {
    for (const pair of [...now.subjects(number), ...after.subjects(number)])
      cleanUp.set(...pair, number, after.get(...pair, number))
  }
  return {
    copy: copy.operations,
    restrict: restrict.operations,
    relax: relax.operations,
    final: final.operations,
    cleanUp: cleanUp.operations,
  }
}

interface Recorder {
  readonly now: CellOverlay
  readonly operations: CellOperation[]
  set(subject: number, direction: DirectionNumber, peerClass: number, row: RowContent | undefined): void
}

function recorder(now: CellOverlay): Recorder {
  const operations: CellOperation[] = []
  return {
    now,
    operations,
    set(subject, direction, peerClass, row) {
      if (sameRow(now.get(subject, direction, peerClass), row)) return
      now.set(subject, direction, peerClass, row)
      operations.push({ table: 'cells', subject, direction, peerClass, row })
    },
  }
}

/** A cell of its own, not the default. Class 0 is that of addresses which no table knows: programs deny them. */
function own(cells: CellView, subject: number, direction: DirectionNumber, peerClass: number): RowContent | undefined {
  if (subject === 0) return undefined
  return peerClass === 0 ? denyAll : cells.get(subject, direction, peerClass)
}

const defaultOf = (cells: CellView, subject: number, direction: DirectionNumber): RowContent | undefined =>
  subject === 0 ? allowAll : cells.get(subject, direction, 0)

function copyCells(copy: Recorder, before: CellView, nodes: Nodes): void {
  for (const node of nodes.subjects) {
    for (const direction of directions) {
      const wanted = new Map<number, RowContent | undefined>()
      for (const peerClass of copy.now.classes(node.number, direction)) wanted.set(peerClass, undefined)
      if (node.from !== 0) {
        for (const peerClass of before.classes(node.from, direction)) {
          wanted.set(peerClass, before.get(node.from, direction, peerClass))
        }
      }
      wanted.set(0, defaultOf(before, node.from, direction))
      for (const column of nodes.classes) wanted.set(column.number, own(before, node.from, direction, column.from))
      for (const [peerClass, row] of wanted) copy.set(node.number, direction, peerClass, row)
    }
  }
  const rows = new Set(nodes.subjects.map(node => node.number))
  for (const column of nodes.classes) {
    const copies = [...before.subjects(column.from)]
    for (const [subject, direction] of copy.now.subjects(column.number)) {
      if (!rows.has(subject)) copy.set(subject, direction, column.number, own(before, subject, direction, column.from))
    }
    for (const [subject, direction] of copies) {
      if (!rows.has(subject)) copy.set(subject, direction, column.number, own(before, subject, direction, column.from))
    }
  }
}

interface PairChange {
  readonly peerClass: number
  readonly from: RowContent | undefined
  readonly to: RowContent | undefined
}

/** Cells of one subject and direction that change while addresses use them. */
interface RowChange {
  readonly subject: number
  readonly direction: DirectionNumber
  readonly defaultFrom: RowContent | undefined
  readonly defaultTo: RowContent | undefined
  readonly cells: readonly PairChange[]
}

function pairsToChange(before: CellView, after: CellView, goal: Goal, nodes: Nodes): readonly RowChange[] {
  const keptColumns = changedColumnsOfKept(before, after, goal, nodes)
  const changes: RowChange[] = []
  const change = (row: Node, direction: DirectionNumber, columns: Iterable<Node>) => {
    const cells: PairChange[] = []
    for (const column of columns) {
      const from = own(before, row.from, direction, column.from)
      const to = own(after, row.to, direction, column.to)
      if (from !== undefined || to !== undefined) cells.push({ peerClass: column.number, from, to })
    }
    const defaultFrom = defaultOf(before, row.from, direction)
    const defaultTo = defaultOf(after, row.to, direction)
    changes.push({ subject: row.number, direction, defaultFrom, defaultTo, cells })
  }
  for (const { subject, direction, columns } of keptColumns) {
    change({ from: subject, to: subject, number: subject }, direction, columns)
  }
  const columnNumbers = new Set(nodes.classes.map(node => node.number))
  for (const row of nodes.subjects) {
    for (const direction of directions) {
      const classes = new Set<number>()
      if (row.from !== 0) for (const peerClass of before.classes(row.from, direction)) classes.add(peerClass)
      if (row.to !== 0) for (const peerClass of after.classes(row.to, direction)) classes.add(peerClass)
      const kept = [...classes].filter(peerClass => nodes.classActive(peerClass) && !columnNumbers.has(peerClass))
      change(row, direction, [...kept.map(number => ({ from: number, to: number, number })), ...nodes.classes])
    }
  }
  return changes
}

function changedColumnsOfKept(before: CellView, after: CellView, goal: Goal, nodes: Nodes) {
  const found = new Map<string, { subject: number; direction: DirectionNumber; columns: Set<Node> }>()
  const rowNumbers = new Set(nodes.subjects.map(node => node.number))
  const columnNumbers = new Set(nodes.classes.map(node => node.number))
  const entry = (subject: number, direction: DirectionNumber) => {
    const key = `${subject}:${direction}`
    const known = found.get(key) ?? { subject, direction, columns: new Set<Node>() }
    found.set(key, known)
    return known
  }
  const isKept = (subject: number) => nodes.subjectActive(subject) && !rowNumbers.has(subject)
  for (const { subject, direction, peerClass } of goal.cells) {
    if (!isKept(subject)) continue
    if (peerClass === 0) entry(subject, direction)
    else if (nodes.classActive(peerClass) && !columnNumbers.has(peerClass)) {
      entry(subject, direction).columns.add({ from: peerClass, to: peerClass, number: peerClass })
    }
  }
  for (const column of nodes.classes) {
    // The column's number may have cells already, that nothing read: they were overwritten when the column was copied.
    const subjects = [column.from, column.number].flatMap(number => [...before.subjects(number)])
    for (const [subject, direction] of [...subjects, ...after.subjects(column.to)]) {
      if (isKept(subject)) entry(subject, direction).columns.add(column)
    }
  }
  return found.values()
}

/** Explicit cells before defaults: what leaves the default must not follow it first. */
function restrictCells(restrict: Recorder, changes: readonly RowChange[]): void {
  for (const { subject, direction, defaultFrom, defaultTo, cells } of changes) {
    const [oldDefault, newDefault] = [defaultFrom ?? denyAll, defaultTo ?? denyAll]
    const defaultShrinks = !sameRow(meet(oldDefault, newDefault), oldDefault)
    for (const { peerClass, from, to } of cells) {
      const start = from ?? oldDefault
      const both = meet(start, to ?? newDefault)
      const leavesDefault = from === undefined && defaultShrinks
      if (leavesDefault || !sameRow(both, start)) restrict.set(subject, direction, peerClass, both)
    }
  }
  for (const { subject, direction, defaultFrom, defaultTo } of changes) {
    const [oldDefault, newDefault] = [defaultFrom ?? denyAll, defaultTo ?? denyAll]
    const both = meet(oldDefault, newDefault)
    if (!sameRow(both, oldDefault)) restrict.set(subject, direction, 0, both)
  }
}

/** Explicit cells, then defaults, then the cells that fall back to them. */
function relaxCells(relax: Recorder, changes: readonly RowChange[]): void {
  for (const { subject, direction, cells } of changes) {
    for (const { peerClass, to } of cells) if (to !== undefined) relax.set(subject, direction, peerClass, to)
  }
  for (const { subject, direction, defaultTo } of changes) {
    if (defaultTo !== undefined) relax.set(subject, direction, 0, defaultTo)
  }
  for (const { subject, direction, cells } of changes) {
    for (const { peerClass, to } of cells) if (to === undefined) relax.set(subject, direction, peerClass, undefined)
  }
  for (const { subject, direction, defaultTo } of changes) {
    if (defaultTo === undefined) relax.set(subject, direction, 0, undefined)
  }
}

/**
 * Cells that nothing reads until the last moves: those of final numbers that no address has yet, and those where a
 * transitional number meets them while the moves are under way.
 */
function finishCells(final: Recorder, after: CellView, goal: Goal, nodes: Nodes): void {
  for (const { subject, direction, peerClass, row } of goal.cells) {
    const read = nodes.subjectActive(subject) && (peerClass === 0 || nodes.classActive(peerClass))
    if (!read) final.set(subject, direction, peerClass, row)
  }
  for (const { number, to } of nodes.subjects) {
    for (const direction of directions) {
      const classes = new Set(final.now.classes(number, direction))
      if (to !== 0) for (const peerClass of after.classes(to, direction)) classes.add(peerClass)
      for (const peerClass of classes) {
        if (peerClass === 0 || nodes.classActive(peerClass)) continue
        final.set(number, direction, peerClass, own(after, to, direction, peerClass))
      }
    }
  }
  for (const { number, to } of nodes.classes) {
    const subjects = new Map<string, readonly [number, DirectionNumber]>()
    for (const pair of final.now.subjects(number)) subjects.set(pair.join(), pair)
    for (const pair of after.subjects(to)) subjects.set(pair.join(), pair)
    for (const [subject, direction] of subjects.values()) {
      if (!nodes.subjectActive(subject)) final.set(subject, direction, number, own(after, subject, direction, to))
    }
  }
}
