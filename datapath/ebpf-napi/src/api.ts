/**
 * The shapes of the package. Byte order is the host's; every key and value is a Uint8Array of exactly keySize or
 * valueBytes bytes (per-CPU maps: valueSize rounded up to 8, times the number of possible CPUs).
 * Each call can throw an EbpfError with `code` ('ENOENT', …), `errno` and `call` ('bpf(BPF_MAP_CREATE)', …).
 */

/** As bpftool names them: 'hash', 'lru_hash', 'array', 'percpu_array', 'lpm_trie', 'ringbuf', 'hash_of_maps', … */
export type MapType = string

export interface MapInfo {
  /** Of at most 15 characters: the kernel cuts longer ones. */
  readonly name: string
  readonly type: MapType
  readonly keySize: number
  readonly valueSize: number
  /** Bytes of a value in lookup and update: valueSize, or for per-CPU maps that of all possible CPUs. */
  readonly valueBytes: number
  readonly maxEntries: number
  readonly flags: number
  readonly id: number
}

export type UpdateFlag = 'any' | 'noexist' | 'exist'
export type Direction = 'ingress' | 'egress'

/** All entries of a map, contiguous: entry i has its key at i × keySize and its value at i × valueBytes. */
export interface MapEntries {
  readonly keys: Uint8Array
  readonly values: Uint8Array
  readonly count: number
}

export interface BpfMap {
  readonly info: MapInfo
  /** The value in a fresh array; undefined when the key isn't there. Maps of maps give the inner map's id. */
  lookup(key: Uint8Array): Uint8Array | undefined
  /** As lookup, into an array of the caller's; false when the key isn't there. Allocates nothing. */
  lookupInto(key: Uint8Array, value: Uint8Array): boolean
  /** EEXIST and ENOENT are thrown when `flag` is broken, E2BIG when the map is full. */
  update(key: Uint8Array, value: Uint8Array, flag?: UpdateFlag): void
  /** Puts a map into a map of maps. */
  updateMap(key: Uint8Array, inner: BpfMap, flag?: UpdateFlag): void
  /** Puts a program into a program array. */
  updateProgram(key: Uint8Array, program: BpfProgram, flag?: UpdateFlag): void
  /** True when the key was there. Arrays can't delete: EINVAL. */
  delete(key: Uint8Array): boolean
  /** Each key that was there at the start, with its value at the time it is reached; deleted ones are skipped. */
  entries(): IterableIterator<[Uint8Array, Uint8Array]>
  /** All entries, by batch operations where the kernel has them for this map type, else key by key. */
  lookupBatch(): MapEntries
  /**
   * The same in parts of about so many entries, each read when it is asked for, so that other work can be done between
   * them. An entry that is there all the time comes at least once; of one that comes or goes meanwhile nothing is said. Map
   * types without batch operations come in one part.
   */
  lookupParts(entries: number): IterableIterator<MapEntries>
  /**
   * Contiguous keys and values; returns entries done. Falls back to single updates where batches aren't supported.
   * An error carries in `done` how many entries were written before it.
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flag?: UpdateFlag): number
  /** Contiguous keys; keys that aren't there are no error; returns keys that were there. */
  deleteBatch(keys: Uint8Array, count: number): number
  /** The types of keys and values as the kernel knows them; absent for maps made without BTF. */
  layout(): MapLayout
  /** The memory of an array made with BPF_F_MMAPABLE; elements are valueSize rounded up to 8 apart. */
  memory(): ArrayBuffer
  /** On a bpffs, in a directory that exists. */
  pin(path: string): void
  unpin(path: string): void
  dup(): BpfMap
  close(): void
}

/** What a program's run gave back. */
export interface TestRun {
  readonly retval: number
  /** Packet after the program; empty for programs without packets. */
  readonly data: Uint8Array
  /** Context after the program, when one was given. */
  readonly context?: Uint8Array
  /** Mean nanoseconds of one repeat, as the kernel measured it. */
  readonly durationNs: number
}

export interface TestRunOptions {
  readonly data?: Uint8Array
  /** The program's context (`struct __sk_buff`, `struct xdp_md`, …; any bytes for SEC("syscall") programs). */
  readonly context?: Uint8Array
  /** 1 by default. */
  readonly repeat?: number
  readonly flags?: number
  readonly cpu?: number
  /** Room for the packet after the run; 256 bytes more than `data` by default. A larger packet is ENOSPC. */
  readonly dataSizeOut?: number
  /** XDP with BPF_F_TEST_XDP_LIVE_FRAMES: frames a round, the kernel's 64 by default. */
  readonly batchSize?: number
}

/** Where a device is: its namespace's file (`/run/netns/NAME`, `/proc/PID/ns/net`); the caller's own when absent. */
export interface NetnsOption {
  readonly netns?: string
}

export interface TcxOptions extends NetnsOption {
  /** Run before this program's id, or before all. */
  readonly before?: number | 'all'
  /** Run behind this program's id, or behind all (the default). */
  readonly after?: number | 'all'
  /** Fail with ESTALE when the hook has changed since queryTcx gave this revision. */
  readonly expectedRevision?: bigint
}

export interface ClsactOptions extends NetnsOption {
  /** 1 by default. */
  readonly handle?: number
  /** 1 by default; lower runs first. */
  readonly priority?: number
}

export interface ProgramInfo {
  /** Of at most 15 characters: the kernel cuts longer ones. */
  readonly name: string
  readonly type: string
  readonly id: number
  /** Hash of the instructions, 16 hexadecimal digits. */
  readonly tag: string
  readonly translatedSizeBytes: number
  readonly jitedSizeBytes: number
  /** 0 before kernel 5.16. */
  readonly verifiedInstructions: number
  /** Of the maps that it uses, its data sections among them. */
  readonly mapIds: readonly number[]
}

