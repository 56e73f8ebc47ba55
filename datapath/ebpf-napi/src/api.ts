/**
 * The shape of the package. Byte order is the host's; every key and value is a Uint8Array of exactly keySize or
 * valueSize bytes (per-CPU maps: valueSize rounded up to 8, times the number of possible CPUs).
 * Each call can throw an EbpfError with `code` ('ENOENT', …), `errno`, `call` ('bpf(BPF_MAP_CREATE)', …).
 */

export type MapType = string // 'hash' | 'lru_hash' | 'array' | 'percpu_array' | 'lpm_trie' | 'ringbuf' | …, as bpftool names them

export interface MapInfo {
  readonly name: string
  readonly type: MapType
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly id: number
}

export type UpdateFlag = 'any' | 'noexist' | 'exist'

export interface BpfMap {
  readonly info: MapInfo
  lookup(key: Uint8Array): Uint8Array | undefined
  update(key: Uint8Array, value: Uint8Array, flag?: UpdateFlag): void
  /** True when the key was there. */
  delete(key: Uint8Array): boolean
  /** Walks keys with get_next_key; entries deleted meanwhile are skipped. */
  entries(): IterableIterator<[Uint8Array, Uint8Array]>
  /** All entries by batch operations where the kernel has them for this map type; contiguous buffers. */
  lookupBatch(): { readonly keys: Uint8Array; readonly values: Uint8Array; readonly count: number }
  /** Contiguous keys and values; returns entries done. Falls back to single updates where batches aren't supported. */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flag?: UpdateFlag): number
  /** Contiguous keys; keys that aren't there are no error; returns keys that were there. */
  deleteBatch(keys: Uint8Array, count: number): number
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

export interface BpfProgram {
  readonly name: string
  readonly type: string
  readonly id: number
  testRun(options: {
    readonly data?: Uint8Array
    readonly context?: Uint8Array
    readonly repeat?: number
    readonly flags?: number
    readonly cpu?: number
    readonly dataSizeOut?: number
  }): TestRun
  pin(path: string): void
  attachXdp(ifindex: number, mode?: 'native' | 'generic' | 'auto'): BpfLink
  /** TCX (kernel 6.6+), as a link. `before`/`after` name another program's id for order. */
  attachTcx(ifindex: number, direction: 'ingress' | 'egress', order?: { before?: number; after?: number }): BpfLink
  /** clsact filter at a fixed handle and priority; replaces what is at that place. Outlives the process by itself. */
  attachClsact(ifindex: number, direction: 'ingress' | 'egress', options?: { handle?: number; priority?: number }): ClsactFilter
  attachCgroup(cgroupPath: string, attachType: string): BpfLink
  close(): void
}

export interface BpfLink {
  readonly id: number
  readonly type: string
  pin(path: string): void
  unpin(path: string): void
  /** Atomic replacement; packets meet the old program or the new one, never none. */
  update(program: BpfProgram): void
  detach(): void
  /** Closes the handle; a pinned link stays attached, an unpinned one detaches. */
  close(): void
}

export interface ClsactFilter {
  readonly ifindex: number
  readonly direction: 'ingress' | 'egress'
  readonly handle: number
  readonly priority: number
  detach(): void
}

export interface OpenOptions {
  /** maxEntries by map name. */
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Initial bytes of read-only or data sections by section name (`.rodata`), or by variable name. */
  readonly variables?: Readonly<Record<string, Uint8Array | number | bigint | boolean>>
  /** Pinned paths to reuse by map name; a missing pin is created, one with other geometry is an error (EEXIST-like, named). */
  readonly pins?: Readonly<Record<string, string>>
  /** Programs to leave out of the load. */
  readonly without?: readonly string[]
}

export interface BpfObject {
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly programs: ReadonlyMap<string, BpfProgram>
  /** Closes the object's maps and programs; pinned ones live on. */
  close(): void
}

/** A BTF type as data: enough to read and write any key or value. */
export type BtfType =
  | { readonly kind: 'int'; readonly name: string; readonly size: number; readonly signed: boolean; readonly bool: boolean }
  | { readonly kind: 'enum'; readonly name: string; readonly size: number; readonly values: Readonly<Record<string, number>> }
  | { readonly kind: 'array'; readonly length: number; readonly element: BtfType }
  | { readonly kind: 'struct' | 'union'; readonly name: string; readonly size: number; readonly members: readonly BtfMember[] }
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
  readonly key?: BtfType
  readonly value?: BtfType
}

export interface RingBuffer {
  /** Records handed to the callback so far. */
  readonly received: number
  close(): void
}

export interface Ebpf {
  /** Opens and loads an ELF object; the verifier's log (its end, and the whole of it up to 1 MiB) is in the error. */
  loadObject(source: string | Uint8Array, options?: OpenOptions): BpfObject
  /** Map layouts and named types of an object file, without loading it: needs no privilege. */
  readLayout(source: string | Uint8Array): { readonly maps: readonly MapLayout[]; readonly types: Readonly<Record<string, BtfType>> }
  createMap(spec: { type: MapType; name: string; keySize: number; valueSize: number; maxEntries: number; flags?: number; inner?: BpfMap }): BpfMap
  openPinnedMap(path: string): BpfMap
  openPinnedProgram(path: string): BpfProgram
  openPinnedLink(path: string): BpfLink
  mapById(id: number): BpfMap
  /** Programs attached by TCX at a device, in order. */
  queryTcx(ifindex: number, direction: 'ingress' | 'egress'): { readonly revision: bigint; readonly programs: readonly { programId: number; linkId: number }[] }
  /**
   * Batches of records on the event loop, from a thread that polls; `onRecords` gets each record in a buffer of its own
   * or a slice of one shared per batch. When JS falls behind, at most `queueBytes` wait, further records are counted in
   * `lost`.
   */
  openRingBuffer(map: BpfMap, onRecords: (records: readonly Uint8Array[], lost: number) => void, options?: { queueBytes?: number }): RingBuffer
  probe: {
    programType(type: string): boolean
    mapType(type: MapType): boolean
    helper(programType: string, helper: string): boolean
    tcx(): boolean
    kernelVersion(): readonly [number, number, number]
    possibleCpus(): number
    isBpffs(path: string): boolean
    /** Effective capabilities that matter: CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_PERFMON. */
    capabilities(): Readonly<Record<string, boolean>>
  }
  /** File descriptors this package holds open now, by kind and creating call; for leak tests. */
  openHandles(): readonly { kind: string; call: string }[]
}
