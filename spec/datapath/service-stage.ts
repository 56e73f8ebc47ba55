import {
  type Call,
  createMemoryBackend,
  type MapName,
  type MemoryBackendHandle,
  ServiceReconciler,
} from '@weir/datapath'
import { type Endpoint, ServiceCluster, type ServiceOf } from './service-cluster.js'

export const web: ServiceOf = { name: 'web', clusterIps: ['10.96.0.1', 'fd96::1'], nodePort: 30080 }
export const dns: ServiceOf = {
  name: 'dns',
  clusterIps: ['10.96.0.2', 'fd96::2'],
  port: 53,
  protocol: 'UDP',
  targetPort: 53,
}
export const two: readonly Endpoint[] = ['10.1.0.1', '10.1.0.2', 'fd01::1', 'fd01::2'].map(address => ({ address }))

/** Nanoseconds, as the stages' programs see them. */
export const clock = { now: 1n }

export interface Stage {
  readonly backend: MemoryBackendHandle
  readonly cluster: ServiceCluster
  readonly reconciler: ServiceReconciler
}

const small = { weir_slots: 4096, weir_backends4: 1024, weir_backends6: 1024 }

/** Services with endpoints, in the maps of a memory backend. */
export async function stage(
  services: readonly ServiceOf[],
  endpoints: readonly Endpoint[] = two,
  maxEntries: Partial<Record<MapName, number>> = {},
): Promise<Stage> {
  const backend = createMemoryBackend({ maxEntries: { ...small, ...maxEntries }, now: () => clock.now })
  const cluster = new ServiceCluster(['10.0.0.9', 'fd00::9'])
  for (const service of services) {
    cluster.service(service)
    cluster.endpoints(service, endpoints)
  }
  const reconciler = new ServiceReconciler(backend)
  await reconciler.start(cluster.engine.tables)
  return { backend, cluster, reconciler }
}

export const tcp = (address: string, port: number, more: Partial<Call> = {}): Call => ({
  family: address.includes(':') ? 6 : 4,
  protocol: 'TCP',
  address,
  port,
  socket: 1,
  ...more,
})
export const udp = (address: string, port: number, more: Partial<Call> = {}): Call =>
  tcp(address, port, { protocol: 'UDP', ...more })
export const connect = ({ backend }: Stage, call: Call) =>
  backend.runSocket(call.family === 4 ? 'weir_connect4' : 'weir_connect6', call)
export const addressesOf = (at: Stage, call: Call, times = 60): ReadonlySet<string> =>
  new Set(
    Array.from({ length: times }, (_, index) => connect(at, { ...call, socket: index + 1 }))
      .filter(({ allowed }) => allowed)
      .map(({ address, port }) => `${address} ${port}`),
  )
