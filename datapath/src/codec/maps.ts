import { layout } from '../layout.generated.js'
import { codecOf } from './codec.js'

export type MapName = keyof typeof layout.maps
/** Maps that user space reads and writes by key: all but the ring, and what sockets own. */
export type TableMapName = Exclude<MapName, 'weir_events' | 'weir_sockets'>

export const isTableMap = (name: MapName): name is TableMapName => name !== 'weir_events' && name !== 'weir_sockets'

const maps = layout.maps

/** Keys and values of the maps that user space reads and writes, typed by the layout. */
export const codecs = {
  address4: codecOf(maps.weir_addr4.key),
  address6: codecOf(maps.weir_addr6.key),
  prefix4: codecOf(maps.weir_pfx4.key),
  prefix6: codecOf(maps.weir_pfx6.key),
  peer: codecOf(maps.weir_addr4.value),
  index: codecOf(maps.weir_endpoints.key),
  endpoint: codecOf(maps.weir_endpoints.value),
  slot: codecOf(maps.weir_devices.value),
  cellKey: codecOf(maps.weir_cells.key),
  cell: codecOf(maps.weir_cells.value),
  rowChunk: codecOf(maps.weir_rows.value),
  frontend4: codecOf(maps.weir_frontends4.key),
  frontend6: codecOf(maps.weir_frontends6.key),
  frontend: codecOf(maps.weir_frontends4.value),
  backend4: codecOf(maps.weir_backends4.value),
  backend6: codecOf(maps.weir_backends6.value),
  leaving: codecOf(maps.weir_leaving.value),
  masquerade: codecOf(maps.weir_masquerade.value),
  unmasked: codecOf(maps.weir_unmasked4.value),
  egress4: codecOf(maps.weir_egress4.key),
  egress6: codecOf(maps.weir_egress6.key),
  egress: codecOf(maps.weir_egress4.value),
  tunnel: codecOf(maps.weir_tunnels4.value),
  mark: codecOf(maps.weir_marks.value),
  fellow: codecOf(maps.weir_fellows.value),
  range4: codecOf(maps.weir_ranges4.key),
  range6: codecOf(maps.weir_ranges6.key),
  ports: codecOf(maps.weir_ports.value),
  own: codecOf(maps.weir_own.value),
  counter: codecOf(maps.weir_counters.value),
  tally: codecOf(maps.weir_tallies.value),
  conntrack4: codecOf(maps.weir_ct4.key),
  conntrack6: codecOf(maps.weir_ct6.key),
  connection: codecOf(maps.weir_connections.value),
  connectionKey: codecOf(maps.weir_connections.key),
  conntrack: codecOf(maps.weir_ct4.value),
  event: codecOf(layout.types.weir_event),
  sweep: codecOf(layout.types.weir_sweep),
  pairSweep: codecOf(layout.types.weir_pair_sweep),
} as const

export const reasonNumbers: Readonly<Record<string, number>> = layout.types.weir_reason.values
export const tallyNumbers: Readonly<Record<string, number>> = layout.types.weir_tally.values
export const frontendScopes = layout.types.weir_scope.values
export const frontendFlags = layout.types.weir_frontend_flag.values
export const egressActions = layout.types.weir_egress_action.values
export const masqueradeFamilies = layout.types.weir_masquerade_family.values
export const natKinds = layout.types.weir_nat_kind.values
export const eventKinds = layout.types.weir_event_kind.values
