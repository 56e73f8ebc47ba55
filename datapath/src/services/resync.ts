import type { ServiceTables } from '@weir/core/tables/tables.js'
import type { ServiceMaps } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { contentOf, decodeBackend, familyOf } from './encode.js'
import { byteText, frontendMaps } from './installed-frontends.js'
import { rangeMaps } from './source-ranges.js'
import { ServiceStore } from './store.js'
import type { TableOptions } from './table-builds.js'

/**
 * A store of what the maps hold, with the way from there to the tables planned. What is there already and right stays in
 * its place, so that a restart on maps that are as they should be changes nothing.
 */
export function resync(backend: ServiceMaps, tables: ServiceTables, options: TableOptions): ServiceStore {
  const store = new ServiceStore(backend, options)
  for (const map of rangeMaps)
    store.ranges.adopt(
      map,
      Array.from(backend.maps[map].entries(), ([key]) => key),
    )
  for (const map of frontendMaps)
    for (const [key, value] of backend.maps[map].entries()) {
      store.frontends.adopt(key, value)
      store.ranges.adoptFrontend(byteText(key), value)
    }
  for (const [key, value] of backend.maps.weir_ports.entries())
    if (!isZero(value)) store.ports.adopt(codecs.index.read(key), codecs.ports.read(value).bits)
  const found = { 4: readBackends(backend, store, 4), 6: readBackends(backend, store, 6) }
  if (found[4].places.size + found[6].places.size > 0) {
    for (const [number, row] of tables.backends) {
      const { places } = found[familyOf(row.address)]
      const content = contentOf(row)
      const place = places.get(content)
      if (place === undefined) continue
      places.delete(content)
      store.places[familyOf(row.address)].assign(number, place)
    }
  }
  store.planAll(tables, { 4: leftOver(found[4]), 6: leftOver(found[6]) })
  return store
}

interface Found {
  /** By what is there. */
  readonly places: Map<string, number>
  /** What no build would write, and what is there twice. */
  readonly others: number[]
}

/** Tells the store which places have which backends. */
function readBackends(backend: ServiceMaps, store: ServiceStore, family: 4 | 6): Found {
  const found: Found = { places: new Map(), others: [] }
  for (const [key, value] of backend.maps[`weir_backends${family}`].entries()) {
    if (isZero(value)) continue
    const place = codecs.index.read(key)
    store.places[family].adopt(place, value)
    const content = decodeBackend(family, value)
    if (content === undefined || found.places.has(content)) found.others.push(place)
    else found.places.set(content, place)
  }
  return found
}

const leftOver = ({ places, others }: Found): readonly number[] => [...places.values(), ...others]

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== 0) return false
  return true
}
