import type { Problem } from '../errors.js'
import type { AttachmentFact } from './attachment.js'
import type { ChangedBy } from './changed-by.js'
import type { CidrGroupFact, CiliumPolicyFact } from './cilium.js'
import type { ClusterPolicyFact } from './cluster-policy.js'
import type { DeviceFact, EgressGatewayPolicyFact, IpMasqFact } from './egress.js'
import type {
  BackendCheckFact,
  BackendFact,
  EndpointSliceFact,
  LocalRedirectPolicyFact,
  ServiceFact,
} from './service.js'
import type { LabelSelector } from '../policy/selector.js'
import type { Direction, Protocol } from '../policy/rule.js'

/** Key–value labels as Kubernetes writes them, without a source prefix. */
export type Labels = Readonly<Record<string, string>>

/** A named container port of a pod. */
export interface NamedPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** What Weir needs to know of a Pod. Two equal facts append one event. */
export interface PodFact {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  readonly serviceAccount: string
  /** Name of the node that runs it; empty while unscheduled. */
  readonly node: string
  /** Canonical text addresses, IPv4 before IPv6; empty until assigned. */
  readonly addresses: readonly string[]
  readonly hostNetwork: boolean
  /** All container ports, named or not (`name` is '' when unnamed), sorted by protocol, port, name. */
  readonly ports: readonly NamedPort[]
  /** The controller it came from (`Deployment/web`), for display and grouping. */
  readonly workload?: string
  /** Ports of its node that lead to it, sorted as `ports`; absent: none. Never of a hostNetwork pod. */
  readonly hostPorts?: readonly HostPort[]
  /** False when its status says that it is not ready; absent: ready, or nobody said. */
  readonly ready?: false
  /** True once its deletion was asked for. */
  readonly terminating?: true
  /** True while its interface is here and nobody has told of the pod, or its object is gone: its identity is `init`. */
  readonly init?: true
}

/** A port of the node that leads to a pod's own. */
export interface HostPort {
  readonly protocol: Protocol
  /** On the node. */
  readonly port: number
  /** In the pod. */
  readonly containerPort: number
  /** The only address of the node that has it; absent: all that services' node ports have. */
  readonly address?: string
}

export interface NamespaceFact {
  readonly name: string
  readonly labels: Labels
}

export interface NodeFact {
  readonly name: string
  readonly labels: Labels
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
}

/** The port of a NetworkPolicy rule, defaults applied. */
export interface NetworkPolicyPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  /** Absent: every port of the protocol. A string is a named port, resolved on the destination pod. */
  readonly port?: number | string
  /** Inclusive end of a range; only beside a numeric `port`. */
  readonly endPort?: number
}

export type NetworkPolicyPeer =
  | { readonly kind: 'pods'; readonly namespaceSelector?: LabelSelector; readonly podSelector?: LabelSelector }
  | { readonly kind: 'ipBlock'; readonly cidr: string; readonly except: readonly string[] }

/** One ingress or egress rule. Empty `peers` = every peer; empty `ports` = every port. */
export interface NetworkPolicyRule {
  readonly peers: readonly NetworkPolicyPeer[]
  readonly ports: readonly NetworkPolicyPort[]
}

/** What the author of a policy says beside its rules. */
export interface PolicyRemarks {
  /** Kinds of findings that are meant to be so, sorted: the annotation `weir.io/lint-ignore`. Absent: none. */
  readonly lintIgnore?: readonly string[]
  /** True when it is to be tried and not enforced: the annotation `weir.io/stage`. Absent: it is in force. */
  readonly staged?: true
}

/**
 * A spelling that means something else than it seems to, and of which the fact has no other trace. `types-implied`:
 * policyTypes is absent, the policy speaks of egress alone, and isolates ingress all the same.
 */
export interface Spelling {
  readonly kind: 'empty-list' | 'section-left-out' | 'types-implied'
  /** `spec.ingress[0].from` */
  readonly path: string
}

/** networking.k8s.io/v1 NetworkPolicy, validated, with `policyTypes` made explicit. */
export interface NetworkPolicyFact extends PolicyRemarks {
  readonly namespace: string
  readonly name: string
  readonly podSelector: LabelSelector
  readonly policyTypes: readonly Direction[]
  readonly ingress: readonly NetworkPolicyRule[]
  readonly egress: readonly NetworkPolicyRule[]
  /** In the order of the manifest; absent when there is none. */
  readonly spelling?: readonly Spelling[]
}

/** A DNS answer as a pod got it. */
export interface DnsAnswerFact {
  /** The name asked for, lower case, without the final dot. */
  readonly name: string
  readonly addresses: readonly string[]
  /** How long the answer holds from the event's own `time`, the smallest of its records. */
  readonly ttlSeconds: number
}

/** How a local pod is wired to this node. */
export interface EndpointFact {
  readonly namespace: string
  readonly pod: string
  /** Host side of the pod's veth. */
  readonly ifindex: number
  readonly ifname: string
  /** `aa:bb:cc:dd:ee:ff` */
  readonly hostMac: string
  readonly podMac: string
}

