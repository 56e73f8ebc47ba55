import type { CidrIdentitiesSnapshot } from './identity/cidr-identities.js'
import type { IdentitiesSnapshot } from './identity/identities.js'
import type { AttachmentFact } from './event/attachment.js'
import type { CidrGroupFact, CiliumPolicyFact } from './event/cilium.js'
import type { ClusterPolicyFact } from './event/cluster-policy.js'
import type { DeviceFact, EgressGatewayPolicyFact, IpMasqFact } from './event/egress.js'
import type { DnsAddress } from './state/dns.js'
import { noteAllocated } from './state/addresses.js'
import type { Family } from './policy/rule.js'
import type { ServiceNumbering } from './service/projection.js'
import type { Numbering } from './verdict/numbering.js'
import type { ClusterState, CoolingAddress, MutableClusterState, Refusal, StagedPolicy, Stored } from './state/state.js'
import type {
  AgentFact,
  EndpointFact,
  HostFact,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  PodFact,
} from './event/event.js'
import type {
  BackendCheckFact,
  BackendFact,
  EndpointSliceFact,
  LocalRedirectPolicyFact,
  ServiceFact,
} from './event/service.js'

/**
 * Of the facts that a snapshot holds: it is not lifted as events are, since every one of them can be folded again. Not so
 * the base of a compacted log: whoever raises this reads the bases of versions before it (docs/decisions/0019).
 */
export const snapshotVersion = 2

type Entries<Value> = readonly (readonly [key: string, value: Value])[]

/** `ClusterState` with its maps as lists. */
export interface StateSnapshot {
  readonly seq: number
  readonly timeMs: number
  /** A list of none or one: absence survives every encoding. */
  readonly agent: readonly Stored<AgentFact>[]
  /** As above; absent from snapshots of builds that didn't know it. */
  readonly host?: readonly Stored<HostFact>[]
  readonly devices?: readonly Stored<readonly DeviceFact[]>[]
  readonly ipMasq?: readonly Stored<IpMasqFact>[]
  readonly namespaces: Entries<Stored<NamespaceFact>>
  readonly nodes: Entries<Stored<NodeFact>>
  readonly pods: Entries<Stored<PodFact>>
  readonly services: Entries<Stored<ServiceFact>>
  readonly policies: Entries<Stored<NetworkPolicyFact>>
  readonly ciliumPolicies: Entries<Stored<CiliumPolicyFact>>
  readonly clusterPolicies: Entries<Stored<ClusterPolicyFact>>
  /** As above: a build that doesn't know them enforces none of them. */
  readonly staged?: Entries<StagedPolicy>
  readonly cidrGroups: Entries<Stored<CidrGroupFact>>
  readonly endpointSlices: Entries<Stored<EndpointSliceFact>>
  readonly localRedirects: Entries<Stored<LocalRedirectPolicyFact>>
  readonly egressGateways?: Entries<Stored<EgressGatewayPolicyFact>>
  readonly backends: Entries<Stored<BackendFact>>
  readonly failedChecks?: Entries<Stored<BackendCheckFact>>
  readonly dns: Entries<Entries<DnsAddress>>
  readonly endpoints: Entries<Stored<EndpointFact>>
  /** As above, these three. */
  readonly attachments?: Entries<Stored<AttachmentFact>>
  readonly cooling?: Entries<CoolingAddress>
  readonly lastAllocated?: readonly (readonly [family: Family, address: string])[]
  readonly refusals: Entries<Refusal>
}

/** An engine as plain data: inputs, and the numbers that followed from the order of events. */
export interface EngineSnapshot {
  readonly version: typeof snapshotVersion
  readonly state: StateSnapshot
  readonly identities: IdentitiesSnapshot
  readonly cidrIdentities: CidrIdentitiesSnapshot
  readonly numbering: Numbering
  readonly services: ServiceNumbering
}

export function snapshotState(state: ClusterState): StateSnapshot {
  return {
    seq: state.seq,
    timeMs: state.timeMs,
    agent: state.agent === undefined ? [] : [state.agent],
    host: state.host === undefined ? [] : [state.host],
    devices: state.devices === undefined ? [] : [state.devices],
    ipMasq: state.ipMasq === undefined ? [] : [state.ipMasq],
    namespaces: [...state.namespaces],
    nodes: [...state.nodes],
    pods: [...state.pods],
    services: [...state.services],
    policies: [...state.policies],
    ciliumPolicies: [...state.ciliumPolicies],
    clusterPolicies: [...state.clusterPolicies],
    staged: [...state.staged],
    cidrGroups: [...state.cidrGroups],
    endpointSlices: [...state.endpointSlices],
    localRedirects: [...state.localRedirects],
    egressGateways: [...state.egressGateways],
    backends: [...state.backends],
    failedChecks: [...state.failedChecks],
    dns: [...state.dns].map(([name, addresses]) => [name, [...addresses]]),
    endpoints: [...state.endpoints],
    attachments: [...state.attachments],
    cooling: [...state.cooling],
    lastAllocated: [...state.lastAllocated],
    refusals: [...state.refusals],
  }
}

/** Fills an empty state. */
export function restoreState(state: MutableClusterState, snapshot: StateSnapshot): void {
  state.seq = snapshot.seq
  state.timeMs = snapshot.timeMs
  state.agent = snapshot.agent[0]
  state.host = snapshot.host?.[0]
  state.devices = snapshot.devices?.[0]
  state.ipMasq = snapshot.ipMasq?.[0]
  fill(state.namespaces, snapshot.namespaces)
  fill(state.nodes, snapshot.nodes)
  fill(state.pods, snapshot.pods)
  fill(state.services, snapshot.services)
  fill(state.policies, snapshot.policies)
  fill(state.ciliumPolicies, snapshot.ciliumPolicies)
  fill(state.clusterPolicies, snapshot.clusterPolicies)
  fill(state.staged, snapshot.staged)
  fill(state.cidrGroups, snapshot.cidrGroups)
  fill(state.endpointSlices, snapshot.endpointSlices)
  fill(state.localRedirects, snapshot.localRedirects)
  fill(state.egressGateways, snapshot.egressGateways)
  fill(state.backends, snapshot.backends)
  fill(state.failedChecks, snapshot.failedChecks)
  for (const [name, addresses] of snapshot.dns ?? []) {
    for (const [address, entry] of addresses) state.dns.put(name, address, entry)
  }
  fill(state.endpoints, snapshot.endpoints)
  for (const [, { fact, seq }] of snapshot.attachments ?? []) noteAllocated(state, fact, seq)
  fill(state.cooling, snapshot.cooling)
  state.lastAllocated.clear()
  for (const [family, address] of snapshot.lastAllocated ?? []) state.lastAllocated.set(family, address)
  fill(state.refusals, snapshot.refusals)
}

/** Snapshots of earlier builds lack the lists of what those builds did not know. */
function fill<Value>(map: Map<string, Value>, entries: Entries<Value> = []): void {
  for (const [key, value] of entries) map.set(key, value)
}