export interface BpfProgram {
  /** In full when the program comes from an object. */
  readonly name: string
  /** As bpftool names them: 'xdp', 'sched_cls', 'cgroup_sock_addr', 'syscall', … */
  readonly type: string
  readonly id: number
  info(): ProgramInfo
  testRun(options?: TestRunOptions): TestRun
  pin(path: string): void
  unpin(path: string): void
  /** 'auto': native where the driver can, else generic. */
  attachXdp(ifindex: number, mode?: 'native' | 'generic' | 'auto', options?: NetnsOption): BpfLink
  /** TCX (kernel 6.6+), as a link. */
  attachTcx(ifindex: number, direction: Direction, options?: TcxOptions): BpfLink
  /** clsact filter at a fixed handle and priority; replaces what is at that place. Outlives the process by itself. */
  attachClsact(ifindex: number, direction: Direction, options?: ClsactOptions): ClsactFilter
  /** `attachType` as libbpf names them: 'cgroup_inet4_connect', 'cgroup_inet_egress', … */
  attachCgroup(cgroupPath: string, attachType: string): BpfLink
  dup(): BpfProgram
  close(): void
}

export interface LinkInfo {
  readonly id: number
  /** 'xdp', 'tcx', 'cgroup', … */
  readonly type: string
  readonly programId: number
  /** Of XDP and TCX links; 0 when the device is gone. */
  readonly ifindex?: number
  /** Of cgroup links: the inode of the cgroup's directory; 0 when that is gone. */
  readonly cgroupId?: bigint
}

export interface BpfLink {
  readonly id: number
  readonly type: string
  info(): LinkInfo
  pin(path: string): void
  unpin(path: string): void
  /** Atomic replacement; packets meet the old program or the new one, never none. */
  update(program: BpfProgram): void
  /** Takes the program off its hook; the link stays as an empty handle. */
  detach(): void
  /** Closes the handle; a pinned link stays attached, an unpinned one detaches. */
  close(): void
}

export interface ClsactFilter {
  readonly ifindex: number
  readonly direction: Direction
  readonly handle: number
  readonly priority: number
  detach(): void
}

export interface OpenOptions {
  /** maxEntries by map name. */
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Initial bytes of read-only or data sections by section name (`.rodata`), or values by variable name. */
  readonly variables?: Readonly<Record<string, Uint8Array | number | bigint | boolean>>
  /**
   * Pinned paths to reuse by map name; a missing pin is created (its directory has to exist), one with other geometry
   * is ERR_EBPF_PIN_MISMATCH, which names the differences in `mismatch`.
   */
  readonly pins?: Readonly<Record<string, string>>
  /** Programs to leave out of the load. */
  readonly without?: readonly string[]
}

export interface BpfObject {
  /** By their names in C; data sections as `.rodata`, `.bss`, … */
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly programs: ReadonlyMap<string, BpfProgram>
  /** Closes the object's maps and programs; pinned ones live on. */
  close(): void
}

/** A BTF type as data: enough to read and write any key or value. Typedefs and qualifiers are looked through. */
export type BtfType =
  | {
      readonly kind: 'int'
      readonly name: string
      readonly size: number
      readonly signed: boolean
      readonly bool: boolean
    }
  | {
      readonly kind: 'enum'
      readonly name: string
      readonly size: number
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly kind: 'array'; readonly length: number; readonly element: BtfType }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly size: number
      readonly members: readonly BtfMember[]
    }
  | { readonly kind: 'other'; readonly name: string; readonly size: number }

export interface BtfMember {
  readonly name: string
  readonly offsetBits: number
  /** Absent unless a bit field. */
  readonly bits?: number
  readonly type: BtfType
}

export interface MapLayout {
  readonly name: string
  readonly type: MapType
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly key?: BtfType
  readonly value?: BtfType
}

export interface ObjectLayout {
  readonly maps: readonly MapLayout[]
  readonly programs: readonly { readonly name: string; readonly section: string; readonly type: string }[]
  /** Named structs, unions and enums. */
  readonly types: Readonly<Record<string, BtfType>>
}

export interface MapSpec {
  readonly type: MapType
  readonly name: string
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  /** BPF_F_… bits. */
  readonly flags?: number
  /** Maps of maps: a map of the geometry that the inner ones have. */
  readonly inner?: BpfMap
}

export interface TcxPrograms {
  /** Counts changes of the hook; it starts at 1 again when the last program leaves. */
  readonly revision: bigint
  readonly programs: readonly { readonly programId: number; readonly linkId: number }[]
}

export interface RingBufferOptions {
  /** Most bytes that wait for the event loop; 4 MiB by default. */
  readonly queueBytes?: number
  /**
   * Also looks for records this often, 1 to 60000 milliseconds: for programs that submit without a wake-up
   * (BPF_RB_NO_WAKEUP), so that a record doesn't cost its sender one. By default the program's wake-ups are all.
   */
  readonly pollMs?: number
}

/** Records one after the other, `ends[i]` being where record `i` ends, and how many were lost since the batch before. */
export type OnRingBatch = (data: Uint8Array, ends: Uint32Array, lost: number) => void

export interface RingBuffer {
  /** Records handed to the callback so far. */
  readonly received: number
  /** Records dropped because the queue was full, as told to the callback so far. */
  readonly lost: number
  /** An open ring buffer keeps the process alive; unref() lets it end, ref() undoes that. */
  ref(): this
  unref(): this
  /** Returns when the polling thread has ended; no record is handed over afterwards. */
  close(): void
}

/** A file descriptor that this package holds open, and the call that made it. */
export interface OpenHandle {
  readonly kind: string
  readonly call: string
  readonly name: string
}
