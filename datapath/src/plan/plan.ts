import type { Prefix } from '@weir/core/address/address.js'
import { type Peer, samePeer } from '../peer.js'
import { CellOverlay, type CellView } from './cell-table.js'
import { slotsToBump } from './generation.js'
import type { Installed, InstalledAddress } from './installed.js'
import { nodesOf } from './node.js'
import type { AddressOperation, CellOperation, Goal, Operation, Phase, PhaseName } from './operation.js'
import { type Parting, partSlots } from './parting.js'
import { denyAll, sameRow } from './row-content.js'
import { stageCells } from './staged.js'
import { byLength, findUnits, Liveness, moved, type Standing, type Unit } from './unit.js'
import { planWiring } from './wiring.js'

/**
 * The writes that take the maps from what is installed to the goal, so that after each of them every flow has the
 * verdict of before or of after. Reads both, changes neither.
 */
export function planTransition(installed: Installed, goal: Goal): readonly Phase[] {
  const parting = partSlots(installed, goal, installed.generation + 1)
  const units = afterParting(findUnits(installed, goal), parting)
  const liveness = new Liveness(installed, units)
  const before = installed.cells
  const cells = { before, after: goal.cells.length === 0 ? before : overlaid(before, goal.cells) }
  const direct = planDirect(goal, cells, units, liveness)
  const toBump = slotsToBump(installed, goal, cells, units, liveness)
  const wiring = planWiring(installed, goal, toBump, direct !== undefined && !stayersMeetMovers(units), parting)
  const middle = direct ?? planStaged(installed, goal, cells, units, liveness)
  const phases: Phase[] = []
  const add = (name: PhaseName, operations: readonly Operation[]): void => {
    if (operations.length > 0) phases.push({ name, operations })
  }
  add('part slots', parting.operations)
  add('wire', wiring.early)
  for (const [name, operations] of middle) add(name, operations)
  add('clean up', wiring.late)
  add('generations', wiring.generations)
  return phases
}

function afterParting(units: readonly Unit[], { peers }: Parting): readonly Unit[] {
  if (peers.size === 0) return units
  return units.map(unit => {
    const peer = unit.table === 'addresses' ? peers.get(unit.key) : undefined
    return peer === undefined ? unit : { ...unit, before: peer }
  })
}

function overlaid(before: CellView, changes: readonly CellOperation[]): CellView {
  const after = new CellOverlay(before)
  for (const { subject, direction, peerClass, row } of changes) after.set(subject, direction, peerClass, row)
  return after
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
  if (localsMeetOthers(units)) return undefined
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
  if (early.length > 1) early.sort(writesFirst)
  return [
    ['final cells', early],
    ['move addresses', lastMoves(units, unit => unit.before)],
    ['clean up', late],
  ]
}

/** Whether a local endpoint's address moves together with another one of its family. */
function localsMeetOthers(units: readonly Unit[]): boolean {
  const count = { 4: 0, 6: 0 }
  const hasLocal = { 4: false, 6: false }
  for (const unit of units) {
    if (!moved(unit)) continue
    const { family } = unit.bits
    count[family] += 1
    if (unit.from.subject !== 0 || unit.to.subject !== 0) hasLocal[family] = true
  }
  return (count[4] > 1 && hasLocal[4]) || (count[6] > 1 && hasLocal[6])
}

/**
 * Whether an address goes to another slot and stays what it is, while others of its family become something else: those may
 * move after it, and until then it is judged in its new slot as before.
 */
function stayersMeetMovers(units: readonly Unit[]): boolean {
  const stays = { 4: false, 6: false }
  const moves = { 4: false, 6: false }
  for (const unit of units) {
    const of = moved(unit) ? moves : stays
    if (of === moves || unit.before?.slot !== unit.after?.slot) of[unit.bits.family] = true
  }
  return (stays[4] && moves[4]) || (stays[6] && moves[6])
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
  const now = new Array<Peer | undefined>(units.length)
  const refine: Operation[] = []
  // Prefixes first: programs deny what no table knows to every subject, also to one whose cells allow all meanwhile.
  for (const table of ['prefixes', 'addresses'] as const) {
    for (let at = 0; at < units.length; at += 1) {
      const unit = units[at]!
      if (unit.table !== table) continue
      const during = duringPeer(unit, nodes.during(unit))
      now[at] = during
      if (!samePeer(during, unit.before)) refine.push(write(unit, during))
    }
  }
  const staged = stageCells(new CellOverlay(cells.before), cells.before, cells.after, goal, nodes)
  return [
    ['copy cells', staged.copy],
    ['refine addresses', refine],
    ['restrict cells', staged.restrict],
    ['relax cells', staged.relax],
    ['final cells', staged.final],
    ['move addresses', lastMoves(units, (_, at) => now[at])],
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
function lastMoves(units: readonly Unit[], now: (unit: Unit, at: number) => Peer | undefined): readonly Operation[] {
  const writes: Unit[] = []
  const deletions: Unit[] = []
  for (let at = 0; at < units.length; at += 1) {
    const unit = units[at]!
    const peer = now(unit, at)
    if (unit.after === undefined) {
      if (peer !== undefined) deletions.push(unit)
    } else if (!samePeer(peer, unit.after)) writes.push(unit)
  }
  if (writes.length > 1) writes.sort(byLength)
  if (deletions.length > 1) deletions.sort((a, b) => byLength(b, a))
  const operations: Operation[] = []
  for (const unit of writes) operations.push(write(unit, unit.after))
  for (const unit of deletions) operations.push(write(unit, undefined))
  return operations
}

const write = (unit: Unit, peer: Peer | undefined): Operation =>
  unit.table === 'addresses'
    ? new AddressWrite(unit, peer)
    : { table: 'prefixes', prefix: unit.key, bits: unit.bits, peer }

/** A class for the reason that units of addresses have one. */
class AddressWrite implements AddressOperation {
  readonly table = 'addresses'
  readonly address: string
  readonly bits: Prefix
  readonly peer: Peer | undefined
  readonly place: InstalledAddress | undefined

  constructor({ key, bits, place }: Unit, peer: Peer | undefined) {
    this.address = key
    this.bits = bits
    this.peer = peer
    this.place = place
  }
}
