import type { PolicyRemarks } from './event.js'
import type { PortRange } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'

/** The predefined peers of a Cilium policy, as it writes them. */
export type Entity =
  | 'all'
  | 'world'
  | 'world-ipv4'
  | 'world-ipv6'
  | 'cluster'
  | 'host'
  | 'remote-node'
  | 'kube-apiserver'
  | 'init'
  | 'health'
  | 'unmanaged'
  | 'ingress'
  | 'none'

/** A block of addresses, or a reference to blocks that CiliumCIDRGroup objects list. Exactly one of the three. */
export type CidrSource =
  | { readonly kind: 'cidr'; readonly cidr: string; readonly except: readonly string[] }
  | { readonly kind: 'group'; readonly name: string; readonly except: readonly string[] }
  | { readonly kind: 'groups'; readonly selector: LabelSelector; readonly except: readonly string[] }

/** A DNS name, or a pattern in which `*` stands within one label and a leading `**.` for any number of labels. */
export type FqdnSelector = { readonly name: string } | { readonly pattern: string }

/** Services by name, or by labels; a selector's namespace of '' stands for all of them. */
export type ServiceReference =
  | { readonly kind: 'name'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'selector'; readonly namespace: string; readonly selector: LabelSelector }

/**
 * The peers of one rule; kinds don't mix. A list that is there and empty selects nobody; no peers at all (`undefined`
 * where this type is used) selects everybody. Selectors are as written: compiling confines them to the namespace.
 */
export type CiliumPeers =
  | { readonly kind: 'endpoints'; readonly selectors: readonly LabelSelector[] }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly CidrSource[] }
  | { readonly kind: 'entities'; readonly entities: readonly Entity[] }
  | { readonly kind: 'nodes'; readonly selectors: readonly LabelSelector[] }
  | { readonly kind: 'services'; readonly services: readonly ServiceReference[] }
  | { readonly kind: 'fqdns'; readonly fqdns: readonly FqdnSelector[] }

export interface HeaderMatch {
  readonly name: string
  readonly value?: string
  readonly mismatch: 'reject' | 'LOG' | 'ADD' | 'DELETE' | 'REPLACE'
  /** The Kubernetes Secret that holds the value; a namespace of '' is the policy's own. */
  readonly secret?: SecretReference
}

export interface SecretReference {
  readonly namespace: string
  readonly name: string
}

/** Absent fields match everything; path, method and host are anchored regular expressions. */
export interface HttpRule {
  readonly path?: string
  readonly method?: string
  readonly host?: string
  /** `Name: value`, or `Name` that must be there. */
  readonly headers: readonly string[]
  readonly headerMatches: readonly HeaderMatch[]
}

export interface KafkaRule {
  readonly role?: 'produce' | 'consume'
  readonly apiKey?: string
  readonly apiVersion?: string
  readonly clientId?: string
  readonly topic?: string
}

/** What a proxy must find in the traffic; a list that is there and empty finds everything. */
export type L7Rules =
  | { readonly kind: 'http'; readonly http: readonly HttpRule[] }
  | { readonly kind: 'kafka'; readonly kafka: readonly KafkaRule[] }
  | { readonly kind: 'dns'; readonly dns: readonly FqdnSelector[] }
  /** `l7proto`: a parser that a proxy knows by this name, and its own key–value rules. */
  | {
      readonly kind: 'generic'
      readonly protocol: string
      readonly rules: readonly Readonly<Record<string, string>>[]
    }

/** Where a proxy finds keys and certificates for TLS. */
export interface TlsContext {
  readonly secret: SecretReference
  readonly trustedCa?: string
  readonly certificate?: string
  readonly privateKey?: string
}

/** One entry of `toPorts`. */
export interface CiliumPortRule {
  /**
   * ANY is written out as TCP, UDP and SCTP; port 0 as all ports; VRRP and IGMP, which have no ports, as 0..65535.
   * Never both empty: an entry without ports is refused.
   */
  readonly ranges: readonly PortRange[]
  readonly named: readonly { readonly name: string; readonly protocol: number }[]
  readonly l7?: L7Rules
  /** TLS server names that the connection must ask for. */
  readonly serverNames: readonly string[]
  /** `config` is `CiliumEnvoyConfig/name` or `CiliumClusterwideEnvoyConfig/name`. */
  readonly listener?: { readonly name: string; readonly config?: string; readonly priority?: number }
  /** True when TLS is to be taken apart or put together: one of the next two is there. Carried for the proxy. */
  readonly tls?: boolean
  /** How the proxy answers the client. */
  readonly terminatingTls?: TlsContext
  /** How the proxy speaks to the server. */
  readonly originatingTls?: TlsContext
}

/**
 * One entry of ingress, ingressDeny, egress or egressDeny. An entry with neither `peers`, `ports` nor `icmps` selects
 * nobody: `ingress: [{}]` isolates and allows nothing. Without `peers` but with `ports` or `icmps` it is everybody.
 */
export interface CiliumDirectionRule {
  /** `spec.ingress[0]`, `specs[1].egressDeny[2]` */
  readonly path: string
  readonly peers?: CiliumPeers
  /** Absent (also for `toPorts: []`): every protocol and port. */
  readonly ports?: readonly CiliumPortRule[]
  /** ICMP types, protocol 1 or 58, as ranges of `type << 8 | code`; excludes `ports`. */
  readonly icmps?: readonly PortRange[]
  readonly authentication?: 'disabled' | 'required' | 'test-always-fail'
}

/** `spec`, or one of `specs`. A section is absent when it isn't there or empty. */
export interface CiliumRule {
  /** `spec`, `specs[0]` */
  readonly path: string
  readonly subject:
    | { readonly kind: 'endpoints'; readonly selector: LabelSelector }
    | { readonly kind: 'nodes'; readonly selector: LabelSelector }
  readonly description?: string
  /** Absent directions isolate when they have a section. */
  readonly enableDefaultDeny: { readonly ingress?: boolean; readonly egress?: boolean }
  readonly logValue?: string
  /** `source:key=value`, sorted; they name the rule and select nothing. */
  readonly labels?: readonly string[]
  readonly ingress?: readonly CiliumDirectionRule[]
  readonly ingressDeny?: readonly CiliumDirectionRule[]
  readonly egress?: readonly CiliumDirectionRule[]
  readonly egressDeny?: readonly CiliumDirectionRule[]
}

/** cilium.io/v2, validated. Label keys have lost the sources `k8s:` and `any:`; other sources stay (`reserved:host`). */
export interface CiliumPolicyFact extends PolicyRemarks {
  readonly kind: 'CiliumNetworkPolicy' | 'CiliumClusterwideNetworkPolicy'
  /** '' when clusterwide. */
  readonly namespace: string
  readonly name: string
  readonly rules: readonly CiliumRule[]
}

/** cilium.io/v2 CiliumCIDRGroup. */
export interface CidrGroupFact {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly cidrs: readonly string[]
}
