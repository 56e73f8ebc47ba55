import { type Peer, samePeer } from '../peer.js'
import { CellOverlay, type CellView } from './cell-table.js'
import { slotsToBump } from './generation.js'
import type { Installed } from './installed.js'
import { nodesOf } from './node.js'
import type { CellOperation, Goal, Operation, Phase, PhaseName } from './operation.js'
import { denyAll, sameRow } from './row-content.js'
import { stageCells } from './staged.js'
import { findUnits, Liveness, longestFirst, moved, shortestFirst, type Standing, type Unit } from './unit.js'
import { planWiring } from './wiring.js'

/**
 * The writes that take the maps from what is installed to the goal, so that after each of them every flow has the
 * verdict of before or of after. Reads both, changes neither.
 */
export function planTransition(installed: Installed, goal: Goal): readonly Phase[] {
  const units = findUnits(installed, goal)
  const liveness = new Liveness(installed, units)
  const before = installed.cells
  const after = new CellOverlay(before)
  for (const { subject, direction, peerClass, row } of goal.cells) after.set(subject, direction, peerClass, row)
  const cells = { before, after }
  const direct = planDirect(goal, cells, units, liveness)
  const toBump = slotsToBump(installed, goal, cells, units, liveness)
  const wiring = planWiring(installed, goal, toBump, direct !== undefined)
  const middle = direct ?? planStaged(installed, goal, cells, units, liveness)
  const phases: readonly (readonly [PhaseName, readonly Operation[]])[] = [
    ['wire', wiring.early],
    ...middle,
    ['clean up', wiring.late],
    ['generations', wiring.generations],
  ]
  return phases.filter(([, operations]) => operations.length > 0).map(([name, operations]) => ({ name, operations }))
}

type Phases = readonly (readonly [PhaseName, readonly Operation[]])[]

/**
 * The short way, for a change whose flows each depend on one write: no cell in use changes, and of two addresses that
 * move none is a local endpoint's, or they are of different families and never talk. Undefined when the change isn't so.
 */
function planDirect(
  goal: Goal,
  { before, after }: { readonly before: CellView; readonly after: CellView },
  units: readonly Unit[],
  liveness: Liveness,
): Phases | undefined {
  for (const family of [4, 6]) {
    const movedUnits = units.filter(unit => unit.family === family && moved(unit))
    const local = (unit: Unit) => unit.from.subject !== 0 || unit.to.subject !== 0
    if (movedUnits.length > 1 && movedUnits.some(local)) return undefined
  }
  const early: CellOperation[] = []
  const late: CellOperation[] = []
  for (const operation of goal.cells) {
    const { subject, direction, peerClass } = operation
    if (sameRow(before.get(subject, direction, peerClass), operation.row)) continue
    const defaults = [before.get(subject, direction, 0), after.get(subject, direction, 0)] as const
    const sameVerdicts =
      sameRow(...defaults) &&
      sameRow(
        before.get(subject, direction, peerClass) ?? defaults[0] ?? denyAll,
        after.get(subject, direction, peerClass) ?? defaults[1] ?? denyAll,
      )
    const isDefault = peerClass === 0
    const wasLive = liveness.subjectWasLive(subject) && (isDefault || liveness.classWasLive(peerClass))
    const willLive = liveness.subjectWillLive(subject) && (isDefault || liveness.classWillLive(peerClass))
    if (sameVerdicts || !wasLive) early.push(operation)
    else if (willLive) return undefined
    else late.push(operation)
  }
  return [
    ['final cells', early.sort(writesFirst)],
    ['move addresses', lastMoves(units, unit => unit.before)],
    ['clean up', late],
  ]
}

/** A subject that isn't in use may still be read by a packet under way: let it find a cell rather than none. */
const writesFirst = (a: CellOperation, b: CellOperation): number =>
  Number(a.row === undefined) - Number(b.row === undefined)

/** The long way, for any change: addresses that move get numbers of their own while the cells change. */
function planStaged(
  installed: Installed,
  goal: Goal,
  cells: { readonly before: CellView; readonly after: CellView },
  units: readonly Unit[],
  liveness: Liveness,
): Phases {
  const nodes = nodesOf(installed, units, liveness)
  const now = new Map<Unit, Peer | undefined>()
  const refine: Operation[] = []
  // Prefixes first: programs deny what no table knows to every subject, also to one whose cells allow all meanwhile.
  for (const unit of [...units].sort((a, b) => Number(a.table === 'addresses') - Number(b.table === 'addresses'))) {
    const during = duringPeer(unit, nodes.during(unit))
    now.set(unit, during)
    if (!samePeer(during, unit.before)) refine.push(write(unit, during))
  }
  const staged = stageCells(new CellOverlay(cells.before), cells.before, cells.after, goal, nodes)
  return [
    ['copy cells', staged.copy],
    ['refine addresses', refine],
    ['restrict cells', staged.restrict],
    ['relax cells', staged.relax],
    ['final cells', staged.final],
    ['move addresses', lastMoves(units, unit => now.get(unit))],
    ['clean up', staged.cleanUp],
  ]
}

/** What a unit's row holds between the moves; undefined when it has no row until its last move, if ever. */
function duringPeer(unit: Unit, during: Standing): Peer | undefined {
  const { before, after } = unit
  const settled = during.subject === unit.to.subject && during.peerClass === unit.to.peerClass
  if (after !== undefined && settled && (moved(unit) || before === undefined)) return after
  if (!moved(unit)) return before
  const known = before ?? after
  return { identity: known?.identity ?? 0, slot: before?.slot ?? 0, ...during }
}

/** Rows to their final values, longest prefix first; then rows away, shortest prefix first. */
function lastMoves(units: readonly Unit[], now: (unit: Unit) => Peer | undefined): readonly Operation[] {
  const writes = longestFirst(units).filter(unit => unit.after !== undefined && !samePeer(now(unit), unit.after))
  const deletions = shortestFirst(units).filter(unit => unit.after === undefined && now(unit) !== undefined)
  return [...writes, ...deletions].map(unit => write(unit, unit.after))
}

const write = (unit: Unit, peer: Peer | undefined): Operation =>
  unit.table === 'addresses'
    ? { table: 'addresses', address: unit.key, peer }
    : { table: 'prefixes', prefix: unit.key, peer }