/** The agent's own configuration, as far as it decides what the tables say. */
export interface AgentFact {
  /** The node that this log belongs to: its pods are local, its addresses are the host. */
  readonly node: string
  readonly cluster: string
  /** Label key patterns left out of identities, besides the defaults; a leading `!` keeps a key. */
  readonly labelFilter: readonly string[]
  /** What the CIDR peers of Cilium policies match besides addresses outside the cluster; absent: nothing. */
  readonly cidrMatch?: readonly ('nodes' | 'pods')[]
  /** TCP ports of this node that stay open to everybody whatever isolates it; absent: ssh and the API server. */
  readonly failSafePorts?: readonly number[]
  /** Blocks that hold the node's addresses which have node ports; absent: all of its addresses have them. */
  readonly nodePortAddresses?: readonly string[]
  /** Families in which pods' traffic leaves the cluster under the node's address; absent: none. */
  readonly masquerade?: readonly ('ipv4' | 'ipv6')[]
  /** Blocks that are reached without masquerading, besides those of nodes' pods; absent: none. */
  readonly nativeRoutingCidrs?: readonly string[]
}

/** What this node finds of itself. */
export interface HostFact {
  /**
   * Addresses of its network devices, sorted: those that nobody need name for them to be the node's. Canonical text,
   * link-local ones without a zone. Neither those of pods' devices nor loopback ones.
   */
  readonly addresses: readonly string[]
}

/** Names an object of the cluster: `NetworkPolicy`, `default`, `deny-all`. Cluster-wide kinds have namespace ''. */
export interface ObjectKey {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** The closed set of facts. Adding a kind or a field is a new schema version with an upcast in `event/upcast.ts`. */
export type EventBody =
  | { readonly kind: 'agent.configured'; readonly agent: AgentFact }
  | { readonly kind: 'host.observed'; readonly host: HostFact }
  | { readonly kind: 'devices.observed'; readonly devices: readonly DeviceFact[] }
  | { readonly kind: 'egressgateway.upserted'; readonly policy: EgressGatewayPolicyFact }
  | { readonly kind: 'egressgateway.deleted'; readonly name: string }
  /** What a file of ip-masq-agent's form says, and that there is no such file to follow any more. */
  | { readonly kind: 'ipmasq.configured'; readonly config: IpMasqFact }
  | { readonly kind: 'ipmasq.withdrawn' }
  | { readonly kind: 'namespace.upserted'; readonly namespace: NamespaceFact }
  | { readonly kind: 'namespace.deleted'; readonly name: string }
  | { readonly kind: 'node.upserted'; readonly node: NodeFact }
  | { readonly kind: 'node.deleted'; readonly name: string }
  | { readonly kind: 'pod.upserted'; readonly pod: PodFact }
  | { readonly kind: 'pod.deleted'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'service.upserted'; readonly service: ServiceFact }
  | { readonly kind: 'service.deleted'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'networkpolicy.upserted'; readonly policy: NetworkPolicyFact }
  | { readonly kind: 'networkpolicy.deleted'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'ciliumpolicy.upserted'; readonly policy: CiliumPolicyFact }
  | {
      readonly kind: 'ciliumpolicy.deleted'
      readonly policyKind: CiliumPolicyFact['kind']
      readonly namespace: string
      readonly name: string
    }
  | { readonly kind: 'cidrgroup.upserted'; readonly group: CidrGroupFact }
  | { readonly kind: 'cidrgroup.deleted'; readonly name: string }
  | { readonly kind: 'clusterpolicy.upserted'; readonly policy: ClusterPolicyFact }
  | { readonly kind: 'clusterpolicy.deleted'; readonly policyKind: ClusterPolicyFact['kind']; readonly name: string }
  | { readonly kind: 'endpointslice.upserted'; readonly slice: EndpointSliceFact }
  | { readonly kind: 'endpointslice.deleted'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'localredirect.upserted'; readonly redirect: LocalRedirectPolicyFact }
  | { readonly kind: 'localredirect.deleted'; readonly namespace: string; readonly name: string }
  /** What an operator says of a backend; saying `active` without a weight takes all back. */
  | { readonly kind: 'backend.configured'; readonly backend: BackendFact }
  /** What trying a backend of a service with a health check came to, each time it is another. */
  | { readonly kind: 'backend.checked'; readonly check: BackendCheckFact }
  | { readonly kind: 'dns.answered'; readonly answer: DnsAnswerFact }
  | { readonly kind: 'endpoint.attached'; readonly endpoint: EndpointFact }
  | { readonly kind: 'endpoint.detached'; readonly namespace: string; readonly pod: string }
  | { readonly kind: 'address.allocated'; readonly attachment: AttachmentFact }
  /** The addresses are nobody's, and from `reusableAt` on, milliseconds since the epoch, free to be given again. */
  | {
      readonly kind: 'address.released'
      readonly container: string
      readonly ifname: string
      readonly reusableAt: number
    }
  | { readonly kind: 'input.refused'; readonly object: ObjectKey; readonly problems: readonly Problem[] }
  | { readonly kind: 'input.accepted'; readonly object: ObjectKey }
  | { readonly kind: 'time.passed'; readonly until: number }

export type EventKind = EventBody['kind']

/** An input before the log has numbered it. */
export type EventDraft = EventBody & {
  /** Milliseconds since the epoch, by the clock of whoever appends; never read by the fold except through `time.passed`. */
  readonly time: number
  /** Who said so: `manifests:/path/file.yaml:12`, `kubernetes:resourceVersion=…`, `cni`, `operator`. */
  readonly source: string
  /** Who changed the object, where it says so; absent of what was deleted, and of what is no object. */
  readonly by?: ChangedBy
}

/** One immutable record of the log. `seq` is dense from 1. */
export type WeirEvent = EventDraft & { readonly seq: number }

/** Version of the event schema that this build writes. */
export const eventSchemaVersion = 5
