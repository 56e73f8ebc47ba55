import type { Observable } from 'rxjs'
import type { MapName, TableMapName } from './codec/maps.js'

export type ProgramName =
  | 'weir_from_endpoint'
  | 'weir_to_endpoint'
  | 'weir_from_device'
  | 'weir_to_device'
  | 'weir_xdp'
  | 'weir_from_overlay'
  | 'weir_to_overlay'

/** A map as bytes: keys and values of exactly keySize and valueSize bytes, in the host's byte order. */
export interface BackendMap {
  readonly name: MapName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  lookup(key: Uint8Array): Uint8Array | undefined
  /** @throws WeirError WEIR_MAP_FULL */
  update(key: Uint8Array, value: Uint8Array): void
  /** True when the key was there. */
  delete(key: Uint8Array): boolean
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>
  /**
   * The same in parts of about `count` entries, each read when it is asked for: other work may be done between them. What
   * is there all the time comes at least once.
   */
  parts(count: number): Iterable<readonly (readonly [Uint8Array, Uint8Array])[]>
  /** How many entries each of such parts has: to count them costs less than to look at them. */
  lengths(count: number): Iterable<number>
  /**
   * Contiguous keys and values, written in order.
   * @throws WeirError WEIR_MAP_FULL; entries before the one that didn't fit are written
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number): void
  /** Contiguous keys, deleted in order; keys that aren't there are no error. */
  deleteBatch(keys: Uint8Array, count: number): void
}

/** The numbers in weir_slots, as one run; writing costs no call to the kernel. */
export interface SlotMemory {
  /** How many there are. */
  readonly size: number
  /** Slots from `first` on; they must be within `size`. */
  write(first: number, numbers: Uint32Array): void
  read(first: number, count: number): Uint32Array
}

/** Records of the event ring in one turn of the event loop, not decoded yet. */
export interface EventBatch {
  /** One record after the other, each of `codecs.event.size` bytes. The next batch's memory: whoever needs one for longer copies it. */
  readonly data: Uint8Array
  readonly count: number
  /** Records that were lost since the batch before, because nobody read fast enough. */
  readonly lost: number
}

/** Where a packet enters a program. */
export interface PacketContext {
  readonly ifindex: number
  /** The device that brought it to the node; 0, for the node's own packets, unless said. */
  readonly ingressIfindex?: number
  /** 0 unless said. */
  readonly mark?: number
}

/** Programs at the calls of processes of a cgroup, by what they are attached to. */
export const socketHooks = {
  weir_connect4: 'cgroup_inet4_connect',
  weir_connect6: 'cgroup_inet6_connect',
  weir_sendmsg4: 'cgroup_udp4_sendmsg',
  weir_sendmsg6: 'cgroup_udp6_sendmsg',
  weir_recvmsg4: 'cgroup_udp4_recvmsg',
  weir_recvmsg6: 'cgroup_udp6_recvmsg',
  weir_getpeername4: 'cgroup_inet4_getpeername',
  weir_getpeername6: 'cgroup_inet6_getpeername',
  weir_post_bind4: 'cgroup_inet4_post_bind',
  weir_post_bind6: 'cgroup_inet6_post_bind',
} as const
export type SocketProgramName = keyof typeof socketHooks

/** Numbers of `TC_ACT_*`; `next` is what the node's devices give for pass, so that others' programs run there too. */
export const packetActions = { next: -1, pass: 0, drop: 2, redirect: 7 } as const

export interface PacketResult {
  /** TC_ACT_*, or XDP_* of weir_xdp */
  readonly action: number
  /** The packet as the program left it. */
  readonly packet: Uint8Array
  readonly mark: number
  /** Where a redirect goes, where the backend can tell. */
  readonly redirect?: { readonly ifindex: number; readonly toPeer: boolean }
}

/**
 * What an interface is to the node: the host side of a pod's veth, a device that the outside is reached by, or the one by
 * which packets to other nodes' pods get into tunnels.
 */
export type Role = 'endpoint' | 'device' | 'overlay'

/** An interface that has the programs of its role, or is to have them. */
export interface Attachment {
  readonly ifindex: number
  readonly ifname: string
  /** `endpoint` when absent. */
  readonly role?: Role
  /** Of the node's own devices: addresses that what the node sends on by it bears, of each family the first. */
  readonly sources?: readonly string[]
}

