import type { Backend } from '@weir/datapath/backend.js'
import type { TableMapName } from '@weir/datapath/codec/maps.js'
import type { ServiceReconciler } from '@weir/datapath/services/reconciler.js'
import { filledMaps, memories } from './map-names.js'
import type { MapFill } from './protocol.js'

/** Entries that are counted at once: less than a millisecond. */
const entriesPerStep = 1024

/**
 * How full maps are, counted in steps.
 * @param services knows of its own maps how full they are
 * @param nextTurn resolves when others have had their turn
 */
export async function fillsOf(
  { maps }: Pick<Backend, 'maps'>,
  { usedLines, usedPlaces }: Pick<ServiceReconciler, 'usedLines' | 'usedPlaces'>,
  nextTurn: () => Promise<unknown>,
): Promise<readonly MapFill[]> {
  const fills: MapFill[] = []
  for (const name of filledMaps) {
    const fill = { name, entries: 0, maxEntries: maps[name].maxEntries, evicts: memories.has(name) }
    for (const length of maps[name].lengths(entriesPerStep)) {
      fill.entries += length
      await nextTurn()
    }
    fills.push(fill)
  }
  const known = (name: TableMapName, entries: number): MapFill => ({
    ...{ name, entries, maxEntries: maps[name].maxEntries },
    evicts: false,
  })
  const backends = [known('weir_backends4', usedPlaces[4]), known('weir_backends6', usedPlaces[6])]
  return [...fills, known('weir_slots', usedLines), ...backends]
}
