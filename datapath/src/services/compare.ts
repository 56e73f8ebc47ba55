import type { BackendMap, ServiceMaps } from '../backend.js'
import { codecs } from '../codec/maps.js'
import type { BackendPlaces } from './backend-places.js'
import { byteText, frontendMaps, textBytes } from './installed-frontends.js'
import { isZero } from './resync.js'
import { type RangeMap, rangeMaps } from './source-ranges.js'
import type { ServiceStore } from './store.js'

/** Entries compared in one step. */
const entriesPerStep = 1024

/**
 * Whether anything in the maps isn't as the store has it. The store may change between the steps: what differs from what
 * was read before is read again.
 */
export function* isDifferent(backend: ServiceMaps, store: ServiceStore): Generator<void, boolean> {
  for (const map of frontendMaps) if (yield* frontendsDiffer(backend.maps[map], store)) return true
  yield
  for (const family of [4, 6] as const)
    if (yield* backendsDiffer(backend.maps[`weir_backends${family}`], store.places[family])) return true
  yield
  for (const map of rangeMaps) if (yield* rangesDiffer(backend.maps[map], map, store)) return true
  yield
  let count = 0
  for (const run of store.slots.runs()) {
    if (!store.slots.isIntact(run)) return true
    count += 1 + run.count / 16
    if (count < entriesPerStep) continue
    count = 0
    yield
  }
  return false
}

function* frontendsDiffer(map: BackendMap, { frontends }: ServiceStore): Generator<void, boolean> {
  const seen = new Set<string>()
  const isWrong = (key: string): boolean => {
    const value = map.lookup(textBytes(key))
    return (value && byteText(value)) !== frontends.get(key)?.value
  }
  for (const part of map.parts(entriesPerStep)) {
    for (const [bytes, value] of part) {
      const key = byteText(bytes)
      seen.add(key)
      if (byteText(value) !== frontends.get(key)?.value && isWrong(key)) return true
    }
    yield
  }
  let count = 0
  for (const key of frontends.keys()) {
    if (key.length === map.keySize && !seen.has(key) && isWrong(key)) return true
    count += 1
    if (count % entriesPerStep === 0) yield
  }
  return false
}

/** Lookups match prefixes, so that none tells whether one entry is there: a set is whole when each of its keys was seen. */
function* rangesDiffer(map: BackendMap, name: RangeMap, { ranges }: ServiceStore): Generator<void, boolean> {
  const expected = ranges.sets(name)
  const seen = new Set<string>()
  let count = 0
  for (const [key] of map.entries()) {
    const text = byteText(key)
    const set = ranges.setOf(name, key)
    // Of a set that went meanwhile no entry is left.
    if (set === undefined ? map.lookup(key) !== undefined : !set.texts.has(text)) return true
    seen.add(text)
    count += 1
    if (count % entriesPerStep === 0) yield
  }
  for (const set of expected) {
    if (ranges.setOf(name, set.keys[0]!) !== set) continue
    for (const text of set.texts) if (!seen.has(text)) return true
    count += set.texts.size
    if (count < entriesPerStep) continue
    count = 0
    yield
  }
  return false
}

function* backendsDiffer(map: BackendMap, places: BackendPlaces): Generator<void, boolean> {
  for (const part of map.parts(entriesPerStep)) {
    for (const [key, value] of part) if (!isAsMeant(value, places, codecs.index.read(key))) return true
    yield
  }
  return false
}

function isAsMeant(value: Uint8Array, { image, valueSize }: BackendPlaces, place: number): boolean {
  const from = place * valueSize
  if (from >= image.length) return isZero(value)
  for (let at = 0; at < valueSize; at += 1) if (value[at] !== image[from + at]) return false
  return true
}
