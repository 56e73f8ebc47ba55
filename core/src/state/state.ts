import type { Problem } from '../errors.js'
import type { AttachmentFact } from '../event/attachment.js'
import type { CidrGroupFact, CiliumPolicyFact } from '../event/cilium.js'
import type { ClusterPolicyFact } from '../event/cluster-policy.js'
import type { DeviceFact, EgressGatewayPolicyFact, IpMasqFact } from '../event/egress.js'
import type { PolicyFact } from '../event/policy-fact.js'
import type { Family } from '../policy/rule.js'
import { type DnsNames, MutableDnsNames } from './dns.js'
import type {
  AgentFact,
  EndpointFact,
  HostFact,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  ObjectKey,
  PodFact,
} from '../event/event.js'
import type {
  BackendCheckFact,
  BackendFact,
  EndpointSliceFact,
  LocalRedirectPolicyFact,
  ServiceFact,
} from '../event/service.js'

/** A fact in force and the event that brought this version of it. */
export interface Stored<Fact> {
  readonly fact: Fact
  readonly seq: number
}

/** A policy that is to be tried and is not in force, and the event that brought this version of it. */
export type StagedPolicy = PolicyFact & Pick<Stored<unknown>, 'seq'>

/** The last version of an object that could not be understood; the version before it stays in force. */
export interface Refusal {
  readonly object: ObjectKey
  readonly problems: readonly Problem[]
  readonly seq: number
}

/** An address that was given back, and by which event. */
export interface CoolingAddress {
  /** Milliseconds since the epoch; from then on it is free. */
  readonly untilMs: number
  readonly seq: number
}

/** All inputs after `seq` events, by `namespace/name` (cluster-wide kinds by name). */
export interface ClusterState {
  readonly seq: number
  /** Milliseconds since the epoch as the last `time.passed` said; 0 before the first. */
  readonly timeMs: number
  readonly agent: Stored<AgentFact> | undefined
  /** Absent until this node has looked at itself. */
  readonly host: Stored<HostFact> | undefined
  /** Absent until somebody asked this node for its devices. */
  readonly devices: Stored<readonly DeviceFact[]> | undefined
  /** Absent while no file is followed. */
  readonly ipMasq: Stored<IpMasqFact> | undefined
  /** Only those with an object of their own: see `namespaceLabels` for the rest. */
  readonly namespaces: ReadonlyMap<string, Stored<NamespaceFact>>
  readonly nodes: ReadonlyMap<string, Stored<NodeFact>>
  readonly pods: ReadonlyMap<string, Stored<PodFact>>
  readonly services: ReadonlyMap<string, Stored<ServiceFact>>
  readonly policies: ReadonlyMap<string, Stored<NetworkPolicyFact>>
  /** By `refusalKey`: `CiliumNetworkPolicy/namespace/name`, `CiliumClusterwideNetworkPolicy//name`. */
  readonly ciliumPolicies: ReadonlyMap<string, Stored<CiliumPolicyFact>>
  /** By `refusalKey`: `ClusterNetworkPolicy//name`. */
  readonly clusterPolicies: ReadonlyMap<string, Stored<ClusterPolicyFact>>
  /** Policies that are computed beside what is in force and decide nothing, by `refusalKey`. */
  readonly staged: ReadonlyMap<string, StagedPolicy>
  readonly cidrGroups: ReadonlyMap<string, Stored<CidrGroupFact>>
  readonly endpointSlices: ReadonlyMap<string, Stored<EndpointSliceFact>>
  readonly localRedirects: ReadonlyMap<string, Stored<LocalRedirectPolicyFact>>
  /** CiliumEgressGatewayPolicies by name. */
  readonly egressGateways: ReadonlyMap<string, Stored<EgressGatewayPolicyFact>>
  /** What was said of single backends, by `backendTargetText`; those of which all was taken back are not there. */
  readonly backends: ReadonlyMap<string, Stored<BackendFact>>
  /** Checks of backends that failed last, by `socketText`. */
  readonly failedChecks: ReadonlyMap<string, Stored<BackendCheckFact>>
  /** What DNS has answered and holds still. */
  readonly dns: DnsNames
  /** Wiring of local pods, by the pod's `namespace/name`. */
  readonly endpoints: ReadonlyMap<string, Stored<EndpointFact>>
  /** What containers of this node were given, by `attachmentKey`. */
  readonly attachments: ReadonlyMap<string, Stored<AttachmentFact>>
  /** The attachment that has an address, by address. */
  readonly allocated: ReadonlyMap<string, string>
  /** Addresses that were given back and aren't to be given again yet. */
  readonly cooling: ReadonlyMap<string, CoolingAddress>
  /** The address that was given last, by family. */
  readonly lastAllocated: ReadonlyMap<Family, string>
  /** By `refusalKey`. */
  readonly refusals: ReadonlyMap<string, Refusal>
}

