import { createRequire } from 'node:module'
import type {
  BtfType,
  Direction,
  LinkInfo,
  MapInfo,
  ObjectLayout,
  OpenHandle,
  ProgramInfo,
  TcxPrograms,
} from './api.js'
import { EbpfError } from './error.js'

declare const handle: unique symbol
/** An owned descriptor; only the addon looks inside. */
export interface NativeHandle {
  readonly [handle]: 'handle'
}
export interface NativeRing {
  readonly [handle]: 'ring'
}

type HandleKind = 'map' | 'program' | 'link'

interface Native {
  setErrorClass(errorClass: typeof EbpfError): void
  close(handle: NativeHandle): void
  isOpen(handle: NativeHandle): boolean
  pin(handle: NativeHandle, path: string): void
  unpin(path: string): void
  openPinned(kind: HandleKind, path: string): NativeHandle
  byId(kind: HandleKind, id: number): NativeHandle
  dup(handle: NativeHandle): NativeHandle
  openHandles(): OpenHandle[]

  createMap(spec: object): NativeHandle
  mapInfo(map: NativeHandle): MapInfo
  mapTypes(map: NativeHandle): { key?: BtfType; value?: BtfType }
  lookup(map: NativeHandle, key: Uint8Array, value: Uint8Array): boolean
  update(map: NativeHandle, key: Uint8Array, value: Uint8Array, flag: number): void
  updateFd(map: NativeHandle, key: Uint8Array, value: NativeHandle, flag: number): void
  delete(map: NativeHandle, key: Uint8Array): boolean
  mapMemory(map: NativeHandle): ArrayBuffer
  lookupBatch(map: NativeHandle): { keys: Uint8Array; values: Uint8Array; count: number }
  lookupPart(
    map: NativeHandle,
    cursor: Uint8Array,
    isFirst: boolean,
    entries: number,
  ): { keys: Uint8Array; values: Uint8Array; count: number; last: boolean }
  updateBatch(map: NativeHandle, keys: Uint8Array, values: Uint8Array, count: number, flag: number): number
  deleteBatch(map: NativeHandle, keys: Uint8Array, count: number): number

  loadObject(
    source: string | Uint8Array,
    options: {
      maxEntries: (readonly [string, number])[]
      variables: (readonly [string, Uint8Array | bigint])[]
      pins: (readonly [string, string])[]
      without: readonly string[]
    },
  ): { maps: [string, NativeHandle][]; programs: [string, NativeHandle][] }
  readLayout(source: string | Uint8Array): ObjectLayout

  programInfo(program: NativeHandle): ProgramInfo
  testRun(
    program: NativeHandle,
    data: Uint8Array | undefined,
    context: Uint8Array | undefined,
    repeat: number,
    flags: number,
    cpu: number,
    dataSizeOut: number,
    batchSize: number,
  ): { retval: number; durationNs: number; data: Uint8Array; context?: Uint8Array }

  attachXdp(program: NativeHandle, ifindex: number, mode: string, netns: string | undefined): NativeHandle
  attachTcx(
    program: NativeHandle,
    ifindex: number,
    direction: Direction,
    flags: number,
    relativeId: number,
    expectedRevision: bigint,
    netns: string | undefined,
  ): NativeHandle
  queryTcx(ifindex: number, direction: Direction, netns: string | undefined): TcxPrograms
  attachCgroup(program: NativeHandle, path: string, attachType: string): NativeHandle
  linkInfo(link: NativeHandle): LinkInfo
  linkUpdate(link: NativeHandle, program: NativeHandle): void
  linkDetach(link: NativeHandle): void

  attachClsact(
    program: NativeHandle,
    ifindex: number,
    direction: Direction,
    handle: number,
    priority: number,
    netns: string | undefined,
  ): number
  detachClsact(ifindex: number, direction: Direction, handle: number, priority: number, netns: string | undefined): void
  queryClsact(
    ifindex: number,
    direction: Direction,
    handle: number,
    priority: number,
    netns: string | undefined,
  ): number
  destroyClsact(ifindex: number, netns: string | undefined): void

  deviceDriver(ifindex: number, netns: string | undefined): string | undefined

  openRing(
    map: NativeHandle,
    onBatch: (data: Uint8Array, ends: Uint32Array, lost: number) => void,
    queueBytes: number,
    pollMs: number,
  ): NativeRing
  closeRing(ring: NativeRing): void
  referenceRing(ring: NativeRing, referenced: boolean): void

  probeProgramType(type: string): boolean
  probeMapType(type: string): boolean
  probeHelper(programType: string, helper: string): boolean
  possibleCpus(): number
  ticksPerSecond(): number
  libbpfVersion(): string
  mountBpffs(path: string): void
  unmount(path: string): void
}

function load(): Native {
  const path = new URL('../build/Release/ebpf_napi.node', import.meta.url)
  try {
    const native = createRequire(import.meta.url)(path.pathname) as Native
    native.setErrorClass(EbpfError)
    return native
  } catch (cause) {
    const error = new EbpfError(
      'ERR_EBPF_NOT_BUILT',
      'require',
      `${path.pathname} can't be loaded (${(cause as Error).message}); build it with ` +
        '`npm run build:native` in the package, which needs a C++17 compiler, make, Python 3 and libbpf-dev',
    )
    error.cause = cause
    throw error
  }
}

export const native = load()
