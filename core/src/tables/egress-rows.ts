/**
 * What becomes of a pod's packets to a block of destinations outside the cluster:
 *
 * - `steer`: they go to the gateway, another node
 * - `translate`: this node is the gateway; they leave with the egress address
 * - `noGateway`: they are dropped, as no node is the gateway, or it has no address of the family
 * - `noAddress`: this node is the gateway and drops them, as it has no address to send them with
 * - `pass`: they leave as if there were no gateway: a hole in a wider block
 */
export type EgressAction = 'steer' | 'translate' | 'noGateway' | 'noAddress' | 'pass'

/** Of the rows of one source the one with the longest prefix holds. */
export interface EgressRow {
  /** A pod's address, canonical text. */
  readonly source: string
  /** Destinations, of the source's family. */
  readonly prefix: string
  readonly action: EgressAction
  /** The CiliumEgressGatewayPolicy that decides; '' for a hole. */
  readonly policy: string
  /** The node; '' where there is none. */
  readonly gateway: string
  /** For `steer`: the node's address; '' else. */
  readonly gatewayAddress: string
  /** For `translate`: what the packets leave with; '' else. */
  readonly egressAddress: string
}

/** Destinations that see pods' own addresses. */
export interface NonMasqueradeRow {
  readonly prefix: string
  /** Who says so: `native routing`, `ip-masq`, `link-local`, or `pods of NODE`; the first of them in this order. */
  readonly why: string
}

/** A device of this node's own and the addresses that pods' traffic leaves it with. */
export interface MasqueradeRow {
  readonly ifindex: number
  readonly ifname: string
  /** Absent where this family isn't masqueraded; '' where it is and the device has no address to do it with. */
  readonly ipv4?: string
  readonly ipv6?: string
}

/** `10.0.0.1 192.0.2.0/24` */
export const egressKey = (source: string, prefix: string): string => `${source} ${prefix}`
