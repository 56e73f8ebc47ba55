import { WeirError } from '@weir/core/errors.js'
import type { Backend } from '../backend.js'
import { codecs, type TableMapName } from '../codec/maps.js'
import type { Operation, Phase } from '../plan/operation.js'
import { BatchBuilder, type MapWrite, type WriteBatch } from './batch.js'
import { deviceWrite, putAddress, putCell, putEndpoint, putPrefix, rowWrites } from './encode.js'
import { type Content, cellName } from './read.js'

/** A plan as writes: rows first, so that a cell never points at a row that isn't there. */
export function bindPlan(content: Content, phases: readonly Phase[]): readonly WriteBatch[] {
  const into = new BatchBuilder()
  for (const { operations } of phases) {
    for (const operation of operations) {
      if (operation.table !== 'cells' || operation.row === undefined) continue
      const { row } = operation
      // What has its place now is written, or about to be.
      if (content.rows.placementOf(row) !== undefined) continue
      for (const write of rowWrites(row, content.rows.place(row))) into.add(write)
    }
  }
  const devices = new Devices(content)
  for (const { operations } of phases) for (const operation of operations) bind(into, content, devices, operation)
  return into.batches()
}

/** Which interface is which slot's, as the writes so far leave it. */
class Devices {
  readonly #content: Content
  #slots: Map<number, number | undefined> | undefined
  #ifindexes: Map<number, number> | undefined

  constructor(content: Content) {
    this.#content = content
  }

  move(slot: number, ifindex: number): readonly MapWrite[] {
    const before = this.#ifindexes?.get(slot) ?? this.#content.installed.endpoint(slot).wiring.ifindex
    if (before === 0 && ifindex === 0) return noWrites
    // Nearly all writes are of slots that are no interface's.
    this.#slots ??= new Map()
    this.#ifindexes ??= new Map()
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
    return this.#slots?.has(ifindex) ? this.#slots.get(ifindex) : this.#content.devices.get(ifindex)
  }
}

const noWrites: readonly MapWrite[] = []

function bind(into: BatchBuilder, content: Content, devices: Devices, operation: Operation): void {
  switch (operation.table) {
    case 'addresses':
      putAddress(into, operation.bits, operation.peer)
      break
    case 'prefixes':
      putPrefix(into, operation.bits, operation.peer)
      break
    case 'cells':
      putCell(into, operation, operation.row && content.rows.placementOf(operation.row))
      break
    case 'endpoints': {
      const { slot, wiring, generation } = operation
      putEndpoint(into, slot, wiring, generation)
      for (const write of devices.move(slot, wiring.ifindex)) into.add(write)
    }
  }
}

/**
 * Makes sure that every map has room for the most that the writes need at any time.
 * @throws WeirError WEIR_MAP_FULL
 */
export function checkRoom(backend: Backend, content: Content, planned: readonly WriteBatch[]): void {
  checkSlots(backend, planned)
  const doubtful: TableMapName[] = []
  for (const { map, kind } of planned) {
    const size = kind === 'update' ? sizeOf(content, map) : undefined
    if (size === undefined || doubtful.includes(map)) continue
    let most = size
    for (const batch of planned) if (batch.map === map && batch.kind === 'update') most += batch.count
    if (most > backend.maps[map].maxEntries) doubtful.push(map)
  }
  // Looking up every key is worth it only when a map is nearly full.
  for (const map of doubtful) {
    let size = sizeOf(content, map)!
    const { maxEntries, keySize } = backend.maps[map]
    const written = new Map<string, boolean>()
    for (const batch of planned) {
      if (batch.map !== map) continue
      for (let index = 0; index < batch.count; index += 1) {
        const key = batch.keys.subarray(index * keySize, (index + 1) * keySize)
        const name = key.join()
        const there = written.get(name) ?? isThere(backend, content, map, key)
        size += Number(batch.kind === 'update') - Number(there)
        written.set(name, batch.kind === 'update')
      }
      if (size <= maxEntries) continue
      const message = `${map} has ${maxEntries} entries, the change needs ${size}`
      throw new WeirError('WEIR_MAP_FULL', message, { map, size: maxEntries, needed: size })
    }
  }
}

/** Entries of an array are all there: what has no room is a slot beyond the last. */
function checkSlots({ maps }: Backend, planned: readonly WriteBatch[]): void {
  const map = 'weir_endpoints'
  const { maxEntries: size } = maps[map]
  let needed = 0
  for (const batch of planned) {
    if (batch.map !== map) continue
    for (let at = 0; at < batch.count; at += 1)
      needed = Math.max(needed, codecs.index.read(batch.keys.subarray(at * codecs.index.size)) + 1)
  }
  if (needed <= size) return
  const message = `${map} has ${size} entries, the change needs ${needed}`
  throw new WeirError('WEIR_MAP_FULL', message, { map, size, needed })
}

function isThere(backend: Backend, { installed }: Content, map: TableMapName, key: Uint8Array): boolean {
  if (map !== 'weir_pfx4' && map !== 'weir_pfx6') return backend.maps[map].lookup(key) !== undefined
  // The map itself would find a shorter prefix, too.
  const family = map === 'weir_pfx4' ? 4 : 6
  const { length, address: bytes } = codecs[`prefix${family}`].read(key)
  return installed.prefixes.get({ family, bytes, length }) !== undefined
}

/** Entries of a map that can be full; undefined for arrays. */
function sizeOf({ installed, devices }: Content, map: TableMapName): number | undefined {
  switch (map) {
    case 'weir_addr4':
      return installed.addressCount(4)
    case 'weir_addr6':
      return installed.addressCount(6)
    case 'weir_pfx4':
      return installed.prefixes.sizeOf(4)
    case 'weir_pfx6':
      return installed.prefixes.sizeOf(6)
    case 'weir_cells':
      return installed.cells.size
    case 'weir_devices':
      return devices.size
    default:
      return undefined
  }
}

/** Brings what we know up to what the writes did. */
export function settle(content: Content, phases: readonly Phase[]): void {
  for (const { operations } of phases) {
    for (const operation of operations) {
      if (operation.table === 'cells') settleCell(content, operation)
      if (operation.table === 'endpoints') settleDevice(content, operation)
      content.installed.apply(operation)
    }
  }
  content.rows.settle()
}

function settleDevice({ installed, devices }: Content, operation: Operation & { readonly table: 'endpoints' }): void {
  const before = installed.endpoint(operation.slot).wiring.ifindex
  if (before !== 0 && devices.get(before) === operation.slot) devices.delete(before)
  if (operation.wiring.ifindex !== 0) devices.set(operation.wiring.ifindex, operation.slot)
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