/** `auto`: native where the driver has it and is better off with it, else none. */
export type XdpChoice = 'native' | 'generic' | 'off' | 'auto'

/**
 * How answers of backends on other nodes reach clients outside: by the node that they called, or straight from the
 * backend's, of TCP alone where it is `hybrid`.
 */
export type LbMode = 'snat' | 'dsr' | 'hybrid'

/**
 * How the node of a backend that answers straight learns what its client called: by an option in what opens a flow, or as
 * all of a client's packets come within others.
 */
export type DsrDispatch = 'opt' | 'ipip'

/** How services of the outside are led to backends before the stack, if they are. */
export interface XdpState {
  readonly mode: 'native' | 'generic' | 'none'
  /** Why there is none. */
  readonly reason?: string
}

export interface AttachOptions {
  /** File of the network namespace that the interface is in; the process's own when absent. */
  readonly netns?: string
}

export interface SweepCount {
  readonly seen: number
  readonly removed: number
}

export interface Sweep {
  readonly ct4: SweepCount
  readonly ct6: SweepCount
  readonly frag4: SweepCount
  readonly frag6: SweepCount
  readonly nat4: SweepCount
  readonly nat6: SweepCount
}

/** Packets and bytes of one reason (0: passed), by direction of policy. */
export interface ReasonCount {
  readonly reason: number
  readonly egress: { readonly packets: bigint; readonly bytes: bigint }
  readonly ingress: { readonly packets: bigint; readonly bytes: bigint }
}

export interface Counters {
  /** Reasons with at least one packet. */
  readonly reasons: readonly ReasonCount[]
  /** By name in `enum weir_tally`, lower case, without prefix: `flows_opened`. */
  readonly tallies: Readonly<Record<string, bigint>>
}

/** What is in use, for `weir status`. */
export interface Features {
  readonly backend: 'kernel' | 'memory'
  /** Kernel release, or what the memory backend runs on. */
  readonly platform: string
  readonly attach: 'tcx' | 'clsact' | 'memory'
  readonly coarseClock: boolean
  readonly redirectPeer: boolean
  /** Who removes expired flows: the program in the kernel, or user space entry by entry. */
  readonly sweep: 'program' | 'entries'
  /** Where addresses of services are translated: at the calls of a cgroup's processes, or why they can't be. */
  readonly sockets: 'cgroup' | 'memory' | 'unsupported'
  /** What a process sees whose service has no backend: ECONNREFUSED, or EPERM where the kernel has no other word. */
  readonly refusal: 'ECONNREFUSED' | 'EPERM'
  /** Maps taken over from an earlier run, and what was migrated or dropped on the way. */
  readonly maps: readonly string[]
}

/** Where policy tables live and packets run. */
export interface Backend {
  readonly kind: 'kernel' | 'memory'
  readonly maps: Readonly<Record<TableMapName, BackendMap>>
  readonly slots: SlotMemory
  /** Hot; batches nobody subscribes to are gone. */
  readonly events: Observable<EventBatch>
  readonly features: Features
  runProgram(program: ProgramName, packet: Uint8Array, context: PacketContext): PacketResult
  /** Programs onto an interface; onto one that has them, the programs of this build, without a gap. */
  attach(attachment: Attachment, options?: AttachOptions): void
  /** No error when nothing is attached there. */
  detach(attachment: Attachment, options?: AttachOptions): void
  /** Interfaces that have the programs, earlier runs' included. */
  attachments(options?: AttachOptions): readonly Attachment[]
  /** Of one of the node's own devices. */
  xdpAt(attachment: Attachment): XdpState
  /** May XDP of the node's other devices send by this one? Not where frames could be lost. */
  takesFrames(attachment: Attachment, options?: AttachOptions): boolean
  /**
   * Programs onto the calls of the processes in a cgroup and those below it; where they are already, those of this build,
   * without a gap. From another cgroup they are taken away.
   * @param cgroup its directory
   * @throws WeirError WEIR_CGROUP_UNUSABLE
   */
  attachSockets(cgroup: string): void
  /** No error when they are nowhere. */
  detachSockets(): void
  /** How many of the programs are in place. */
  socketsAttached(): number
  sweep(): Sweep
  counters(): Counters
  /** Ends this handle. What is pinned goes on. */
  close(): void
}

/** What tables of services are written to. */
export type ServiceMaps = Pick<Backend, 'maps' | 'slots'>
