import { cpus } from 'node:os'
import type { Machine } from './machine.js'

/** Of each CPU: few, so that they can be emptied between tests. */
const each = 64
/** Entries that share one word of tags. */
export const setEntries = 8

export const quickMaps = ['weir_quick4', 'weir_quick6', 'weir_quick_tags4', 'weir_quick_tags6'] as const
export const quickVariables = { weir_quick4_each: each, weir_quick6_each: each }
export const quickSizes = {
  weir_quick4: each * cpus().length,
  weir_quick6: each * cpus().length,
  weir_quick_tags4: (each / setEntries) * cpus().length,
  weir_quick_tags6: (each / setEntries) * cpus().length,
}

/** No frame finds what was done with the last ones of its flow. */
export function emptyQuick(machine: Pick<Machine, 'keys' | 'lookup' | 'update'>): void {
  for (const map of quickMaps)
    for (const key of machine.keys(map)) {
      const value = machine.lookup(map, key)
      if (value?.some(byte => byte !== 0)) machine.update(map, key, new Uint8Array(value.length))
    }
}
