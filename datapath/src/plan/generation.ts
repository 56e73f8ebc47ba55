import type { Prefix } from '@weir/core/address/address.js'
import type { CellView, DirectionNumber } from './cell-table.js'
import type { Peer } from '../peer.js'
import type { Installed } from './installed.js'
import type { Goal } from './operation.js'
import { denyAll, sameRow } from './row-content.js'
import { sharedSlotOf } from './shared-slot.js'
import { type Liveness, moved, type Unit } from './unit.js'

/** Addresses that go from one class of peers to another, both known to the tables. */
interface Move {
  readonly from: number
  readonly to: number
  readonly units: Unit[]
}

/** So many addresses of one move are worth a look at the cells of both classes: most moves of many change no verdict. */
const many = 16

interface Cells {
  readonly before: CellView
  readonly after: CellView
}

/**
 * Slots whose generation must move on, so that flows judged under the old tables are judged again: those of addresses
 * that are judged otherwise, and of local endpoints whose cells say something else to a peer in use.
 */
export function slotsToBump(
  installed: Installed,
  goal: Goal,
  cells: Cells,
  units: readonly Unit[],
  liveness: Liveness,
): ReadonlySet<number> {
  const slots = new Set<number>()
  const moves = new Moves()
  for (const unit of units) {
    const slotBefore = unit.before?.slot ?? 0
    const slotAfter = unit.after?.slot ?? 0
    if (unit.table === 'prefixes') {
      if (moved(unit)) moves.add(unit)
    } else if (slotBefore !== slotAfter) {
      slots.add(slotOf(unit.bits, slotAfter))
      // Flows judged before name the slot of then.
      slots.add(slotOf(unit.bits, slotBefore))
    } else if (moved(unit)) {
      const { from, to } = unit
      const isRemote = from.subject === 0 && to.subject === 0 && from.peerClass !== 0 && to.peerClass !== 0
      if (isRemote) moves.add(unit)
      else slots.add(slotOf(unit.bits, slotAfter))
    }
  }
  if (moves.none && goal.cells.length === 0) return slots
  const changed = new Set<number>()
  for (const { subject, direction, peerClass } of goal.cells) {
    if (!liveness.subjectKept(subject) || (peerClass !== 0 && !liveness.classKept(peerClass))) continue
    const rows = [row(cells.before, subject, direction, peerClass), row(cells.after, subject, direction, peerClass)]
    if (!sameRow(rows[0], rows[1])) changed.add(subject)
  }
  for (const move of moves) {
    const hasPrefixes = move.units.some(({ table }) => table === 'prefixes')
    const told = hasPrefixes || move.units.length >= many ? subjectsTold(cells, move, liveness) : undefined
    const fewer = told !== undefined && (hasPrefixes || endpointsOf(installed, told) <= move.units.length)
    if (fewer) for (const subject of told) changed.add(subject)
    else for (const { bits, after } of move.units) slots.add(slotOf(bits, after?.slot ?? 0))
  }
  if (changed.size === 0) return slots
  const changing = new Map<string, Peer | undefined>()
  for (const { key, before, after } of units) if (before !== undefined && before.subject !== 0) changing.set(key, after)
  for (const subject of changed) {
    for (const address of installed.addressesOf(subject)) {
      const { bits, peer: now } = installed.placeOf(address)!
      const peer = changing.has(address) ? changing.get(address) : now
      slots.add(slotOf(bits, peer?.slot ?? 0))
    }
  }
  return slots
}

const slotOf = (bits: Prefix, slot: number): number => (slot === 0 ? sharedSlotOf(bits) : slot)

const endpointsOf = (installed: Installed, subjects: ReadonlySet<number>): number =>
  [...subjects].reduce((sum, subject) => sum + installed.addressesOf(subject).size, 0)

const row = (cells: CellView, subject: number, direction: DirectionNumber, peerClass: number) =>
  (peerClass === 0 ? undefined : cells.get(subject, direction, peerClass)) ??
  cells.get(subject, direction, 0) ??
  denyAll

/** The subjects that say something else of the peers of a move than before. */
function subjectsTold({ before, after }: Cells, { from, to }: Move, liveness: Liveness): ReadonlySet<number> {
  const told = new Set<number>()
  const look = (subject: number, direction: DirectionNumber) => {
    if (told.has(subject) || !liveness.subjectKept(subject)) return
    // Class 0 is denied by every subject, whatever its default.
    const differs =
      from === 0 || to === 0 || !sameRow(row(before, subject, direction, from), row(after, subject, direction, to))
    if (differs) told.add(subject)
  }
  for (const [subject, direction] of before.subjects(from)) look(subject, direction)
  for (const [subject, direction] of after.subjects(to)) look(subject, direction)
  return told
}

/** Moves by where from and where to. */
class Moves {
  readonly #moves = new Map<number, Map<number, Move>>()
  #last: Move | undefined

  get none(): boolean {
    return this.#last === undefined
  }

  add(unit: Unit): void {
    const { from, to } = unit
    let move = this.#last
    if (move === undefined || move.from !== from.peerClass || move.to !== to.peerClass) {
      const sameStart = this.#moves.get(from.peerClass) ?? new Map<number, Move>()
      this.#moves.set(from.peerClass, sameStart)
      move = sameStart.get(to.peerClass) ?? { from: from.peerClass, to: to.peerClass, units: [] }
      sameStart.set(to.peerClass, move)
      this.#last = move
    }
    move.units.push(unit)
  }

  *[Symbol.iterator](): Iterator<Move> {
    for (const some of this.#moves.values()) yield* some.values()
  }
}
