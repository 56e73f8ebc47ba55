import { WeirError } from '@weir/core/errors.js'
import type { Backend } from '../backend.js'
import type { TableMapName } from '../codec/maps.js'
import type { Operation, Phase } from '../plan/operation.js'
import type { RowContent } from '../plan/row-content.js'
import { addressWrite, cellWrite, deviceWrite, endpointWrite, type MapWrite, prefixWrite, rowWrites } from './encode.js'
import { type Content, cellName } from './read.js'

/** Writes of one map in a row: what one batch call does. */
export interface WriteBatch {
  readonly map: TableMapName
  readonly kind: 'update' | 'delete'
  readonly writes: readonly MapWrite[]
}

/** Entries written and deleted, by map. */
export type WriteCounts = Readonly<
  Partial<Record<TableMapName, { readonly updated: number; readonly deleted: number }>>
>

/** A plan as writes: rows first, so that a cell never points at a row that isn't there. */
export function bindPlan(content: Content, phases: readonly Phase[]): readonly WriteBatch[] {
  const operations = phases.flatMap(phase => phase.operations)
  const rows = new Map<string, RowContent>()
  for (const operation of operations) {
    if (operation.table === 'cells' && operation.row !== undefined) rows.set(operation.row.text, operation.row)
  }
  const writes: MapWrite[] = []
  for (const row of rows.values()) {
    if (content.rows.placementOf(row) === undefined) writes.push(...rowWrites(row, content.rows.place(row)))
  }
  const devices = new Devices(content)
  for (const operation of operations) writes.push(...writesOf(content, devices, operation))
  return batches(writes)
}

/** Which interface is which slot's, as the writes so far leave it. */
class Devices {
  readonly #content: Content
  readonly #slots = new Map<number, number | undefined>()
  readonly #ifindexes = new Map<number, number>()

  constructor(content: Content) {
    this.#content = content
  }

  move(slot: number, ifindex: number): readonly MapWrite[] {
    const before = this.#ifindexes.get(slot) ?? this.#content.installed.endpoint(slot).wiring.ifindex
    const writes: MapWrite[] = []
    if (before !== 0 && before !== ifindex && this.#slotOf(before) === slot) {
      this.#slots.set(before, undefined)
      writes.push(deviceWrite(before, undefined))
    }
    if (ifindex !== 0 && this.#slotOf(ifindex) !== slot) {
      this.#slots.set(ifindex, slot)
      writes.push(deviceWrite(ifindex, slot))
    }
    this.#ifindexes.set(slot, ifindex)
    return writes
  }

  #slotOf(ifindex: number): number | undefined {
    return this.#slots.has(ifindex) ? this.#slots.get(ifindex) : this.#content.devices.get(ifindex)
  }
}

function writesOf(content: Content, devices: Devices, operation: Operation): readonly MapWrite[] {
  switch (operation.table) {
    case 'addresses':
      return [addressWrite(operation.address, operation.peer)]
    case 'prefixes':
      return [prefixWrite(operation.prefix, operation.peer)]
    case 'cells':
      return [cellWrite(operation, operation.row && content.rows.placementOf(operation.row))]
    case 'endpoints': {
      const { slot, wiring, generation } = operation
      return [endpointWrite(slot, wiring, generation), ...devices.move(slot, wiring.ifindex)]
    }
  }
}

function batches(writes: readonly MapWrite[]): readonly WriteBatch[] {
  const found: { map: TableMapName; kind: 'update' | 'delete'; writes: MapWrite[] }[] = []
  for (const write of writes) {
    const kind = write.value === undefined ? 'delete' : 'update'
    const last = found.at(-1)
    if (last !== undefined && last.map === write.map && last.kind === kind) last.writes.push(write)
    else found.push({ map: write.map, kind, writes: [write] })
  }
  return found
}

/**
 * Makes sure that every map has room for the most that the writes need at any time.
 * @throws WeirError WEIR_MAP_FULL
 */
export function checkRoom(backend: Backend, content: Content, planned: readonly WriteBatch[]): void {
  const { installed } = content
  const sizes: Partial<Record<TableMapName, number>> = {
    weir_addr4: installed.addressCount(4),
    weir_addr6: installed.addressCount(6),
    weir_pfx4: installed.prefixes.sizeOf(4),
    weir_pfx6: installed.prefixes.sizeOf(6),
    weir_cells: installed.cells.size,
    weir_devices: content.devices.size,
  }
  const most: typeof sizes = { ...sizes }
  for (const { map, kind, writes } of planned) if (kind === 'update') most[map] = (most[map] ?? 0) + writes.length
  const written = new Map<string, boolean>()
  for (const { map, kind, writes } of planned) {
    const size = sizes[map]
    // Looking up every key is worth it only when the map is nearly full.
    if (size === undefined || most[map]! <= backend.maps[map].maxEntries) continue
    let after = size
    for (const { key } of writes) {
      const name = `${map} ${key.join()}`
      const there = written.get(name) ?? backend.maps[map].lookup(key) !== undefined
      after += Number(kind === 'update') - Number(there)
      written.set(name, kind === 'update')
    }
    sizes[map] = after
    if (after > backend.maps[map].maxEntries) {
      const payload = { map, size: backend.maps[map].maxEntries, needed: after }
      throw new WeirError('WEIR_MAP_FULL', `${map} has ${payload.size} entries, the change needs ${after}`, payload)
    }
  }
}

/** One call per batch, in order. */
export function writeBatch(backend: Pick<Backend, 'maps'>, { map, kind, writes }: WriteBatch): void {
  const target = backend.maps[map]
  const keys = new Uint8Array(writes.length * target.keySize)
  const values = new Uint8Array(kind === 'update' ? writes.length * target.valueSize : 0)
  for (const [index, write] of writes.entries()) {
    keys.set(write.key, index * target.keySize)
    if (write.value !== undefined) values.set(write.value, index * target.valueSize)
  }
  if (kind === 'update') target.updateBatch(keys, values, writes.length)
  else target.deleteBatch(keys, writes.length)
}

/** Brings what we know up to what the writes did. */
export function settle(content: Content, phases: readonly Phase[]): void {
  for (const operation of phases.flatMap(phase => phase.operations)) {
    if (operation.table === 'cells') settleCell(content, operation)
    if (operation.table === 'endpoints') {
      const before = content.installed.endpoint(operation.slot).wiring.ifindex
      if (before !== 0 && content.devices.get(before) === operation.slot) content.devices.delete(before)
      if (operation.wiring.ifindex !== 0) content.devices.set(operation.wiring.ifindex, operation.slot)
    }
    content.installed.apply(operation)
  }
  content.rows.settle()
}

function settleCell(content: Content, operation: Operation & { readonly table: 'cells' }): void {
  const name = cellName(operation.subject, operation.direction, operation.peerClass)
  const before = content.placements.get(name)
  const after = operation.row && content.rows.placementOf(operation.row)
  if (after !== undefined) {
    content.rows.refer(after, 1)
    content.placements.set(name, after)
  } else content.placements.delete(name)
  if (before !== undefined) content.rows.refer(before, -1)
}
