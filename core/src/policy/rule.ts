import type { LabelSelector } from './selector.js'

export type Direction = 'ingress' | 'egress'
export type Protocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6'
export type Family = 4 | 6

/** IANA protocol numbers. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { ICMP: 1, TCP: 6, UDP: 17, ICMPv6: 58, SCTP: 132 }

/** An inclusive range of one protocol: ports, or `type << 8 | code` for ICMP and ICMPv6. */
export interface PortRange {
  readonly protocol: number
  readonly first: number
  readonly last: number
}

/** Ports by number, and ports by name that the destination pod resolves. `'any'`: every protocol and port. */
export type PortSet =
  | 'any'
  | {
      readonly ranges: readonly PortRange[]
      readonly named: readonly { readonly name: string; readonly protocol: number }[]
    }

/** Whom a rule talks about. `labels` matches endpoints by labels; `cidr` matches by address. */
export type PeerSelector =
  | { readonly kind: 'labels'; readonly selector: LabelSelector }
  | {
      readonly kind: 'cidr'
      readonly cidr: string
      readonly except: readonly string[]
      /** `any`: whoever owns the address (NetworkPolicy ipBlock); `outside`: only addresses outside the cluster. */
      readonly scope: 'any' | 'outside'
    }

/** Tiers in the order in which they decide. */
export type Tier = 'admin' | 'namespaced' | 'baseline'

/** Where a rule comes from: the policy, the place in it, and the event that brought this version of it. */
export interface Origin {
  /** `NetworkPolicy default/deny-all` */
  readonly policy: string
  /** `spec.ingress[0]`; for the isolation of a direction, `spec.policyTypes`. Built-in rules have a sentence here. */
  readonly path: string
  readonly seq: number
}

/**
 * The one form that every dialect compiles to. Within a tier rules decide by `order`, lowest first: first match wins.
 * In the namespaced tier denies have order 0, allows 1, built-in allowances 2, isolation 3.
 */
export interface Rule {
  readonly tier: Tier
  readonly order: number
  readonly subject: LabelSelector
  readonly direction: Direction
  readonly action: 'allow' | 'deny' | 'pass'
  readonly peers: 'any' | readonly PeerSelector[]
  readonly ports: PortSet
  readonly origin: Origin
}
