import type { AgentFact } from '@weir/core'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import type { TableOptions } from '@weir/datapath/services/table-builds.js'
import type { DsrDispatch, LbMode, XdpChoice } from '@weir/datapath/backend.js'
import type { FlowRetention } from '@weir/store'
import type { PortRange } from '@weir/datapath/kernel/nat-ports.js'
import type { CniOptions } from '../cni/plugin.js'
import type { CredentialOptions } from '../kubernetes/credentials.js'
import type { AccessGroups } from './access.js'
import type { Clock } from './clock.js'
import type { AttachChoice } from './datapath.js'
import type { MapSizes } from './map-names.js'
import type { Retention } from './retention.js'
import type { Source } from './source.js'

export type BackendChoice = 'kernel' | 'memory' | 'auto'

/** What an agent is told when it starts. */
export interface AgentOptions {
  /** Holds the log; made when missing. */
  readonly stateFolder: string
  /** Path of the unix socket; no socket when absent. */
  readonly socketPath?: string
  /** Groups that may ask there, besides root and the agent's own user. */
  readonly access?: AccessGroups
  readonly node: string
  readonly cluster?: string
  readonly labelFilter?: readonly string[]
  readonly backend: BackendChoice
  /** A BPF file system, /sys/fs/bpf when absent: maps and links pinned there outlive the agent. */
  readonly bpffs?: string
  /** Folder of the pins below it; the node's name when absent. */
  readonly pinName?: string
  /** Path of the network namespace that holds the host sides of the pods' devices; this process's when absent. */
  readonly netns?: string
  /** Directory of the cgroup whose processes reach services by their addresses; when absent none do. */
  readonly cgroup?: string
  /** TCX where the kernel has it when absent. */
  readonly attach?: AttachChoice
  /** At the node's own devices; native where the driver has it and is better off with it when absent. */
  readonly xdp?: XdpChoice
  /** `snat` when absent; the same on every node of a cluster. */
  readonly lbMode?: LbMode
  /** `opt` when absent; the same on every node of a cluster. */
  readonly dsrDispatch?: DsrDispatch
  /** Ports for flows that get another one; those that neither the kernel nor a node port takes when absent. */
  readonly natPorts?: PortRange
  /** Sizes of kernel maps, where they aren't to be the default ones. */
  readonly mapSizes?: MapSizes
  /** Sizes and seed of Maglev tables: the same on every node of a cluster. The default size, and seed 0, when absent. */
  readonly maglev?: TableOptions
  /** A folder or file of manifests to follow. */
  readonly manifests?: string
  /** The API server to follow, by what leads to it. It is told what became of its policies when it is to be. */
  readonly kubernetes?: CredentialOptions & { readonly writesBack?: boolean }
  /** The node's own addresses: its traffic to its pods always passes. */
  readonly nodeAddresses?: readonly string[]
  /** Blocks that hold those of the node's addresses which have node ports; absent: all have. */
  readonly nodePortAddresses?: readonly string[]
  /** Families in which pods' traffic leaves the cluster under the node's address; none when absent. */
  readonly masquerade?: AgentFact['masquerade']
  /** Blocks that are reached without masquerading. */
  readonly nativeRoutingCidrs?: readonly string[]
  /** A file of ip-masq-agent's form to follow, there or not. */
  readonly ipMasqConfig?: string
  /** Where pods of manifests get addresses from: a block of each family, or of one. */
  readonly podCidrs?: readonly string[]
  /** How pods of other nodes are reached; `off`, by nothing of Weir's, when absent. Kernel backend only. */
  readonly routing?: RoutingMode
  /** What CIDRs of Cilium's policies match besides addresses outside the cluster. */
  readonly cidrMatch?: AgentFact['cidrMatch']
  /** Names of the node's own devices, with `*` for any characters; found by itself when absent. Kernel backend only. */
  readonly devices?: readonly string[]
  /** TCP ports of the node that stay open whatever isolates it: ssh and the API server when absent, none when empty. */
  readonly failSafePorts?: readonly number[]
  /** Where the node's own health is answered, as kube-proxy's `/healthz`; nowhere when absent. */
  readonly healthz?: { readonly address: string; readonly port: number }
  /** Plugs pods in for a container runtime; nobody is when absent. Kernel backend only. */
  readonly cni?: CniOptions
  readonly sources?: readonly Source[]
  readonly clock: Clock
  /** One line for whoever runs the agent: what it couldn't do, what it repaired. */
  readonly report?: (message: string) => void
  /** Events between snapshots of the engine. */
  readonly snapshotEvery?: number
  /** Path of the Ed25519 key, PEM, that signs checkpoints; made in the state folder when absent. */
  readonly checkpointKey?: string
  /** Events between checkpoints. */
  readonly checkpointEvery?: number
  readonly checkpointPeriodMs?: number
  /** How much of the log is kept; all of it when absent. */
  readonly logRetention?: Retention
  /** How often that is looked at, an hour when absent. */
  readonly logRetentionPeriodMs?: number
  /** Keeps flow history in the state folder, until then or as much; keeps none when absent. */
  readonly flowHistory?: FlowRetention
  /** Packets a second and CPU that the datapath tells of; more are counted, not told. Kernel backend only. */
  readonly flowEventsPerSecond?: number
  /** Flows kept in memory for those who begin to observe. */
  readonly flowsKept?: number
  readonly verifyPeriodMs?: number
  readonly sweepPeriodMs?: number
}
