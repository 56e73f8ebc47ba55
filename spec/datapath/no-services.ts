import type { ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'

export const noServices: ServiceTables = { frontends: new Map(), selections: new Map(), backends: new Map() }

export const unchangedServices: ServicesDelta = { frontends: [], selections: [], backends: [] }
