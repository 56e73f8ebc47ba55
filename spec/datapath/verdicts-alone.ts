import type { EgressDelta, EgressTables, ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'

export const nothingElse: ServiceTables & EgressTables = {
  frontends: new Map(),
  selections: new Map(),
  backends: new Map(),
  egressRules: new Map(),
  nonMasquerade: new Map(),
  masquerade: new Map(),
}

export const nothingElseChanged: ServicesDelta & EgressDelta = {
  frontends: [],
  selections: [],
  backends: [],
  egressRules: [],
  nonMasquerade: [],
  masquerade: [],
}
