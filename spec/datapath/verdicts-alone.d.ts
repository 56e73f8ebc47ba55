import type { EgressDelta, EgressTables, ServicesDelta, ServiceTables } from '@weir/core/tables/tables.js'
export declare const nothingElse: ServiceTables & EgressTables
export declare const nothingElseChanged: ServicesDelta & EgressDelta
//# sourceMappingURL=verdicts-alone.d.ts.map
