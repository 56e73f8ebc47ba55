import { execFileSync } from 'node:child_process'
import { capabilities } from 'ebpf-napi'

/** Why kernel tests can't run here; undefined when they can, and then a failure is a failure. */
export function whyNoKernel(): string | undefined {
  const { CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN } = capabilities()
  return CAP_SYS_ADMIN || (CAP_BPF && CAP_NET_ADMIN) ? undefined : 'needs CAP_BPF and CAP_NET_ADMIN'
}

export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

export const ifindexOf = (name: string, ...where: string[]): number =>
  (JSON.parse(ip('-j', ...where, 'link', 'show', name)) as { ifindex: number }[])[0]!.ifindex

/** Takes a link away if it is there. */
export function removeLink(name: string): void {
  try {
    execFileSync('ip', ['link', 'delete', name], { stdio: 'ignore' })
  } catch {
    // It isn't there.
  }
}
