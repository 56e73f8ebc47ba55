import { type BackendRow, type Engine, type FrontendRow, objectKey } from '@weir/core'
import { backendTargetText, socketText } from '@weir/core/service/backend-text.js'
import type { BackendView, FrontendView, ServiceView } from './protocol.js'

/** Every service with its frontends. */
export function serviceViews(engine: Engine): ServiceView[] {
  const { state } = engine
  const frontends = frontendsByService(engine)
  const endpoints = new Map<string, { active: Set<string>; all: Set<string> }>()
  for (const view of backendViews(engine)) {
    const key = objectKey(view.namespace, view.name)
    const counted = endpoints.get(key) ?? { active: new Set(), all: new Set() }
    endpoints.set(key, counted)
    counted.all.add(view.address)
    if (view.state === 'active' && view.weight > 0) counted.active.add(view.address)
  }
  const conflicts = engine.frontendConflicts()
  return [...state.services].map(([key, { fact, seq }]) => ({
    ...fact,
    seq,
    frontends: (frontends.get(key) ?? []).map(row => frontendView(engine, row)),
    endpoints: { active: endpoints.get(key)?.active.size ?? 0, all: endpoints.get(key)?.all.size ?? 0 },
    conflicts: conflicts.filter(({ winner, losers }) =>
      [winner, ...losers].some(
        ({ kind, namespace, name }) => isOfService(kind) && namespace === fact.namespace && name === fact.name,
      ),
    ),
  }))
}

/** Every endpoint of a service that has frontends, port by port. */
export function backendViews(engine: Engine): BackendView[] {
  const { state, tables } = engine
  const rows = new Map<string, BackendRow>()
  for (const [, row] of tables.backends) rows.set(socketText(row.address, row.port, row.protocol), row)
  const views = new Map<string, BackendView>()
  for (const [, { fact: slice }] of state.endpointSlices) {
    const service = state.services.get(objectKey(slice.namespace, slice.service))?.fact
    for (const { name: portName, protocol, port } of slice.ports) {
      if (service?.ports.some(each => each.name === portName && each.protocol === protocol) !== true) continue
      for (const { addresses, node = '', pod } of slice.endpoints) {
        const socket = socketText(addresses[0] ?? '', port, protocol)
        const row = rows.get(socket)
        if (row === undefined) continue
        const { address, state: of, local, zone } = row
        const target = { kind: 'pod', namespace: slice.namespace, name: pod ?? '' } as const
        const told = state.backends.get(socket) ?? state.backends.get(backendTargetText(target))
        views.set(`${slice.namespace}/${slice.service} ${portName} ${socket}`, {
          namespace: slice.namespace,
          name: slice.service,
          portName,
          address,
          port,
          protocol,
          state: of,
          weight: told === undefined ? 1 : told.fact.state === 'active' ? (told.fact.weight ?? 1) : 0,
          local,
          node,
          zone,
          pod: pod ?? '',
          causes: engine.backendCauses(row),
        })
      }
    }
  }
  return [...views].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view)
}

const isOfService = (kind: FrontendRow['kind']): boolean => kind !== 'hostPort' && kind !== 'localRedirect'

function frontendsByService({ tables }: Engine): ReadonlyMap<string, readonly FrontendRow[]> {
  const found = new Map<string, FrontendRow[]>()
  for (const [, row] of tables.frontends) {
    if (!isOfService(row.kind)) continue
    const key = objectKey(row.namespace, row.name)
    const there = found.get(key)
    if (there === undefined) found.set(key, [row])
    else there.push(row)
  }
  return found
}

function frontendView(engine: Engine, row: FrontendRow): FrontendView {
  const { namespace: _, name: __, selection, fromBackends: ___, ...rest } = row
  const { selections, backends } = engine.tables
  const members = selections.get(selection)?.backends ?? []
  return {
    ...rest,
    backends: members.flatMap(number => {
      const backend = backends.get(number)
      return backend === undefined ? [] : [socketText(backend.address, backend.port, backend.protocol)]
    }),
    causes: engine.frontendCauses(row),
  }
}
