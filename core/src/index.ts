export { WeirError, type Problem, type WeirErrorCode, type WeirErrorPayloads } from './errors.js'
export {
  eventSchemaVersion,
  type AgentFact,
  type EndpointFact,
  type EventBody,
  type EventDraft,
  type EventKind,
  type HostFact,
  type Labels,
  type NamedPort,
  type NamespaceFact,
  type NetworkPolicyFact,
  type NetworkPolicyPeer,
  type NetworkPolicyPort,
  type NetworkPolicyRule,
  type NodeFact,
  type ObjectKey,
  type PodFact,
  type PolicyRemarks,
  type Spelling,
  type WeirEvent,
} from './event/event.js'
export type {
  BackendCheckFact,
  BackendFact,
  BackendTarget,
  EndpointSliceFact,
  HealthCheck,
  LocalRedirectPolicyFact,
  ServiceFact,
  ServicePort,
  SliceEndpoint,
} from './event/service.js'
export type { DeviceFact, EgressGateway, EgressGatewayPolicyFact, EgressSelector, IpMasqFact } from './event/egress.js'
export type { CidrGroupFact, CiliumPolicyFact, CiliumRule } from './event/cilium.js'
export type { AttachmentFact } from './event/attachment.js'
export type { ChangedBy } from './event/changed-by.js'
export type { PolicyFact } from './event/policy-fact.js'
export type { ClusterPolicyFact, ClusterPolicyRule } from './event/cluster-policy.js'
export type { LabelSelector, Requirement } from './policy/selector.js'
export {
  protocolNumbers,
  type AddressScope,
  type Direction,
  type Family,
  type Origin,
  type PeerSelector,
  type PortRange,
  type PortSet,
  type Protocol,
  type ProxyDemand,
  type Rule,
  type Tier,
} from './policy/rule.js'
export type { AddressSource } from './policy/address-source.js'
export { compileNetworkPolicy } from './policy/networkpolicy.js'
export { matchesSelector, canonicalSelector, selectorText } from './policy/match.js'
export {
  verdicts,
  type AddressRow,
  type CellKey,
  type CellRow,
  type Change,
  type EgressDelta,
  type EgressTables,
  type EndpointRow,
  type PrefixRow,
  type Row,
  type ServicesDelta,
  type ServiceTables,
  type Step,
  type Table,
  type Tables,
  type TablesDelta,
  type Verdict,
  type VerdictsDelta,
  type VerdictTables,
} from './tables/tables.js'
export {
  frontendKey,
  frontendKinds,
  type BackendRow,
  type BackendState,
  type FrontendKind,
  type FrontendRow,
  type FrontendScope,
  type SelectionRow,
} from './tables/service-rows.js'
export type { EgressAction, EgressRow, MasqueradeRow, NonMasqueradeRow } from './tables/egress-rows.js'
export {
  objectKey,
  refusalKey,
  type ClusterState,
  type Refusal,
  type StagedPolicy,
  type Stored,
} from './state/state.js'
export { adopt, allocate, type Allocation, release } from './ipam/allocate.js'
export { AttachmentSettler, isElsewhere } from './ipam/pods.js'
export { type Pool, poolOf } from './ipam/pool.js'
export { reservedIdentities, clusterIdentityRange, cidrIdentityRange } from './identity/reserved.js'
export { defaultLabelFilter } from './identity/filter.js'
export { derivedKeys, namespaceLabels, namespaceNameKey } from './identity/labels.js'
export type { IdentityRow } from './identity/identities.js'
export { packetKey } from './verdict/intervals.js'
export { stepAt } from './verdict/rows.js'
export type { Claimant, Conflict } from './service/frontends.js'
export type { Candidate, Standing } from './service/candidates.js'
export type { Digest } from './digest/digest.js'
export type {
  Explanation,
  FlowQuery,
  MatchedRule,
  Party,
  Reason,
  SideExplanation,
  Supposed,
  SupposedFlow,
} from './explain/explain.js'
export type { EngineSnapshot, StateSnapshot } from './snapshot.js'
export { Engine, type EngineOptions, type RestoreOptions } from './engine.js'
export { compareLimits, compareStates } from './compare/compare.js'
export type { ChangeKind, CompareLimits, Comparison, PortNaming, Uncovered } from './compare/compare.js'
export type { FlowChange } from './compare/lines.js'
export type { Cause, Outcome } from './compare/outcome.js'
export type { Party as FlowParty } from './compare/parties.js'
export type { KeyRange } from './compare/port-text.js'
export { matrixOf, type Grouping, type Matrix, type MatrixCell } from './matrix/matrix.js'
export { lint, type LintReport } from './lint/lint.js'
export { findingKinds, type Finding, type FindingKind, type Severity } from './lint/finding.js'
export { noBackend, type Lack } from './explain/no-backend.js'
export { nearestRules, type NearRule, type Shortfall } from './explain/nearest.js'
export { weirPipeline } from './pipeline.js'
export { parseNamespace } from './input/namespace.js'
export { parseNode } from './input/node.js'
export { parsePod } from './input/pod.js'
export { parseService } from './input/service.js'
export { parseNetworkPolicy } from './input/network-policy.js'
export { parseCiliumClusterwideNetworkPolicy, parseCiliumNetworkPolicy } from './input/cilium/policy.js'
export { parseCidrGroup, parseCidrGroupAlpha } from './input/cilium/cidr-group.js'
export {
  parseAdminNetworkPolicy,
  parseBaselineAdminNetworkPolicy,
  parseClusterNetworkPolicy,
} from './input/cluster-policy/policy.js'
export { parseBackend } from './input/backend.js'
export { parseEndpointSlice } from './input/endpoint-slice.js'
export { parseEgressGatewayPolicy } from './input/cilium/egress-gateway.js'
export { parseIpMasq } from './input/ip-masq.js'
export { parseLocalRedirectPolicy } from './input/cilium/local-redirect.js'
export { inputKinds, recognise, type InputKind, type Recognition } from './input/kinds.js'
