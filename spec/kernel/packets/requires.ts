import { capabilities } from 'ebpf-napi'

/** Why kernel tests can't run here, or undefined. */
export function whyNoKernel(): string | undefined {
  const { CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN } = capabilities()
  if (!CAP_SYS_ADMIN && !(CAP_BPF && CAP_NET_ADMIN)) return 'needs CAP_BPF and CAP_NET_ADMIN'
  return undefined
}
