import type { Engine, Tables } from '@weir/core'
import type { EventLog } from '@weir/store'
import { buildVersion } from '../version.js'
import type { Datapath } from './datapath.js'
import { leavingView } from './egress-views.js'
import type { HostDevices } from './host-devices.js'
import { hostView } from './host-view.js'
import type { StatusReport } from './protocol.js'

/** What a report is made of: the parts of an agent, and what it counts itself. */
export interface StatusParts
  extends Pick<
    StatusReport,
    'node' | 'startedAt' | 'routing' | 'intake' | 'reconcile' | 'health' | 'sources' | 'flows'
  > {
  readonly nowMs: number
  readonly log: EventLog
  /** Sequence of the newest snapshot. */
  readonly snapshot: number
  readonly engine: Engine
  readonly datapath: Datapath
  readonly devices: HostDevices | undefined
}

/** GET /v1/status */
export async function statusReport(parts: StatusParts): Promise<StatusReport> {
  const { nowMs, log, snapshot, engine, datapath, devices, ...told } = parts
  const maps = await datapath.fills()
  const { tables } = engine
  return {
    ...told,
    version: buildVersion,
    pid: process.pid,
    uptimeMs: nowMs - told.startedAt,
    log: { folder: log.location, head: log.head.seq, snapshot },
    digest: engine.digest(),
    backend: { kind: datapath.kind, ...datapath.figures(), maps },
    host: hostView(
      engine,
      devices?.current ?? [],
      datapath.attachments(),
      device => datapath.backend.xdpAt(device),
      devices?.problem,
    ),
    leaving: leavingView(tables),
    tables: tableSizes(tables),
    frontendConflicts: engine.frontendConflicts().length,
  }
}

/** How many rows each table has. */
export const tableSizes = (tables: Tables): StatusReport['tables'] => ({
  addresses: tables.addresses.size,
  prefixes: tables.prefixes.size,
  endpoints: tables.endpoints.size,
  cells: tables.cells.size,
  rows: tables.rows.size,
  frontends: tables.frontends.size,
  selections: tables.selections.size,
  backends: tables.backends.size,
  egressRules: tables.egressRules.size,
  nonMasquerade: tables.nonMasquerade.size,
  masquerade: tables.masquerade.size,
})
