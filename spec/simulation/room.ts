import type { Engine } from '@weir/core'
import { type BackendMap, createMemoryBackend, type MapName, Reconciler, ServiceReconciler } from '@weir/datapath'
import type { MapShortage } from '@weir/datapath/services/shortage.js'
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
export function roomForPolicies(sizes: Sizes, kernel: Kernel, { tables }: Engine): Promise<string | undefined> {
  return unless(
    Object.keys(sizes).filter(map => !ofServices(map)) as Cramped[],
    kernel,
    async spacious => void (await new Reconciler(spacious).start(tables)),
  )
}

/** The same of services. */
export async function roomForServices(
  shortages: readonly MapShortage[],
  kernel: Kernel,
  { tables }: Engine,
): Promise<string | undefined> {
  for (const { map, size, needed, frontends, services, examples } of shortages) {
    const isTold = needed > size && frontends >= services && services >= examples.length && examples.length > 0
    if (!isTold || size !== kernel.backend.maps[map].maxEntries)
      return `${map} of ${size} entries is said to need ${needed} for ${frontends} frontends of ${services} services`
    // Old and new runs lie in lines of their own, some of them between others.
    const isInLines = map === 'weir_slots' || map.startsWith('weir_ranges')
    const wrong = await unless(isInLines ? [] : [map as Cramped], kernel, async spacious => {
      const reconciler = new ServiceReconciler(spacious, { tables: { size: 251, seed: 0 } })
      await reconciler.start(tables)
    })
    if (!isInLines && wrong !== undefined) return wrong
  }
  return undefined
}

/** What is there and what is to come fit twice into each of the maps: whoever says that they don't is wrong. */
async function unless(
  maps: readonly Cramped[],
  kernel: Kernel,
  fill: (spacious: ReturnType<typeof createMemoryBackend>) => Promise<void>,
): Promise<string | undefined> {
  const spacious = createMemoryBackend()
  await fill(spacious)
  for (const map of maps) {
    const { maxEntries } = kernel.backend.maps[map]
    const needed = used(spacious.maps[map]) + used(kernel.backend.maps[map])
    // Where nothing lies in either, what is waiting for its turn can't be told from what was left out.
    if (map === 'weir_endpoints' || needed === 0 || needed * 2 > maxEntries) return undefined
  }
  return `there is room in ${maps.length === 0 ? 'every map' : maps.join(' and ')}`
}

function used(map: BackendMap): number {
  let count = 0
  for (const [, value] of map.entries()) if (value.some(byte => byte !== 0)) count += 1
  return count
}
