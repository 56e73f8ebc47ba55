import { addressBits, type Prefix, prefixText } from '@weir/core/address/address.js'
import type { Backend, BackendMap } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { type Peer, sameWiring, unwired, type Wiring } from '../peer.js'
import type { DirectionNumber } from '../plan/cell-table.js'
import { Installed, type InstalledEndpoint } from '../plan/installed.js'
import type { RowContent } from '../plan/row-content.js'
import { decodeRow } from './encode.js'
import { type Placement, RowStore } from './row-store.js'

/** What the maps hold, read entry by entry. */
export interface Content {
  readonly installed: Installed
  readonly rows: RowStore
  /** Slot by ifindex. */
  readonly devices: Map<number, number>
  /** Place of each cell's row, by `subject:direction:class`. */
  readonly placements: Map<string, Placement>
}

export const cellName = (subject: number, direction: DirectionNumber, peerClass: number): string =>
  `${subject}:${direction}:${peerClass}`

export function readContent(backend: Backend): Content {
  const { maps } = backend
  const installed = new Installed(maps.weir_endpoints.maxEntries)
  readAddresses(installed, maps.weir_addr4, 4)
  readAddresses(installed, maps.weir_addr6, 6)
  readPrefixes(installed, maps.weir_pfx4, 4)
  readPrefixes(installed, maps.weir_pfx6, 6)
  readEndpoints(installed, maps.weir_endpoints)
  const rows = new RowStore(maps.weir_rows.maxEntries)
  const placements = readCells(installed, rows, maps.weir_cells, maps.weir_rows)
  const devices = new Map<number, number>()
  for (const [key, value] of maps.weir_devices.entries()) devices.set(codecs.index.read(key), codecs.slot.read(value))
  return { installed, rows, devices, placements }
}

export function decodePeer(bytes: Uint8Array): Peer {
  const { identity, peer_class: peerClass, subject, slot } = codecs.peer.read(bytes)
  return { identity, peerClass, subject, slot }
}

/** An address as a key of its family's map has it. */
export function decodeAddress(key: Uint8Array, family: 4 | 6): { readonly address: string; readonly bits: Prefix } {
  const { address: bytes } = (family === 4 ? codecs.address4 : codecs.address6).read(key)
  const bits = { family, bytes, length: addressBits(family) }
  const text = prefixText(bits)
  return { address: text.slice(0, text.lastIndexOf('/')), bits }
}

function readAddresses(installed: Installed, map: BackendMap, family: 4 | 6): void {
  for (const [key, value] of map.entries())
    installed.apply({ table: 'addresses', ...decodeAddress(key, family), peer: decodePeer(value) })
}

export function decodePrefix(key: Uint8Array, family: 4 | 6): Prefix {
  const { length, address: bytes } = (family === 4 ? codecs.prefix4 : codecs.prefix6).read(key)
  return { family, bytes, length }
}

function readPrefixes(installed: Installed, map: BackendMap, family: 4 | 6): void {
  for (const [key, value] of map.entries()) {
    const bits = decodePrefix(key, family)
    installed.apply({ table: 'prefixes', prefix: prefixText(bits), bits, peer: decodePeer(value) })
  }
}

const macText = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(':')

export function decodeEndpoint(value: Uint8Array): InstalledEndpoint {
  const { generation, ifindex, pod_mac, host_mac, identity } = codecs.endpoint.read(value)
  const read: Wiring = { ifindex, identity, podMac: macText(pod_mac), hostMac: macText(host_mac) }
  return { wiring: sameWiring(read, unwired) ? unwired : read, generation }
}

function readEndpoints(installed: Installed, map: BackendMap): void {
  for (const [key, value] of map.entries())
    if (value.some(byte => byte !== 0))
      installed.apply({ table: 'endpoints', slot: codecs.index.read(key), ...decodeEndpoint(value) })
}

function readCells(installed: Installed, store: RowStore, cells: BackendMap, rows: BackendMap): Map<string, Placement> {
  const placements = new Map<string, Placement>()
  const known = new Map<string, RowContent>()
  for (const [key, value] of cells.entries()) {
    const { subject, direction, peer_class: peerClass } = codecs.cellKey.read(key)
    const placement = codecs.cell.read(value)
    const place = `${placement.first}+${placement.chunks}`
    const row = known.get(place) ?? readRow(rows, placement)
    known.set(place, row)
    if (!store.knows(placement)) store.adopt(row, placement)
    store.refer(placement, 1)
    const side = direction as DirectionNumber
    placements.set(cellName(subject, side, peerClass), placement)
    installed.apply({ table: 'cells', subject, direction: side, peerClass, row })
  }
  return placements
}

/** The row at a place, whatever is there. */
export function readRow(rows: BackendMap, { first, chunks }: Placement): RowContent {
  const found: Uint8Array[] = []
  for (let index = first; index < Math.min(first + chunks, rows.maxEntries); index += 1) {
    const chunk = rows.lookup(codecs.index.encode(index))
    if (chunk !== undefined) found.push(chunk)
  }
  return decodeRow(found)
}
