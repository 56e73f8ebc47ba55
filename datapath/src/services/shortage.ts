import { WeirError } from '@weir/core/errors.js'
import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import type { TableMapName } from '../codec/maps.js'

/** What a map lacks for one frontend. */
export interface Shortage {
  readonly kind: 'shortage'
  readonly map: TableMapName
  /** Entries that it would take more than are free, or than lie together. */
  readonly entries: number
}

/** Why a frontend isn't in force as the tables have it. */
export type Obstacle = Shortage | 'building'

/** Entries of a map that aren't there. */
export const shortage = (map: TableMapName, entries: number): Shortage => ({ kind: 'shortage', map, entries })

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

export function shortagesOf(
  behind: Iterable<{ readonly row: FrontendRow; readonly obstacle: Obstacle }>,
  levelOf: (map: TableMapName) => { readonly size: number; readonly used: number },
): readonly MapShortage[] {
  const byMap = new Map<TableMapName, { entries: number; frontends: number; services: Set<string> }>()
  for (const { row, obstacle } of behind) {
    if (obstacle === 'building') continue
    const sum = byMap.get(obstacle.map) ?? { entries: 0, frontends: 0, services: new Set<string>() }
    byMap.set(obstacle.map, sum)
    sum.entries += obstacle.entries
    sum.frontends += 1
    sum.services.add(`${row.namespace}/${row.name}`)
  }
  return Array.from(byMap, ([map, { entries, frontends, services }]) => {
    const { size, used } = levelOf(map)
    const examples = [...services].sort().slice(0, examplesToldOf)
    return { map, size, needed: used + entries, frontends, services: services.size, examples }
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
