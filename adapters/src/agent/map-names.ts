/** Maps whose size follows the cluster's. The others are as large as the programs count. */
export const sizableMaps = [
  'weir_addr4',
  'weir_addr6',
  'weir_pfx4',
  'weir_pfx6',
  'weir_cells',
  'weir_rows',
  'weir_ct4',
  'weir_ct6',
  'weir_frag4',
  'weir_frag6',
  'weir_nat4',
  'weir_nat6',
  'weir_quick4',
  'weir_quick6',
  'weir_frontends4',
  'weir_frontends6',
  'weir_ranges4',
  'weir_ranges6',
  'weir_backends4',
  'weir_backends6',
  'weir_slots',
  'weir_affinities',
  'weir_datagrams',
  'weir_unmasked4',
  'weir_unmasked6',
  'weir_egress4',
  'weir_egress6',
  'weir_connections',
] as const

/** Entries, by map. */
export type MapSizes = Readonly<Partial<Record<(typeof sizableMaps)[number], number>>>

/** Tables whose fill level is worth knowing; arrays and counters are as full as they ever get. */
export const filledMaps = [
  'weir_addr4',
  'weir_addr6',
  'weir_pfx4',
  'weir_pfx6',
  'weir_cells',
  'weir_devices',
  'weir_ct4',
  'weir_ct6',
  'weir_frontends4',
  'weir_frontends6',
  'weir_ranges4',
  'weir_ranges6',
  'weir_affinities',
  'weir_datagrams',
  'weir_unmasked4',
  'weir_unmasked6',
  'weir_egress4',
  'weir_egress6',
  'weir_connections',
] as const

/** Of those, what is only remembered as long as there is room. */
export const memories: ReadonlySet<string> = new Set(['weir_affinities', 'weir_datagrams', 'weir_connections'])
