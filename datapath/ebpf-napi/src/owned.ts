import { EbpfError } from './error.js'
import { type NativeHandle, native } from './native.js'

/** What maps, programs and links share: a descriptor of the kernel's that can be pinned and is closed once. */
export abstract class Owned {
  readonly handle: NativeHandle

  constructor(handle: NativeHandle) {
    this.handle = handle
    // Kept out of what console.log shows and of copies.
    Object.defineProperty(this, 'handle', { enumerable: false })
  }

  pin(path: string): void {
    native.pin(this.handle, path)
  }

  unpin(path: string): void {
    native.unpin(path)
  }

  close(): void {
    native.close(this.handle)
  }
}

/** The handle of a map, program or link; the addon checks which of them it is. */
export function handleOf(owner: object): NativeHandle {
  if (!(owner instanceof Owned)) {
    throw new EbpfError('ERR_EBPF_ARGUMENT', 'handle', 'not a map, program or link of this package')
  }
  return owner.handle
}
