import type { LabelSelector } from '../policy/selector.js'

/** Pods that all of this selects; an absent selector selects every one. At least one of the first two is there. */
export interface EgressSelector {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  /** Of the nodes that run them. */
  readonly nodeSelector?: LabelSelector
}

/** A node that traffic leaves by, and the address that it leaves with. */
export interface EgressGateway {
  /** Of the nodes that it selects the first by name is the gateway. */
  readonly nodeSelector: LabelSelector
  /** Its first address is the one to leave with; never beside `egressIp`. */
  readonly interface?: string
  /** Canonical text. Without it and `interface`: the first address of the interface with the default route. */
  readonly egressIp?: string
}

/** cilium.io/v2 CiliumEgressGatewayPolicy, validated. Lists are ORed. */
export interface EgressGatewayPolicyFact {
  readonly name: string
  readonly selectors: readonly EgressSelector[]
  /** Canonical, sorted. */
  readonly destinationCidrs: readonly string[]
  /** Holes in those of the blocks above that are as wide or wider. */
  readonly excludedCidrs: readonly string[]
  /** In the order of the manifest, at least one. */
  readonly gateways: readonly EgressGateway[]
}

/** What ip-masq-agent's configuration asks for, defaults applied. */
export interface IpMasqFact {
  /** Destinations that see the pods' own addresses; canonical, sorted. */
  readonly nonMasqueradeCidrs: readonly string[]
  readonly masqLinkLocal: boolean
  readonly masqLinkLocalIpv6: boolean
}

/** A network device of this node that isn't a pod's. */
export interface DeviceFact {
  readonly ifindex: number
  readonly ifname: string
  /** The outside reaches the node by it. */
  readonly isOwn: boolean
  readonly hasDefaultRoute: boolean
  /** Canonical text in the kernel's order, without link-local ones: the first of a family is the one to speak with. */
  readonly addresses: readonly string[]
}
