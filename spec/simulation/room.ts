import type { Engine } from '@weir/core'
import { type BackendMap, createMemoryBackend, type MapName, Reconciler, ServiceReconciler } from '@weir/datapath'
import type { MapShortage } from '@weir/datapath/services/shortage.js'
import { layout } from '@weir/datapath/layout.generated.js'
import type { TableMapName } from '@weir/datapath/codec/maps.js'
import type { Kernel } from './kernel.js'
import type { Random } from './random.js'

/** Maps that are smaller than what may be asked for. */
export type Sizes = Partial<Record<MapName, number>>

type Least = readonly [least: number, most: number]
/** So few entries that a run may need more, and may not. */
const cramped = {
  ...{ weir_addr4: [3, 10], weir_addr6: [3, 10], weir_pfx4: [1, 8], weir_pfx6: [1, 8] },
  ...{ weir_cells: [4, 60], weir_rows: [2, 12], weir_endpoints: [257, 261] },
  ...{ weir_frontends4: [1, 8], weir_frontends6: [1, 4], weir_ranges4: [1, 4] },
  ...{ weir_backends4: [1, 6], weir_backends6: [1, 4], weir_slots: [1, 24] },
} as const satisfies Partial<Record<MapName, Least>>
type Cramped = keyof typeof cramped
const ofServices = (map: string): boolean => /frontends|ranges|backends|slots/.test(map)

/** @param hasServices Then mostly maps of services. */
export function crampedSizes(random: Random, hasServices: boolean): Sizes {
  const mostlyOfServices = hasServices && random.chance(0.7)
  const maps = (Object.keys(cramped) as Cramped[]).filter(map => !mostlyOfServices || ofServices(map))
  const chosen = Array.from({ length: random.between(1, 3) }, () => random.pick(maps))
  return Object.fromEntries(chosen.map(map => [map, random.between(...cramped[map])]))
}

export const crampsServices = (sizes: Sizes): boolean => Object.keys(sizes).some(ofServices)

/** Why the agent is wrong to say that there is no room for what judges packets; undefined where it may be right. */
export async function roomForPolicies(
  sizes: Sizes,
  failing: string,
  kernel: Kernel,
  { tables }: Engine,
): Promise<string | undefined> {
  const told = /(weir_\w+) has (\d+) entries, the change needs (\d+)/.exec(failing)
  const [, named, size, needed] = told ?? []
  const isTold =
    Number(size) === kernel.backend.maps[named as TableMapName]?.maxEntries && Number(needed) > Number(size)
  if (named !== undefined && !isTold) return `${named} of ${size} entries is said to need ${needed}`
  const maps = (Object.keys(sizes) as Cramped[]).filter(map => !ofServices(map) && (named ?? map) === map)
  // Pods are moved between slots, which have numbers: how many are used doesn't say whether one of those is free.
  if (maps.includes('weir_endpoints')) return undefined
  const spacious = createMemoryBackend()
  await new Reconciler(spacious).start(tables)
  // Old and new entries are there together for a moment, never more. A pod that is moved has cells of its own meanwhile,
  // and chunks of a row lie together, with gaps between rows.
  const isRight = maps.some(map => {
    const together = used(spacious.maps[map]) + used(kernel.backend.maps[map])
    return together * (map === 'weir_rows' || map === 'weir_cells' ? 2 : 1) > kernel.backend.maps[map].maxEntries
  })
  return isRight ? undefined : `there is room in ${maps.length === 0 ? 'every map' : maps.join(' and ')}`
}

/**
 * The same of services. What found no room was tried again whenever something went.
 * @param usedLines Of weir_slots. What runs leave behind stays in the map, so that only their owner can tell.
 */
export async function roomForServices(
  shortages: readonly MapShortage[],
  usedLines: number,
  kernel: Kernel,
  { tables }: Engine,
): Promise<string | undefined> {
  if (shortages.length === 0) return undefined
  const spacious = createMemoryBackend()
  const reconciler = new ServiceReconciler(spacious, { tables: { size: 251, seed: 0 } })
  await reconciler.start(tables)
  for (const { map, size, needed, frontends, services, examples } of shortages) {
    const isTold = needed > size && frontends >= services && services >= examples.length && examples.length > 0
    if (!isTold || size !== kernel.backend.maps[map].maxEntries)
      return `${map} of ${size} entries is said to need ${needed} for ${frontends} frontends of ${services} services`
    const filled = map === 'weir_slots' ? usedLines : used(kernel.backend.maps[map])
    const wanted = map === 'weir_slots' ? reconciler.usedLines : used(spacious.maps[map])
    if (needed > filled + wanted)
      return `${map} of ${size} entries is said to need ${needed}, there are ${filled}, wanted ${wanted}`
    if (!isShort(map, { size, needed, filled, wanted })) return `there is room in ${map}, of ${size} are ${filled} used`
  }
  return undefined
}

interface Level {
  readonly size: number
  /** As it is said. */
  readonly needed: number
  readonly filled: number
  /** By all that is in the tables. */
  readonly wanted: number
}

/** Whether something that is in the tables can have found no room. */
function isShort(map: string, { size, needed, filled, wanted }: Level): boolean {
  // One entry at a time: none may be free.
  if (map.startsWith('weir_frontends')) return filled === size
  // Runs lie at multiples of their length, each of which is free, or has a line in use.
  if (map === 'weir_slots') return Math.floor(size / (needed - filled)) <= filled
  return filled + wanted > size
}

/** Entries in use: an array has all from the start, zero where nothing is. */
function used(map: BackendMap): number {
  const isArray = layout.maps[map.name].type === 'array'
  let count = 0
  for (const [, value] of map.entries()) if (!isArray || value.some(byte => byte !== 0)) count += 1
  return count
}
