import type { ServiceTables, Tables } from '@weir/core/tables/tables.js'

export const noServices: ServiceTables = { frontends: new Map(), selections: new Map(), backends: new Map() }

export const emptyTables: Tables = {
  addresses: new Map(),
  prefixes: new Map(),
  endpoints: new Map(),
  cells: new Map(),
  rows: new Map(),
  ...noServices,
}
