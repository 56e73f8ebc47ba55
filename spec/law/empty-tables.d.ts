import type { ServicesDelta, ServiceTables, Tables } from '@weir/core/tables/tables.js'
export declare const noServices: ServiceTables
export declare const unchangedServices: ServicesDelta
export declare const emptyTables: Tables
//# sourceMappingURL=empty-tables.d.ts.map
