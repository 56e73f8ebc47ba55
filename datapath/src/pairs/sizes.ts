import type { MapName } from '../codec/maps.js'

/**
 * Entries that a set has room for, and how many it gets on average where a map has as many as was asked for: sets fill by
 * chance, and of so many one in five hundred is full.
 */
export const setPlaces = 15
const setEntries = 8

type Sizes = Readonly<Partial<Record<MapName, number>>>

/** The same sizes, with those of pairs in sets, as their maps have them, in place of entries. */
export function withPairSets(sizes: Sizes): Sizes {
  const sets = (map: 'weir_nat4' | 'weir_nat6'): Sizes => {
    const entries = sizes[map]
    return entries === undefined ? {} : { [map]: Math.max(1, Math.ceil(entries / setEntries)) }
  }
  return { ...sizes, ...sets('weir_nat4'), ...sets('weir_nat6') }
}
