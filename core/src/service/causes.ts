import type { EndpointSliceFact } from '../event/service.js'
import { objectKey, type ClusterState } from '../state/state.js'
import type { BackendRow, FrontendRow } from '../tables/service-rows.js'
import { backendTargetText, socketText } from './backend-text.js'
import type { Services } from './projection.js'

/** The events that brought a frontend and what it leads to, rising. */
export function frontendCauses(row: FrontendRow, state: ClusterState, services: Services): readonly number[] {
  const key = objectKey(row.namespace, row.name)
  const around = [state.nodes.get(state.agent?.fact.node ?? '')?.seq, state.agent?.seq]
  switch (row.kind) {
    case 'hostPort':
      return rising([state.pods.get(key)?.seq, ...around])
    case 'localRedirect': {
      const redirect = state.localRedirects.get(key)
      const frontend = redirect?.fact.frontend
      const service = frontend?.kind === 'service' ? objectKey(row.namespace, frontend.service) : ''
      return rising([redirect?.seq, state.services.get(service)?.seq, ...podsBehind(row, state, services)])
    }
    default: {
      const slices = services.sliceKeysOf(key).map(slice => state.endpointSlices.get(slice)?.seq)
      return rising([state.services.get(key)?.seq, ...slices, ...(row.kind === 'nodePort' ? around : [])])
    }
  }
}

/** The events that brought a backend, and what was said of it, rising. */
export function backendCauses(row: BackendRow, state: ClusterState, services: Services): readonly number[] {
  const seqs: (number | undefined)[] = []
  for (const { unit, endpoint } of services.backends.usesOf(row.address, row.port, row.protocol)) {
    if (unit.kind === 'service') {
      for (const key of services.sliceKeysOf(unit.key)) {
        const slice = state.endpointSlices.get(key)
        if (slice === undefined || !firstAddresses(slice.fact).has(row.address)) continue
        if (slice.fact.ports.some(({ port, protocol }) => port === row.port && protocol === row.protocol))
          seqs.push(slice.seq)
      }
    } else if (endpoint.pod !== undefined) seqs.push(state.pods.get(objectKey(unit.namespace, endpoint.pod))?.seq)
    seqs.push(state.backends.get(socketText(row.address, row.port, row.protocol))?.seq)
    seqs.push(state.failedChecks.get(socketText(row.address, row.port, row.protocol))?.seq)
    if (endpoint.pod !== undefined) {
      const pod = { kind: 'pod', namespace: unit.namespace, name: endpoint.pod } as const
      seqs.push(state.backends.get(backendTargetText(pod))?.seq)
    }
  }
  return rising(seqs)
}

function podsBehind(row: FrontendRow, state: ClusterState, { tables, backends }: Services): (number | undefined)[] {
  const seqs: (number | undefined)[] = []
  for (const number of tables.selections.get(row.selection)?.backends ?? []) {
    const { address, port, protocol } = tables.backends.get(number)!
    for (const { unit, endpoint } of backends.usesOf(address, port, protocol)) {
      if (unit.kind !== 'redirect' || unit.name !== row.name || endpoint.pod === undefined) continue
      seqs.push(state.pods.get(objectKey(unit.namespace, endpoint.pod))?.seq)
    }
  }
  return seqs
}

const addressSets = new WeakMap<EndpointSliceFact, ReadonlySet<string>>()

/** Of each endpoint the address that services use. Kept, as who asks about one backend of many asks about all. */
function firstAddresses(slice: EndpointSliceFact): ReadonlySet<string> {
  let known = addressSets.get(slice)
  if (known === undefined) {
    known = new Set(slice.endpoints.map(({ addresses }) => addresses[0] ?? ''))
    addressSets.set(slice, known)
  }
  return known
}

const rising = (seqs: readonly (number | undefined)[]): readonly number[] =>
  [...new Set(seqs.filter(seq => seq !== undefined))].sort((a, b) => a - b)
