import type { BpfLink, BpfProgram, LinkInfo } from './api.js'
import { type NativeHandle, native } from './native.js'
import { handleOf, Owned } from './owned.js'

class KernelLink extends Owned implements BpfLink {
  readonly id: number
  readonly type: string

  constructor(handle: NativeHandle) {
    super(handle)
    const info = native.linkInfo(handle)
    this.id = info.id
    this.type = info.type
  }

  info(): LinkInfo {
    return native.linkInfo(this.handle)
  }

  update(program: BpfProgram): void {
    native.linkUpdate(this.handle, handleOf(program))
  }

  detach(): void {
    native.linkDetach(this.handle)
  }
}

export function linkOf(handle: NativeHandle): BpfLink {
  return new KernelLink(handle)
}

/** The link pinned at a path; ENOENT when nothing is there, ERR_EBPF_KIND when it is something else. */
export function openPinnedLink(path: string): BpfLink {
  return new KernelLink(native.openPinned('link', path))
}

export function linkById(id: number): BpfLink {
  return new KernelLink(native.byId('link', id))
}
