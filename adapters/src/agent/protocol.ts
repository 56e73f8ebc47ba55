import type { RoutingView } from '../routing/routing.js'
import type {
  BackendState,
  Conflict,
  Digest,
  Direction,
  EgressRow,
  EngineSnapshot,
  Explanation,
  FrontendRow,
  MasqueradeRow,
  NearRule,
  Protocol,
  ServiceFact,
} from '@weir/core'
import type { FlowRecorderFigures } from '../flows/recorder.js'
import type { PastChange } from '../flows/what-if.js'
import type { WaitingObject } from './claims.js'
import type { EventSource, SourceEntry } from './event-source.js'
import type { WouldBe } from '../staged/would-be.js'
import type { ServiceHealthView } from './service-health.js'
import type { Problem } from '@weir/core/errors.js'
import type { MapShortage } from '@weir/datapath/services/shortage.js'

/**
 * What the agent's unix socket speaks: HTTP, JSON in and out, one JSON object a line for streams. Paths start with
 * `/v1`. Errors have the status 4xx or 5xx and an `ErrorBody`.
 */
export const defaultSocketPath = '/run/weir/agent.sock'

export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly payload: unknown
}

export const kinds = [
  'pods',
  'policies',
  'identities',
  'namespaces',
  'services',
  'backends',
  'egress',
  'endpoints',
  'nodes',
  'addresses',
  'tables',
] as const
export type Kind = (typeof kinds)[number]

/** How full a map is. */
export interface MapFill {
  readonly name: string
  readonly entries: number
  readonly maxEntries: number
  /** It remembers the newest and drops the oldest: that it is full is no trouble. */
  readonly evicts: boolean
}

/** GET /v1/status */
export interface StatusReport {
  readonly version: string
  readonly node: string
  readonly pid: number
  /** Milliseconds since the epoch, by the agent's clock. */
  readonly startedAt: number
  readonly uptimeMs: number
  readonly log: { readonly folder: string; readonly head: number; readonly snapshot: number }
  readonly digest: Digest
  readonly backend: {
    readonly kind: string
    /** What the kernel offers and which way was taken: `attach: tcx`. */
    readonly features: Readonly<Record<string, string | number | boolean>>
    readonly maps: readonly MapFill[]
    /** Connections of processes that were ended because their backend went, and why the last ones couldn't be. */
    readonly connections: { readonly closed: number; readonly failing?: string }
    /** Maps taken over from an earlier run, and what became of those that couldn't be. */
    readonly notes: readonly string[]
    /** Maps that have no room for some services: those stay as they were. */
    readonly shortages: readonly MapShortage[]
    /** Packets of the last seconds that were dropped as no port was free for their flow to be translated to. */
    readonly withoutPort: number
    /** Packets and bytes by reason and direction. */
    readonly counters: readonly CounterRow[]
    /** Flows opened, judged again, cut; events suppressed and lost. */
    readonly tallies: Readonly<Record<string, number>>
  }
  /** The node itself as a subject of policy. */
  readonly host: {
    /** Some policy selects the node: what it doesn't allow is denied at the node's devices and to its pods. */
    readonly isJudged: boolean
    /** TCP ports that stay open to everybody whatever isolates the node. */
    readonly failSafePorts: readonly number[]
    /** Devices that the outside reaches the node by. */
    readonly devices: readonly {
      readonly ifindex: number
      readonly ifname: string
      /** `default route`, `address of the node`, or the pattern that names it. */
      readonly why: string
      readonly isAttached: boolean
      /** `native`, `generic`, or `none`, with the reason behind a colon where there is one. */
      readonly xdp: string
      /** What the device has by now; all of the node's devices' are the node's, whether or not anything names them. */
      readonly addresses: readonly string[]
    }[]
    readonly problem?: string
  }
  /** How pods' traffic leaves the cluster. */
  readonly leaving: {
    /** Devices that masquerade, and with what; '' where a device has no address of a family that is to be masqueraded. */
    readonly devices: readonly MasqueradeRow[]
    /** Blocks that are reached without masquerading. */
    readonly unmasked: number
    /** Rules of egress gateway policies, by what they do. */
    readonly rules: Readonly<Record<EgressRow['action'], number>>
  }
  /** How pods of other nodes are reached. */
  readonly routing: RoutingView
  readonly tables: Readonly<Record<string, number>>
  /** Addresses and ports that more than one service, host port or redirect claims. */
  readonly frontendConflicts: number
  readonly health: ServiceHealthView
  readonly intake: {
    readonly queued: number
    readonly events: number
    /** From the first input of the last batch to its enforcement. */
    readonly lastLatencyMs: number
    readonly refusals: number
    readonly stopped?: string
  }
  readonly reconcile: {
    readonly applied: number
    readonly repairs: number
    readonly lastVerifiedAt?: number
    readonly failing?: string
  }
  readonly sources: readonly SourceStatus[]
  readonly flows: {
    /** By those who observe: what the datapath told of, what is kept for those to come, what there was no time for. */
    readonly seen: number
    readonly kept: number
    readonly lost: number
    /** Absent where none is kept. */
    readonly history?: FlowRecorderFigures
  }
}

