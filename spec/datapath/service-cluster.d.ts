import { Engine, type EventBody, type TablesDelta } from '@weir/core'
/** An endpoint of a service, by what the tests say of it. */
export interface Endpoint {
  readonly address: string
  readonly ready?: boolean
  readonly terminating?: boolean
}
export interface ServiceOf {
  readonly name: string
  readonly clusterIps: readonly string[]
  readonly port?: number
  readonly nodePort?: number
  readonly protocol?: 'TCP' | 'UDP'
  readonly targetPort?: number
  readonly affinitySeconds?: number
}
/** An engine that is told of services in few words. */
export declare class ServiceCluster {
  readonly engine: Engine
  constructor(nodeAddresses?: readonly string[])
  tell(...bodies: readonly EventBody[]): TablesDelta
  service(service: ServiceOf): TablesDelta
  /** All endpoints of the service, in one family each. */
  endpoints(service: ServiceOf, endpoints: readonly Endpoint[]): TablesDelta
}
export declare function serviceBody(service: ServiceOf): EventBody
export declare function sliceBody(service: ServiceOf, part: string, endpoints: readonly Endpoint[]): EventBody
//# sourceMappingURL=service-cluster.d.ts.map
