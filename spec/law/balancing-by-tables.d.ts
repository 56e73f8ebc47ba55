import type { Tables } from '@weir/core/tables/tables.js'
import type { OracleBackend, OracleFrontend } from '../oracle/services.js'
/** What the numbered tables say, in the oracle's words. Throws where a number stands for nothing. */
export declare function balancingByTables({ frontends, selections, backends }: Tables): {
  readonly frontends: readonly OracleFrontend[]
  readonly backends: readonly OracleBackend[]
}
/** In one order, for comparing. */
export declare const sorted: <
  Row extends {
    readonly at: string
  },
>(
  rows: readonly Row[],
) => readonly Row[]
//# sourceMappingURL=balancing-by-tables.d.ts.map
