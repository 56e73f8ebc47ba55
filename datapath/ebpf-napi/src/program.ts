import type {
  BpfLink,
  BpfProgram,
  ClsactFilter,
  ClsactOptions,
  Direction,
  NetnsOption,
  ProgramInfo,
  TcxOptions,
  TestRun,
  TestRunOptions,
} from './api.js'
import { attachClsact } from './clsact.js'
import { linkOf } from './link.js'
import { type NativeHandle, native } from './native.js'
import { Owned } from './owned.js'
import { attachTcx } from './tcx.js'

const defaultHeadroomBytes = 256

class KernelProgram extends Owned implements BpfProgram {
  readonly name: string
  readonly type: string
  readonly id: number

  constructor(handle: NativeHandle, fullName?: string) {
    super(handle)
    const info = native.programInfo(handle)
    this.name = fullName ?? info.name
    this.type = info.type
    this.id = info.id
  }

  info(): ProgramInfo {
    return native.programInfo(this.handle)
  }

  testRun(options: TestRunOptions = {}): TestRun {
    const { data, context, repeat = 1, flags = 0, cpu = 0, batchSize = 0 } = options
    const dataSizeOut = options.dataSizeOut ?? (data?.length ?? 0) + defaultHeadroomBytes
    return native.testRun(this.handle, data, context, repeat, flags, cpu, dataSizeOut, batchSize)
  }

  attachXdp(ifindex: number, mode: 'native' | 'generic' | 'auto' = 'auto', options: NetnsOption = {}): BpfLink {
    return linkOf(native.attachXdp(this.handle, ifindex, mode, options.netns))
  }

  attachTcx(ifindex: number, direction: Direction, options: TcxOptions = {}): BpfLink {
    return attachTcx(this.handle, ifindex, direction, options)
  }

  attachClsact(ifindex: number, direction: Direction, options: ClsactOptions = {}): ClsactFilter {
    return attachClsact(this.handle, ifindex, direction, options)
  }

  attachCgroup(cgroupPath: string, attachType: string): BpfLink {
    return linkOf(native.attachCgroup(this.handle, cgroupPath, attachType))
  }

  dup(): BpfProgram {
    return new KernelProgram(native.dup(this.handle), this.name)
  }
}

export function programOf(handle: NativeHandle, fullName?: string): BpfProgram {
  return new KernelProgram(handle, fullName)
}

/**
 * The program pinned at a path; ENOENT when nothing is there, ERR_EBPF_KIND when it is something else.
 *
 * @param fullName What it is called, where that is known: the kernel cuts names.
 */
export function openPinnedProgram(path: string, fullName?: string): BpfProgram {
  return new KernelProgram(native.openPinned('program', path), fullName)
}

export function programById(id: number): BpfProgram {
  return new KernelProgram(native.byId('program', id))
}
