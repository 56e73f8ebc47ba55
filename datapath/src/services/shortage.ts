import { WeirError } from '@weir/core/errors.js'
import { entryOf } from '@weir/core/multimap.js'
import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import type { TableMapName } from '../codec/maps.js'

/** What a map lacks for one frontend. */
export interface Shortage {
  readonly kind: 'shortage'
  readonly map: TableMapName
  /** Names what has no room. Several frontends may want the same, which needs room once. */
  readonly what: string
  /** Entries that it would take more than are free, or than lie together. */
  readonly entries: number
  /** Numbers of the backends that some of the entries are for, where they are: others may want some of them, too. */
  readonly backends?: readonly number[]
}

/** Why a frontend isn't in force as the tables have it. */
export type Obstacle = Shortage | 'building'

/** Entries of a map that aren't there. */
export const shortage = (map: TableMapName, what: string, entries: number, backends?: readonly number[]): Shortage => ({
  ...{ kind: 'shortage', map, what, entries },
  ...(backends !== undefined && { backends }),
})

export const isShortage = (found: object | string): found is Shortage =>
  typeof found === 'object' && 'kind' in found && found.kind === 'shortage'

/** Services that a full map has no room for. What was in force of them is. */
export interface MapShortage {
  readonly map: TableMapName
  /** Entries that it has, and that all of this would need. */
  readonly size: number
  readonly needed: number
  readonly frontends: number
  readonly services: number
  /** The first few services by name: `shop/web`. */
  readonly examples: readonly string[]
}

const examplesToldOf = 3

/** How full a map is. */
export interface Level {
  readonly size: number
  readonly used: number
  /** Whether a backend has an entry; absent where the map holds none. */
  readonly has?: (backend: number) => boolean
}

interface Sum {
  frontends: number
  readonly services: Set<string>
  readonly entries: Map<string, number>
  readonly backends: Set<number>
}

export function shortagesOf(
  behind: Iterable<{ readonly row: FrontendRow; readonly obstacle: Obstacle }>,
  levelOf: (map: TableMapName) => Level,
): readonly MapShortage[] {
  const byMap = new Map<TableMapName, Sum>()
  for (const { row, obstacle } of behind) {
    if (obstacle === 'building') continue
    const { map, what, entries, backends } = obstacle
    const sum = entryOf(
      byMap,
      map,
      (): Sum => ({
        frontends: 0,
        services: new Set(),
        entries: new Map(),
        backends: new Set(),
      }),
    )
    sum.frontends += 1
    sum.services.add(`${row.namespace}/${row.name}`)
    if (backends === undefined) sum.entries.set(what, Math.max(entries, sum.entries.get(what) ?? 0))
    else for (const backend of backends) sum.backends.add(backend)
  }
  return Array.from(byMap, ([map, { entries, backends, frontends, services }]) => {
    const { size, used, has } = levelOf(map)
    let needed = used
    for (const count of entries.values()) needed += count
    for (const backend of backends) if (has?.(backend) === false) needed += 1
    const examples = [...services].sort().slice(0, examplesToldOf)
    return { map, size, needed, frontends, services: services.size, examples }
  })
}

/** The shortages as one error; undefined where there is none. */
export function shortageError(shortages: readonly MapShortage[]): WeirError<'WEIR_MAP_FULL'> | undefined {
  const [first] = shortages
  if (first === undefined) return undefined
  const { map, size, needed } = first
  return new WeirError('WEIR_MAP_FULL', shortages.map(shortageText).join('; '), { map, size, needed })
}

/** `weir_slots has 64 entries, 80 are needed: no room for shop/web` */
export function shortageText({ map, size, needed, services, examples }: MapShortage): string {
  const more = services > examples.length ? `, and ${services - examples.length} more` : ''
  return `${map} has ${size} entries, ${needed} are needed: no room for ${examples.join(', ')}${more}`
}
