import type { EgressTables, ServiceTables, Tables } from '@weir/core/tables/tables.js'

/** All tables but those that judge flows. */
export const nothingElse: ServiceTables & EgressTables = {
  frontends: new Map(),
  selections: new Map(),
  backends: new Map(),
  egressRules: new Map(),
  nonMasquerade: new Map(),
  masquerade: new Map(),
}

export const emptyTables: Tables = {
  addresses: new Map(),
  prefixes: new Map(),
  endpoints: new Map(),
  cells: new Map(),
  rows: new Map(),
  ...nothingElse,
}
