import type { Protocol } from '../policy/rule.js'

/**
 * Who looks: pods and nodes of the cluster, or everybody else. The two see other backends where a traffic policy is
 * Local, and cluster addresses are there for the first only.
 */
export type FrontendScope = 'internal' | 'external'

/** What a frontend is, in the order in which one address and port goes to one of several that claim it. */
export const frontendKinds = [
  'clusterIp',
  'loadBalancer',
  'externalIp',
  'nodePort',
  'hostPort',
  'localRedirect',
] as const
export type FrontendKind = (typeof frontendKinds)[number]

/** An address, port and protocol that stands for backends. */
export interface FrontendRow {
  /** Canonical text. */
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly scope: FrontendScope
  readonly kind: FrontendKind
  /** Of the Service; of the Pod for a host port; of the CiliumLocalRedirectPolicy for a local redirect. */
  readonly namespace: string
  readonly name: string
  readonly portName: string
  /** Where new connections go. */
  readonly selection: number
  /** How long a client keeps its backend; 0: no affinity. */
  readonly affinitySeconds: number
  /** By traffic policy the members are of this node only, and see the client's own address. */
  readonly local: boolean
  /** Blocks that clients must come from, possibly none; absent: from anywhere. */
  readonly sourceRanges?: readonly string[]
  /**
   * Of a local redirect that spares its own backends: where their traffic to this frontend goes, 0 for traffic that is
   * left as it is. Absent: they are redirected as everybody.
   */
  readonly fromBackends?: number
}

/**
 * Backends that new connections are spread over. Immutable and content-addressed: equal members, equal number, so that
 * frontends share it. Without members a connection is refused at once. A number is not used again for other members
 * while any table refers to it or in the delta that removed it.
 */
export interface SelectionRow {
  readonly selection: number
  /** Numbers of the members, rising. */
  readonly backends: readonly number[]
  /** Their shares of new connections, 1..65535, in the same order; absent: all have the same. */
  readonly weights?: readonly number[]
}

/**
 * `active` ones may get new connections. All others only keep those that they have: `unhealthy` until a check of their
 * service succeeds (and new ones while all are), `notReady` until they are ready,
 * `terminating` until they are gone (and as a last resort new ones, while they serve), `quarantined` and `maintenance`
 * until that is taken back.
 */
export type BackendState = 'active' | 'unhealthy' | 'notReady' | 'terminating' | 'quarantined' | 'maintenance'

/** An address and port that serves. Its number is its own as long as it is in the table. */
export interface BackendRow {
  readonly backend: number
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** True when it is on this node. */
  readonly local: boolean
  readonly state: BackendState
  /** '' when nobody said. */
  readonly zone: string
}

/** `TCP 10.96.0.1 443 internal` */
export const frontendKey = (address: string, port: number, protocol: Protocol, scope: FrontendScope): string =>
  `${protocol} ${address} ${port} ${scope}`
