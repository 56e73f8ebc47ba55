import type { Backend, BackendMap } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { samePeer, sameWiring } from '../peer.js'
import type { Installed } from '../plan/installed.js'
import { deviceRepairs } from './differences.js'
import { type Content, cellName, decodeAddress, decodeEndpoint, decodePeer, decodePrefix, readRow } from './read.js'
import type { Placement, RowStore } from './row-store.js'

/** Entries compared in one step: about three milliseconds. */
const entriesPerStep = 256

/**
 * Whether the maps hold what is known to be in them. Writes may come between the steps: what is read is compared within the
 * same step, and what wasn't met is looked up at the end of its map.
 */
export function* isAsKnown({ maps }: Pick<Backend, 'maps'>, content: Content): Generator<void, boolean> {
  const { installed, rows, placements } = content
  return (
    (yield* addressesAre(installed, maps.weir_addr4, 4)) &&
    (yield* addressesAre(installed, maps.weir_addr6, 6)) &&
    prefixesAre(installed, maps.weir_pfx4, 4) &&
    prefixesAre(installed, maps.weir_pfx6, 6) &&
    (yield* endpointsAre(installed, maps.weir_endpoints)) &&
    (yield* cellsAre(placements, maps.weir_cells)) &&
    (yield* rowsAre(rows, maps.weir_rows)) &&
    devicesAre(content, maps.weir_devices)
  )
}

function* addressesAre(installed: Installed, map: BackendMap, family: 4 | 6): Generator<void, boolean> {
  const seen = new Set<string>()
  for (const part of map.parts(entriesPerStep)) {
    for (const [key, value] of part) {
      const { address } = decodeAddress(key, family)
      if (!samePeer(installed.peerAt(address), decodePeer(value))) return false
      seen.add(address)
    }
    yield
  }
  const codec = family === 4 ? codecs.address4 : codecs.address6
  let count = 0
  for (const [address, peer] of installed.addresses()) {
    if (++count % (entriesPerStep * 8) === 0) yield
    const bits = installed.placeOf(address)?.bits
    if (bits?.family !== family || seen.has(address)) continue
    const value = map.lookup(codec.encode({ address: bits.bytes }))
    if (value === undefined || !samePeer(peer, decodePeer(value))) return false
  }
  return true
}

/** In one step, as there are few of them, and a lookup finds whatever prefix is around one. */
function prefixesAre({ prefixes }: Installed, map: BackendMap, family: 4 | 6): boolean {
  let count = 0
  for (const [key, value] of map.entries()) {
    if (!samePeer(prefixes.get(decodePrefix(key, family)), decodePeer(value))) return false
    count += 1
  }
  return count === prefixes.sizeOf(family)
}

function* endpointsAre(installed: Installed, map: BackendMap): Generator<void, boolean> {
  for (const part of map.parts(entriesPerStep)) {
    for (const [key, value] of part) {
      const known = installed.endpoint(codecs.index.read(key))
      const { wiring, generation } = decodeEndpoint(value)
      if (generation !== known.generation || !sameWiring(wiring, known.wiring)) return false
    }
    yield
  }
  return true
}

function* cellsAre(placements: ReadonlyMap<string, Placement>, map: BackendMap): Generator<void, boolean> {
  const seen = new Set<string>()
  const isAt = (value: Uint8Array | undefined, known: Placement | undefined): boolean => {
    const { first, chunks } = value === undefined ? nowhere : codecs.cell.read(value)
    return first === known?.first && chunks === known.chunks
  }
  for (const part of map.parts(entriesPerStep)) {
    for (const [key, value] of part) {
      const { subject, direction, peer_class: peerClass } = codecs.cellKey.read(key)
      const name = cellName(subject, direction as 0 | 1, peerClass)
      if (!isAt(value, placements.get(name))) return false
      seen.add(name)
    }
    yield
  }
  let count = 0
  for (const [name, placement] of placements) {
    if (++count % (entriesPerStep * 8) === 0) yield
    if (seen.has(name)) continue
    const [subject = 0, direction = 0, peer_class = 0] = name.split(':').map(Number)
    if (!isAt(map.lookup(codecs.cellKey.encode({ subject, direction, peer_class })), placement)) return false
  }
  return true
}

const nowhere: Placement = { first: -1, chunks: 0 }

function* rowsAre(store: RowStore, map: BackendMap): Generator<void, boolean> {
  let read = 0
  for (const run of store.runs()) {
    if (readRow(map, run).text !== run.row.text) return false
    read += run.chunks
    if (read < entriesPerStep) continue
    read = 0
    yield
  }
  return true
}

function devicesAre(content: Content, map: BackendMap): boolean {
  let count = 0
  for (const [key, value] of map.entries()) {
    if (content.devices.get(codecs.index.read(key)) !== codecs.slot.read(value)) return false
    count += 1
  }
  return count === content.devices.size && deviceRepairs(content).length === 0
}