/** The same with the maps that the fold writes. */
export interface MutableClusterState extends ClusterState {
  seq: number
  timeMs: number
  agent: Stored<AgentFact> | undefined
  host: Stored<HostFact> | undefined
  devices: Stored<readonly DeviceFact[]> | undefined
  ipMasq: Stored<IpMasqFact> | undefined
  readonly namespaces: Map<string, Stored<NamespaceFact>>
  readonly nodes: Map<string, Stored<NodeFact>>
  readonly pods: Map<string, Stored<PodFact>>
  readonly services: Map<string, Stored<ServiceFact>>
  readonly policies: Map<string, Stored<NetworkPolicyFact>>
  readonly ciliumPolicies: Map<string, Stored<CiliumPolicyFact>>
  readonly clusterPolicies: Map<string, Stored<ClusterPolicyFact>>
  readonly staged: Map<string, StagedPolicy>
  readonly cidrGroups: Map<string, Stored<CidrGroupFact>>
  readonly endpointSlices: Map<string, Stored<EndpointSliceFact>>
  readonly localRedirects: Map<string, Stored<LocalRedirectPolicyFact>>
  readonly egressGateways: Map<string, Stored<EgressGatewayPolicyFact>>
  readonly backends: Map<string, Stored<BackendFact>>
  readonly failedChecks: Map<string, Stored<BackendCheckFact>>
  readonly dns: MutableDnsNames
  readonly endpoints: Map<string, Stored<EndpointFact>>
  readonly attachments: Map<string, Stored<AttachmentFact>>
  readonly allocated: Map<string, string>
  readonly cooling: Map<string, CoolingAddress>
  readonly lastAllocated: Map<Family, string>
  readonly refusals: Map<string, Refusal>
}

/** state(0): no event yet. */
export function emptyState(): MutableClusterState {
  return {
    seq: 0,
    timeMs: 0,
    agent: undefined,
    host: undefined,
    devices: undefined,
    ipMasq: undefined,
    namespaces: new Map(),
    nodes: new Map(),
    pods: new Map(),
    services: new Map(),
    policies: new Map(),
    ciliumPolicies: new Map(),
    clusterPolicies: new Map(),
    staged: new Map(),
    cidrGroups: new Map(),
    endpointSlices: new Map(),
    localRedirects: new Map(),
    egressGateways: new Map(),
    backends: new Map(),
    failedChecks: new Map(),
    dns: new MutableDnsNames(),
    endpoints: new Map(),
    attachments: new Map(),
    allocated: new Map(),
    cooling: new Map(),
    lastAllocated: new Map(),
    refusals: new Map(),
  }
}

/** The two keys made last: of an event's object, and of what it speaks of. Each projection asks for both anew. */
let latest = { namespace: '', name: '', key: '/' }
let older = latest

/** `namespace/name`. */
export function objectKey(namespace: string, name: string): string {
  if (latest.name === name && latest.namespace === namespace) return latest.key
  if (older.name === name && older.namespace === namespace) return older.key
  older = latest
  latest = { namespace, name, key: `${namespace}/${name}` }
  return latest.key
}

/** `container/ifname`. */
export const attachmentKey = (container: string, ifname: string): string => `${container}/${ifname}`

/** `Kind/namespace/name`; the namespace of a cluster-wide object is empty. */
export const refusalKey = (object: ObjectKey): string => `${object.kind}/${object.namespace}/${object.name}`
