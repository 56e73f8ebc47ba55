import type { CellView, DirectionNumber } from './cell-table.js'
import type { Installed } from './installed.js'
import type { Goal } from './operation.js'
import { denyAll, sameRow } from './row-content.js'
import { sharedSlot } from './shared-slot.js'
import { type Liveness, moved, type Unit } from './unit.js'

/**
 * Slots whose generation must move on, so that flows judged under the old tables are judged again: those of addresses
 * that are judged otherwise, and of local endpoints whose cells say something else to a peer in use.
 */
export function slotsToBump(
  installed: Installed,
  goal: Goal,
  cells: { readonly before: CellView; readonly after: CellView },
  units: readonly Unit[],
  liveness: Liveness,
): ReadonlySet<number> {
  const slots = new Set<number>()
  const prefixMoves = new Map<string, readonly [number, number]>()
  for (const unit of units) {
    if (unit.table === 'addresses') {
      const slotMoved = (unit.before?.slot ?? 0) !== (unit.after?.slot ?? 0)
      if (moved(unit) || slotMoved) slots.add(slotOfAddress(unit.key, unit.after?.slot))
      // Flows judged before name the slot of then.
      if (slotMoved) slots.add(slotOfAddress(unit.key, unit.before?.slot))
    } else if (moved(unit)) {
      const move = [unit.from.peerClass, unit.to.peerClass] as const
      prefixMoves.set(move.join('>'), move)
    }
  }
  for (const subject of changedSubjects(goal, cells, liveness, [...prefixMoves.values()])) {
    for (const address of installed.addressesOf(subject)) {
      const peer = goal.addresses.has(address) ? goal.addresses.get(address) : installed.addresses.get(address)
      slots.add(slotOfAddress(address, peer?.slot))
    }
  }
  return slots
}

const slotOfAddress = (address: string, slot: number | undefined): number =>
  slot === undefined || slot === 0 ? sharedSlot(address) : slot

function changedSubjects(
  goal: Goal,
  { before, after }: { readonly before: CellView; readonly after: CellView },
  liveness: Liveness,
  prefixMoves: readonly (readonly [number, number])[],
): ReadonlySet<number> {
  const changed = new Set<number>()
  const row = (cells: CellView, subject: number, direction: DirectionNumber, peerClass: number) =>
    (peerClass === 0 ? undefined : cells.get(subject, direction, peerClass)) ??
    cells.get(subject, direction, 0) ??
    denyAll
  for (const { subject, direction, peerClass } of goal.cells) {
    if (!liveness.subjectKept(subject) || (peerClass !== 0 && !liveness.classKept(peerClass))) continue
    const rows = [row(before, subject, direction, peerClass), row(after, subject, direction, peerClass)] as const
    if (!sameRow(...rows)) changed.add(subject)
  }
  for (const [from, to] of prefixMoves) {
    for (const [subject, direction] of [...before.subjects(from), ...after.subjects(to)]) {
      if (!liveness.subjectKept(subject)) continue
      const rows = [row(before, subject, direction, from), row(after, subject, direction, to)] as const
      // Class 0 is denied by every subject, whatever its default.
      if (from === 0 || to === 0 || !sameRow(...rows)) changed.add(subject)
    }
  }
  return changed
}
