import { WeirError } from '@weir/core/errors.js'
import type { KernelBackendHandle, KernelBackendOptions } from './backend.js'

/**
 * The programs in the kernel, with maps and links pinned under BPFFS/weir/NODE/. What an earlier run pinned is taken
 * over: packets flow on, under its programs until attach() brings this build's. The native addon is loaded only here,
 * so that the memory backend does without.
 * @throws WeirError WEIR_CAPABILITY_MISSING, WEIR_BPFFS_MISSING, WEIR_KERNEL_UNSUPPORTED, WEIR_PROGRAM_MISSING
 */
export async function createKernelBackend(options: KernelBackendOptions): Promise<KernelBackendHandle> {
  const { openKernelBackend } = await import('./backend.js').catch((cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_EBPF_NOT_BUILT')) throw cause
    const payload = { path: 'ebpf_napi.node', build: 'npm run build:native --workspace ebpf-napi' }
    throw new WeirError('WEIR_PROGRAM_MISSING', cause.message, payload, { cause })
  })
  return openKernelBackend(options)
}
