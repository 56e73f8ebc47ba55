import { probe } from 'ebpf-napi'
import type { Context } from 'mocha'
import { namespacesMissing } from '../netns-napi/veth.js'

function skip(context: Context, reason: string): never {
  if (context.test !== undefined) {
    context.test.title += ` [${reason}]`
  }
  return context.skip()
}

/** Skips where eBPF can't be tried at all. */
export function needsBpf(context: Context): void {
  const { CAP_BPF, CAP_SYS_ADMIN, CAP_NET_ADMIN } = probe.capabilities()
  if (!(CAP_SYS_ADMIN || (CAP_BPF && CAP_NET_ADMIN))) {
    skip(context, 'needs CAP_BPF and CAP_NET_ADMIN')
  }
}

/** Skips below a kernel version only: on a newer one the feature has to work. */
export function needsKernel(context: Context, major: number, minor: number): void {
  const [haveMajor, haveMinor] = probe.kernelVersion()
  if (haveMajor < major || (haveMajor === major && haveMinor < minor)) {
    skip(context, `needs kernel ${major}.${minor}`)
  }
}

export function needsNamespaces(context: Context): void {
  const missing = namespacesMissing()
  if (missing !== undefined) {
    skip(context, missing)
  }
}
