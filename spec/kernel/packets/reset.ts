import type { Typed } from './machine.js'
import { emptyPairs } from './pairs.js'
import { emptyQuick } from './quick.js'

const emptied = [
  'weir_addr4',
  'weir_addr6',
  'weir_pfx4',
  'weir_pfx6',
  'weir_devices',
  'weir_cells',
  'weir_ct4',
  'weir_ct6',
  'weir_frag4',
  'weir_frag6',
  'weir_masquerade',
  'weir_unmasked4',
  'weir_unmasked6',
  'weir_egress4',
  'weir_egress6',
  'weir_frontends4',
  'weir_frontends6',
  'weir_ranges4',
  'weir_ranges6',
  'weir_affinities',
  'weir_tunnels4',
  'weir_tunnels6',
  'weir_marks',
  'weir_fellows',
]

/** Back to what a load gives, but for counters. */
export function empty(machine: Typed): void {
  for (const map of emptied) for (const key of machine.keys(map)) machine.delete(map, key)
  emptyQuick(machine)
  emptyPairs(machine)
  machine.put('weir_leaving', 0, {})
  machine.put('weir_own_pairs', 0, 0)
  for (const family of [4, 6]) for (let place = 0; place < 4; place++) machine.put(`weir_backends${family}`, place, {})
  machine.closeSockets?.()
  for (let slot = 1; slot < 300; slot++) machine.put('weir_endpoints', slot, {})
}
