/*
 * The compiled programs. This module lies as deep as the bundle of the command line that it is part of, so that both find
 * the same files.
 */

export const kernelObject = new URL('../../bpf/out/weir.o', import.meta.url)

export const memoryModule = new URL('../../bpf/out/weir.wasm', import.meta.url)
