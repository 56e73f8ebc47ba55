import type { Tables } from '@weir/core/tables/tables.js'
import type { BackendRow } from '@weir/core/tables/service-rows.js'
import type { OracleBackend, OracleFrontend } from './balancing.js'

const placeOf = ({ address, port, protocol }: { address: string; port: number; protocol: string }): string =>
  `${address} ${port} ${protocol}`

/** What the numbered tables say, in the oracle's words. Throws where a number stands for nothing. */
export function balancingByTables({ frontends, selections, backends }: Tables): {
  readonly frontends: readonly OracleFrontend[]
  readonly backends: readonly OracleBackend[]
} {
  const known = (number: number): BackendRow => {
    const row = backends.get(number)
    if (row === undefined || row.backend !== number) throw new Error(`no backend ${number}`)
    return row
  }
  const membersOf = (number: number): readonly string[] => {
    const row = selections.get(number)
    if (row === undefined || row.selection !== number) throw new Error(`no selection ${number}`)
    return row.backends.map((backend, at) => `${placeOf(known(backend))} *${row.weights?.[at] ?? 1}`).sort()
  }
  return {
    frontends: [...frontends].map(([, row]) => ({
      at: `${placeOf(row)} ${row.scope}`,
      kind: row.kind,
      owner: `${row.namespace}/${row.name}`,
      portName: row.portName,
      members: membersOf(row.selection),
      affinitySeconds: row.affinitySeconds,
      local: row.local,
      ...(row.sourceRanges && { sourceRanges: row.sourceRanges }),
      ...(row.fromBackends !== undefined && {
        ofBackends: row.fromBackends === 0 ? ('untouched' as const) : membersOf(row.fromBackends),
      }),
    })),
    backends: [...backends].map(([, row]) => ({
      at: placeOf(row),
      local: row.local,
      zone: row.zone,
      state: row.state,
    })),
  }
}

const byPlace = (a: { readonly at: string }, b: { readonly at: string }): number =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : 0

/** In one order, for comparing. */
export const sorted = <Row extends { readonly at: string }>(rows: readonly Row[]): readonly Row[] =>
  [...rows].sort(byPlace)
