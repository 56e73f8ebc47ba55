import type { SliceEndpoint } from '@weir/core/event/service.js'
import { cidrContains, parseAddress } from './address.js'
import type { OracleCluster } from './cluster.js'

/** Who sends: pods and nodes of the cluster, or everybody else. */
export type Scope = 'internal' | 'external'

/** What an address, port and protocol does with a new connection. */
export interface OracleFrontend {
  /** `10.96.0.1 80 TCP internal` */
  readonly at: string
  readonly kind: Kind
  /** `namespace/name` of the service, pod or redirect. */
  readonly owner: string
  readonly portName: string
  /** `10.0.0.1 8080 TCP *1`, sorted; none: refused at once. */
  readonly members: readonly string[]
  readonly affinitySeconds: number
  readonly local: boolean
  readonly sourceRanges?: readonly string[]
  /** Where a redirect sends what its own backends send; absent: as everybody. `untouched`: it is left alone. */
  readonly ofBackends?: readonly string[] | 'untouched'
}

export interface OracleBackend {
  /** `10.0.0.1 8080 TCP` */
  readonly at: string
  readonly local: boolean
  readonly zone: string
  readonly state: 'active' | 'unhealthy' | 'notReady' | 'terminating' | 'quarantined' | 'maintenance'
}

/** In the order in which they win. */
export const kinds = ['clusterIp', 'loadBalancer', 'externalIp', 'nodePort', 'hostPort', 'localRedirect'] as const
export type Kind = (typeof kinds)[number]

/** One endpoint of one port, as a service or pod looks at it. */
export interface Seen {
  readonly address: string
  readonly port: number
  readonly protocol: string
  readonly endpoint: SliceEndpoint
  /** `namespace/name`, or '' */
  readonly pod: string
  /** Known to be on this node, whatever the endpoint says. */
  readonly here?: true
  /** Its service has it tried, and that failed last. */
  readonly failed?: boolean
}

export interface Claim extends OracleFrontend {
  readonly place: string
  readonly scope: Scope
}

export const isSix = (address: string): boolean => address.includes(':')

export const sameFamily =
  (address: string) =>
  (seen: Seen): boolean =>
    isSix(seen.address) === isSix(address)

export function isHere(cluster: OracleCluster, { endpoint, here }: Seen): boolean {
  return (
    here === true ||
    (cluster.agent !== undefined && endpoint.node !== undefined && endpoint.node === cluster.agent.node)
  )
}

const ownNode = (cluster: OracleCluster) => cluster.nodes.find(({ name }) => name === cluster.agent?.node)

export const zoneOf = (cluster: OracleCluster): string => ownNode(cluster)?.labels['topology.kubernetes.io/zone'] ?? ''

export function nodePortAddresses(cluster: OracleCluster): readonly string[] {
  const blocks = cluster.agent?.nodePortAddresses
  const own = ownNode(cluster)?.addresses ?? []
  if (blocks === undefined) return own
  return own.filter(address => blocks.some(block => cidrContains(block, parseAddress(address))))
}
