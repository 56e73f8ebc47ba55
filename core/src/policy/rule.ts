import type { CiliumPortRule, L7Rules, TlsContext } from '../event/cilium.js'
import type { AddressSource } from './address-source.js'
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

/** Whose addresses a block means: everybody's (NetworkPolicy ipBlock), or those outside the cluster and whom it adds. */
export type AddressScope = 'any' | 'outside' | 'outside-and-nodes' | 'outside-and-pods'

/**
 * Whom a rule talks about. `labels` matches pods and nodes by labels; `cidr` by address; `set` by addresses that come
 * and go without the rule being written anew, less those in `except`.
 */
export type PeerSelector =
  | { readonly kind: 'labels'; readonly selector: LabelSelector }
  | {
      readonly kind: 'cidr'
      readonly cidr: string
      readonly except: readonly string[]
      readonly scope: AddressScope
    }
  | {
      readonly kind: 'set'
      readonly source: AddressSource
      /** The members at one time, as `Engine.rules` fills them in; empty in what a policy compiles to. */
      readonly cidrs: readonly string[]
      readonly except: readonly string[]
      readonly scope: AddressScope
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
 * What an allowance leaves to a proxy to find in the traffic. Until a proxy runs such an allowance lets nothing pass;
 * beside one that asks for nothing it has nothing to add.
 */
export interface ProxyDemand {
  readonly rules?: L7Rules
  /** TLS server names, one of which the connection must ask for. */
  readonly serverNames?: readonly string[]
  readonly listener?: NonNullable<CiliumPortRule['listener']>
  /** TLS is to be taken apart or put together. */
  readonly tls?: true
  readonly terminatingTls?: TlsContext
  readonly originatingTls?: TlsContext
  readonly authentication?: 'required' | 'test-always-fail'
}

/** Orders of the namespaced tier. An allowance with a proxy's demand comes after the plain ones and the built-in. */
export const namespacedOrders = { deny: 0, allow: 1, builtin: 2, proxied: 2, isolation: 3 } as const

/** In the admin and the baseline tier `order` is priority × this + the place of the rule in its policy. */
export const ordersPerPriority = 100_000

/**
 * The one form that every dialect compiles to. Within a tier rules decide by `order`, lowest first: first match wins,
 * see `compareRules`.
 */
export interface Rule {
  readonly tier: Tier
  readonly order: number
  readonly subject: LabelSelector
  readonly direction: Direction
  readonly action: 'allow' | 'deny' | 'pass'
  readonly peers: 'any' | readonly PeerSelector[]
  readonly ports: PortSet
  /** Only on an allowance; absent: nothing is asked of the traffic. */
  readonly l7?: ProxyDemand
  readonly origin: Origin
}
