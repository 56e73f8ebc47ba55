import type { CidrGroupFact, CiliumPolicyFact } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import type { EgressGatewayPolicyFact } from '@weir/core/event/egress.js'
import type { PolicyFact } from '@weir/core/event/policy-fact.js'
import type {
  AgentFact,
  HostFact,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  ObjectKey,
  PodFact,
} from '@weir/core/event/event.js'
import type { EndpointSliceFact, LocalRedirectPolicyFact, ServiceFact } from '@weir/core/event/service.js'
import type { Problem } from '@weir/core/errors.js'

interface Stored<Fact> {
  readonly fact: Fact
}

/** What the log has said so far, as the engine's `state` tells it: facts by `namespace/name`, or name. */
export interface KnownFacts {
  readonly agent: Stored<AgentFact> | undefined
  readonly host?: Stored<HostFact> | undefined
  readonly namespaces: ReadonlyMap<string, Stored<NamespaceFact>>
  readonly nodes: ReadonlyMap<string, Stored<NodeFact>>
  readonly pods: ReadonlyMap<string, Stored<PodFact>>
  readonly services: ReadonlyMap<string, Stored<ServiceFact>>
  readonly policies: ReadonlyMap<string, Stored<NetworkPolicyFact>>
  readonly ciliumPolicies?: ReadonlyMap<string, Stored<CiliumPolicyFact>>
  readonly clusterPolicies?: ReadonlyMap<string, Stored<ClusterPolicyFact>>
  /** By `Kind/namespace/name`, as they are not in force. */
  readonly staged?: ReadonlyMap<string, PolicyFact>
  readonly cidrGroups?: ReadonlyMap<string, Stored<CidrGroupFact>>
  readonly endpointSlices?: ReadonlyMap<string, Stored<EndpointSliceFact>>
  readonly localRedirects?: ReadonlyMap<string, Stored<LocalRedirectPolicyFact>>
  readonly egressGateways?: ReadonlyMap<string, Stored<EgressGatewayPolicyFact>>
  readonly refusals: ReadonlyMap<string, { readonly object: ObjectKey; readonly problems: readonly Problem[] }>
}

/** Before any event. */
export const nothingKnown: KnownFacts = {
  agent: undefined,
  namespaces: new Map(),
  nodes: new Map(),
  pods: new Map(),
  services: new Map(),
  policies: new Map(),
  refusals: new Map(),
}
