import type { Tables } from '@weir/core/tables/tables.js'

export const emptyTables: Tables = {
  addresses: new Map(),
  prefixes: new Map(),
  endpoints: new Map(),
  cells: new Map(),
  rows: new Map(),
}
