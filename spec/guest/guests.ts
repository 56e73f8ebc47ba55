import { whyNoGuest } from './guest.js'
import { fetchKernel, type Kernel, kernelSources } from './kernels.js'

/** A kernel to boot, if it can be. */
export interface Guest {
  readonly name: string
  readonly version: (typeof kernelSources)[number]['version']
  readonly kernel?: Kernel
  /** Why it can't be had. */
  readonly reason?: string
}

export const guests = kernelSources.map((source): Guest => {
  const { version } = source
  const reason = whyNoGuest()
  if (reason !== undefined) return { name: `Linux ${version} (${reason})`, version, reason }
  try {
    const kernel = fetchKernel(source)
    return { name: `Linux ${kernel.release}`, version, kernel }
  } catch (error) {
    const [line = ''] = String(error).split('\n')
    return { name: `Linux ${version} (its package can't be had: ${line})`, version, reason: line }
  }
})

/** A word of a shell script. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