export interface CounterRow {
  readonly reason: string
  readonly direction: string
  readonly packets: number
  readonly bytes: number
}

export interface SourceStatus {
  readonly name: string
  readonly state: 'starting' | 'watching' | 'failing' | 'ended'
  /** Facts that differed from what the log said before. */
  readonly drafts: number
  readonly error?: string
  /** Of an API server's: how far each kind of objects is. */
  readonly resources?: readonly ResourceStatus[]
  /** What it says that isn't in force, as another source says it too and counts more. */
  readonly waiting?: readonly WaitingObject[]
}

/** How it stands with one kind of objects of an API server. */
export interface ResourceStatus {
  readonly kind: string
  /** As it is read, `networking.k8s.io/v1`; of what is absent as it would be. */
  readonly apiVersion: string
  /**
   * `waiting`: for the kinds that have to be known first. `listing`: all of it is being read. `away`: it can't be read;
   * what is known of it stays in force. `absent`: the cluster has no such kind.
   */
  readonly state: 'waiting' | 'listing' | 'watching' | 'away' | 'absent'
  /** Milliseconds since the epoch at which this state began. */
  readonly since: number
  readonly objects: number
  /** The last that was taken in; absent before the first list. */
  readonly resourceVersion?: string
  /** How often all of it was read again after the first time. */
  readonly relists: number
  /** Why it is away. */
  readonly error?: string
}

/** A kind of flow that staged policies would judge otherwise. */
export interface StagedChange
  extends Pick<PastChange, 'change' | 'from' | 'to' | 'firstMs' | 'lastMs' | 'before' | 'after'> {
  readonly protocol: string
  /** Absent for ICMP, whose type and code `detail` has. */
  readonly port?: number
  readonly detail?: string
  /** Those that observers were told of. */
  readonly packets: number
}

/** GET /v1/flows/staged: what staged policies would change, of what was seen. */
export interface StagedFlows {
  /** When what is staged became what it is, or the agent started; milliseconds since the epoch. */
  readonly sinceMs: number
  /** `NetworkPolicy shop/web`, and the event that brought this version. */
  readonly policies: readonly { readonly policy: string; readonly seq: number }[]
  /** Newly denied ones first, of each the last seen first. */
  readonly changes: readonly StagedChange[]
  /** Kinds of flows that there was no room for. */
  readonly forgotten: number
}

/** One end of a flow, as far as the agent knows it. */
export interface FlowEnd {
  readonly address: string
  /** Absent for ICMP. */
  readonly port?: number
  readonly identity: number
  /** Of the identity; empty when nothing is known. */
  readonly labels: readonly string[]
  readonly namespace?: string
  readonly pod?: string
}

export interface ServiceName {
  readonly name: string
  readonly namespace: string
}

/** What the datapath said of one packet, with names. One line of `GET /v1/observe`. */
export interface FlowRecord {
  /** Milliseconds since the epoch, by the agent's clock when it read the event. */
  readonly time: number
  readonly verdict: 'allowed' | 'denied' | 'dropped'
  /** `policy denied`, `invalid packet`, … as the datapath names it; empty when allowed. */
  readonly reason: string
  readonly protocol: string
  /** ICMP: type and code; TCP: flags of the packet. */
  readonly detail?: string
  readonly source: FlowEnd
  readonly destination: FlowEnd
  /**
   * The service whose address or backend the end is at that port, of several the first by name; of the end that the flow
   * was opened to. Named as Hubble names it.
   */
  readonly source_service?: ServiceName
  readonly destination_service?: ServiceName
  /** Rules that decided: policy and path. */
  readonly causes: readonly string[]
  readonly sizeBytes?: number
  /** Whose policy decided. */
  readonly traffic_direction: Direction
  /** The packet goes against the direction in which the flow was opened. */
  readonly isReply: boolean
  /** Of a live flow: what staged policies would make of it, where that is something else. */
  readonly staged?: WouldBe
  /** Of a flow of history: its packets that were told of, when the last one was, and the event that it was judged after. */
  readonly packets?: number
  readonly lastTime?: number
  readonly seq?: number
}

