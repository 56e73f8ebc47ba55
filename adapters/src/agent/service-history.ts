import { type BackendState, type Engine, type FrontendRow, objectKey, type WeirEvent } from '@weir/core'
import { socketText } from '@weir/core/service/backend-text.js'
import type { EventLog } from '@weir/store'
import { type EventSource, sourceOfEvent } from './event-source.js'
import { engineAtBase } from './log-base.js'
import { restoreEngine } from './restore.js'

/** An endpoint of a service's port at some event. */
export interface PastBackend {
  readonly state: BackendState
  readonly weight: number
  /** The frontends that led to it, and for whom: `clusterIp internal`. */
  readonly chosenBy: readonly string[]
  /** '' where nobody said. */
  readonly pod: string
  readonly node: string
}

/** What one event changed of a service on the log's node. */
export interface ServiceChange extends EventSource {
  readonly seq: number
  readonly time: number
  readonly kind: WeirEvent['kind']
  /** By `10.0.0.1:8080/TCP` and port name; absent before: it came; absent after: it went. */
  readonly backends: readonly {
    readonly backend: string
    readonly portName: string
    readonly before?: PastBackend
    readonly after?: PastBackend
  }[]
  /** `clusterIp internal 10.96.0.1:80/TCP`; one that a local redirect takes is gone meanwhile. */
  readonly frontends: { readonly came: readonly string[]; readonly went: readonly string[] }
}

/**
 * Every change of a service's frontends and backends in the log, event by event, told as the log is read.
 *
 * @param service `namespace/name`
 * @param range first and last event to tell of; what was before the first is what the first changes
 */
export async function* serviceHistory(
  log: EventLog,
  service: string,
  { from = log.base.seq + 1, to = log.head.seq }: { readonly from?: number; readonly to?: number } = {},
): AsyncGenerator<ServiceChange> {
  const engine = from > 1 ? (await restoreEngine(log, () => {}, from - 1)).engine : await engineAtBase(log)
  let before = pastOf(engine, service)
  for await (const batch of log.read({ from, to }))
    for (const event of batch) {
      engine.fold([event])
      if (!mayConcern(event, service, engine.state.localRedirects.size)) continue
      const after = pastOf(engine, service)
      const change = changeOf(event, before, after)
      before = after
      if (change !== undefined) yield change
    }
}

interface Past {
  readonly backends: ReadonlyMap<string, PastBackend>
  readonly frontends: ReadonlySet<string>
}

/**
 * Whether an event can change anything of a service, `namespace/name`; most can't, and tables needn't be settled for
 * them.
 */
export function mayConcern(event: WeirEvent, service: string, redirects: number): boolean {
  const namespace = service.slice(0, service.indexOf('/'))
  switch (event.kind) {
    // Others may take an address from it, or give it back.
    case 'service.upserted':
    case 'service.deleted':
      return true
    case 'endpointslice.upserted':
      return event.slice.namespace === namespace
    case 'endpointslice.deleted':
      return event.namespace === namespace
    case 'localredirect.upserted':
    case 'localredirect.deleted':
    case 'backend.checked':
    case 'backend.configured':
    case 'agent.configured':
    case 'node.upserted':
    case 'node.deleted':
      return true
    // A local redirect is there as long as a pod of the node can serve it.
    case 'pod.upserted':
    case 'pod.deleted':
    case 'endpoint.attached':
    case 'endpoint.detached':
      return redirects > 0
    default:
      return false
  }
}

function pastOf(engine: Engine, service: string): Past {
  const backends = new Map<string, PastBackend>()
  const frontends = new Set<string>()
  if (!engine.state.services.has(service)) return { backends, frontends }
  for (const [, row] of engine.tables.frontends) {
    if (!isOf(row, service)) continue
    frontends.add(`${row.kind} ${row.scope} ${socketText(row.address, row.port, row.protocol)}`)
    for (const { backend, endpoint, weight, isChosen } of engine.frontendCandidates(row)) {
      const key = `${socketText(backend.address, backend.port, backend.protocol)} ${row.portName}`
      const { pod = '', node = '' } = endpoint
      const by = [...(backends.get(key)?.chosenBy ?? []), ...(isChosen ? [`${row.kind} ${row.scope}`] : [])]
      backends.set(key, { state: backend.state, weight, chosenBy: [...new Set(by)].sort(), pod, node })
    }
  }
  return { backends, frontends }
}

const isOf = ({ kind, namespace, name }: FrontendRow, service: string): boolean =>
  kind !== 'hostPort' && kind !== 'localRedirect' && objectKey(namespace, name) === service

function changeOf(event: WeirEvent, before: Past, after: Past): ServiceChange | undefined {
  const keys = [...new Set([...before.backends.keys(), ...after.backends.keys()])].sort()
  const backends = keys.flatMap(key => {
    const [was, is] = [before.backends.get(key), after.backends.get(key)]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    const [backend = '', portName = ''] = key.split(' ')
    return [{ backend, portName, ...(was && { before: was }), ...(is && { after: is }) }]
  })
  const came = [...after.frontends].filter(each => !before.frontends.has(each)).sort()
  const went = [...before.frontends].filter(each => !after.frontends.has(each)).sort()
  if (backends.length + came.length + went.length === 0) return undefined
  const { seq, time, kind } = event
  return { seq, time, kind, ...sourceOfEvent(event), backends, frontends: { came, went } }
}
