import { WeirError } from '@weir/core/errors.js'
import type { KernelBackendHandle, KernelBackendOptions } from './backend.js'
import type { KernelTraces } from './traces.js'

/**
 * createKernelBackend of ./backend.js, which loads the native addon when it is imported: by this way the rest of the
 * package does without it.
 * @throws WeirError WEIR_CAPABILITY_MISSING, WEIR_BPFFS_MISSING, WEIR_KERNEL_UNSUPPORTED, WEIR_PROGRAM_MISSING
 */
export async function loadKernelBackend(options: KernelBackendOptions): Promise<KernelBackendHandle> {
  const { createKernelBackend } = await import('./backend.js').catch(notBuilt)
  return createKernelBackend(options)
}

/**
 * kernelTraces of ./traces.js, in the same way.
 * @throws WeirError WEIR_PROGRAM_MISSING
 */
export async function loadKernelTraces(bpffs: string): Promise<readonly KernelTraces[]> {
  const { kernelTraces } = await import('./traces.js').catch(notBuilt)
  return kernelTraces(bpffs)
}

function notBuilt(cause: unknown): never {
  if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_EBPF_NOT_BUILT')) throw cause
  const payload = { path: 'ebpf_napi.node', build: 'npm run build:native --workspace ebpf-napi' }
  throw new WeirError('WEIR_PROGRAM_MISSING', cause.message, payload, { cause })
}