/** GET /v1/why?from=…&to=… and `weir why --log DIR`. One answer per protocol, port and family asked for. */
export interface WhyAnswer {
  readonly from: NamedAddress
  readonly to: NamedAddress
  /** Of the addresses that it is about: ends that are supposed, or several, show none. */
  readonly family: 4 | 6
  /** IANA number. */
  readonly protocol: number
  /** The first of them where a range was asked about. */
  readonly port: number
  readonly lastPort: number
  /** The name of the port or of the ICMP type, where it was asked for by name. */
  readonly portName?: string
  /** Destinations that have no port of the name asked for. */
  readonly withoutPort?: readonly string[]
  readonly explanation: Explanation
  /** Of each end that denies by default, the allowances that come nearest. */
  readonly nearest: Readonly<Record<Direction, readonly NearRule[]>>
  /** Of whom `nearest` is told, where others who are judged so are short of something else. */
  readonly nearestFor?: { readonly from: string; readonly to: string }
  /** What staged policies would make of it, where that is something else. */
  readonly staged?: WouldBe
  /** Where the events of the rules named came from: `manifests:/path/web.yaml:3`. */
  readonly sources: readonly SourceEntry[]
  /** The service that has the name of these pods: `shop/web`. */
  readonly namesake?: string
  /** The last event folded in before the answer. */
  readonly seq: number
}

export interface NamedAddress {
  /** `shop/web`, `world`, `host`, or the address again; all of `members` where a word means many. */
  readonly name: string
  /** Of one of them; '' when he has none. */
  readonly address: string
  /** Who is judged so, where the word that was asked about means more than one. */
  readonly members?: readonly string[]
  /** The word that they are of. */
  readonly of?: string
}

/**
 * GET /v1/get/policies: in force, staged, refused, or one of the first two and refused when the last version was refused
 * and the one before holds.
 */
export interface PolicyView extends EventSource {
  readonly kind: string
  /** '' for a policy of the whole cluster. */
  readonly namespace: string
  readonly name: string
  readonly state: 'refused' | `${'in force' | 'staged'}${'' | '; newer version refused'}`
  readonly directions: readonly string[]
  /** Number of pods that it selects now. */
  readonly pods: number
  /** Event that brought the version in force, or staged; 0 when none is. */
  readonly seq: number
  readonly problems: readonly Problem[]
}

/** GET /v1/get/services: what a Service asks for, and what came of it on this node. */
export interface ServiceView extends ServiceFact {
  /** Event that brought it. */
  readonly seq: number
  readonly frontends: readonly FrontendView[]
  /** Endpoints that may get new connections, and all that there are. */
  readonly endpoints: { readonly active: number; readonly all: number }
  /** Its addresses and ports that others have, or want. */
  readonly conflicts: readonly Conflict[]
}

export interface FrontendView extends Omit<FrontendRow, 'namespace' | 'name' | 'selection' | 'fromBackends'> {
  /** `10.0.0.1:8080/TCP`; none: connections are refused at once. */
  readonly backends: readonly string[]
  /** Events that brought it and its endpoints. */
  readonly causes: readonly number[]
}

/** GET /v1/get/backends: an endpoint of a service's port. */
export interface BackendView {
  readonly namespace: string
  /** Of the service. */
  readonly name: string
  readonly portName: string
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly state: BackendState
  /** Its share of new connections; 0: none by what was said of it. */
  readonly weight: number
  readonly local: boolean
  /** '' where nobody said. */
  readonly node: string
  readonly zone: string
  readonly pod: string
  readonly causes: readonly number[]
}

/** GET /v1/get/egress: what becomes of a pod's packets to a block of destinations, by egress gateway policies. */
export interface EgressView {
  /** Of the pod that has the source address. */
  readonly namespace: string
  readonly name: string
  readonly source: string
  readonly destination: string
  readonly action: EgressRow['action']
  /** '' for a hole in a wider block. */
  readonly policy: string
  /** The node; '' where there is none. */
  readonly gateway: string
  /** '' where this node is the gateway, or there is none. */
  readonly gatewayIp: string
  /** What packets leave with; '' where another node decides it, or nobody can. */
  readonly egressIp: string
  /** Events that brought the policy and the gateway's node. */
  readonly causes: readonly number[]
}

export interface PodView {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly addresses: readonly string[]
  readonly identity: number
  readonly attached: boolean
  readonly ports: readonly string[]
  readonly workload: string
}

/** GET /v1/snapshot: the engine as it is now, for commands that judge states by themselves. */
export interface SnapshotAnswer {
  readonly seq: number
  readonly engine: EngineSnapshot
  /** Source of each event that brought a rule in force. */
  readonly sources: readonly SourceEntry[]
}
