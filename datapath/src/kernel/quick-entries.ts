import { layout } from '../layout.generated.js'
import type { MapName } from '../codec/maps.js'

/** Entries that a flow chooses from: WEIR_QUICK_SET. */
const setEntries = 8

/**
 * How many of a table's entries are each CPU's own: a power of two, as programs count them; 0 when there are too few for
 * a set.
 */
export function entriesEach(entries: number, cpus: number): number {
  const share = Math.floor(entries / cpus)
  return share < setEntries ? 0 : 2 ** Math.floor(Math.log2(share))
}

type Sizes = Readonly<Partial<Record<MapName, number>>>

/** The same sizes, and as many tags as the sets of entries need. */
export function withTags(sizes: Sizes): Sizes {
  const tags = (map: 'weir_quick4' | 'weir_quick6'): number =>
    Math.max(1, Math.floor((sizes[map] ?? layout.maps[map].maxEntries) / setEntries))
  return { ...sizes, weir_quick_tags4: tags('weir_quick4'), weir_quick_tags6: tags('weir_quick6') }
}
