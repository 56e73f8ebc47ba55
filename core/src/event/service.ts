import type { Protocol } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import type { Labels, NamedPort } from './event.js'

export interface ServicePort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
  /** A number, or the name of a container port. */
  readonly targetPort: number | string
  readonly nodePort?: number
}

/** v1 Service, validated. Absent fields stand for Kubernetes' defaults. */
export interface ServiceFact {
  readonly namespace: string
  readonly name: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** `['None']` when headless, empty while none is assigned. */
  readonly clusterIps: readonly string[]
  readonly selector: Labels
  /** Absent: none, or not recorded by whoever wrote the event. `toServices` may ask for them. */
  readonly labels?: Labels
  readonly ports: readonly ServicePort[]
  readonly externalIps?: readonly string[]
  /** Addresses of the load balancer that nodes have to serve (`ipMode: VIP`), not those of a proxy before them. */
  readonly loadBalancerIps?: readonly string[]
  /** How long a client keeps its backend (`sessionAffinity: ClientIP`), 1..86400; absent: no affinity. */
  readonly affinitySeconds?: number
  /** For node ports, external and load balancer addresses: only backends of the node, the client's address stays. */
  readonly externalTrafficPolicy?: 'Local'
  /** For cluster addresses: only backends of the client's node. */
  readonly internalTrafficPolicy?: 'Local'
  /** Blocks from which clients may come to load balancer addresses; absent: from anywhere. */
  readonly loadBalancerSourceRanges?: readonly string[]
  readonly healthCheckNodePort?: number
  readonly publishNotReadyAddresses?: true
  /** How the agent is to try its endpoints; absent: not at all. */
  readonly healthCheck?: HealthCheck
  /** How its endpoints' hints are to be followed, by annotation or `trafficDistribution`; absent: not at all. */
  readonly topology?: 'Auto' | 'PreferClose' | 'PreferSameZone' | 'PreferSameNode'
}

/** How endpoints are tried, by annotations of their service. Only those of TCP ports are. */
export interface HealthCheck {
  /** A connection, or a GET that is answered with a status of 200 to 399. */
  readonly kind: 'tcp' | 'http'
  /** Of `http`: begins with `/`. */
  readonly path?: string
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
  /** How many failures in a row make an endpoint unhealthy, and successes healthy again. */
  readonly failures: number
  readonly successes: number
}

/** What trying an endpoint came to. Until something is said it is taken for healthy. */
export interface BackendCheckFact {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly healthy: boolean
  /** Of the last failure: `ECONNREFUSED`, `status 503`, `timeout`; absent when healthy. */
  readonly reason?: string
}

/** One endpoint of a slice. */
export interface SliceEndpoint {
  /** Of the slice's family, canonical, at least one. They are interchangeable: services use the first. */
  readonly addresses: readonly string[]
  readonly ready: boolean
  /** As `ready`, but goes on while the endpoint terminates. */
  readonly serving: boolean
  readonly terminating: boolean
  /** The node that runs it; absent: nobody said. */
  readonly node?: string
  readonly zone?: string
  /** For which zones and nodes it is meant to be used, sorted; absent: no hint. */
  readonly hints?: { readonly zones: readonly string[]; readonly nodes: readonly string[] }
  /** Name of the pod behind it, in the slice's namespace. */
  readonly pod?: string
}

/** Endpoints of a service, from one slice. Every endpoint has every port. */
export interface EndpointSliceFact {
  readonly namespace: string
  readonly name: string
  /** Name of the service, from the slice's label. */
  readonly service: string
  readonly endpoints: readonly SliceEndpoint[]
  /** By the names that the service's ports have. */
  readonly ports: readonly NamedPort[]
}

/** A port of a local redirect; `name` is '' where there is a single one. */
export interface RedirectPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** cilium.io/v2 CiliumLocalRedirectPolicy, validated: traffic to the frontend goes to pods of the client's own node. */
export interface LocalRedirectPolicyFact {
  readonly namespace: string
  readonly name: string
  readonly frontend:
    | { readonly kind: 'address'; readonly address: string; readonly ports: readonly RedirectPort[] }
    /** A service of the policy's own namespace; no ports: all that it has. */
    | { readonly kind: 'service'; readonly service: string; readonly ports: readonly RedirectPort[] }
  /** Pods of the policy's namespace. */
  readonly selector: LabelSelector
  readonly backendPorts: readonly RedirectPort[]
  /** The pods' own traffic to the frontend is left alone. */
  readonly skipRedirectFromBackend: boolean
}

/** A backend by what it is, or every backend that a pod is. */
export type BackendTarget =
  | { readonly kind: 'address'; readonly address: string; readonly port: number; readonly protocol: Protocol }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }

/** What was said of a backend besides what the cluster says of it. */
export interface BackendFact {
  readonly target: BackendTarget
  /** Neither quarantined nor in maintenance takes new connections. */
  readonly state: 'active' | 'quarantined' | 'maintenance'
  /** Its share of new connections, 0..65535; absent: 1. 0 takes none. */
  readonly weight?: number
}
