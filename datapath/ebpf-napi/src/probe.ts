import { readFileSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import type { MapType } from './api.js'
import { EbpfError } from './error.js'
import { native } from './native.js'
import { queryTcx } from './tcx.js'

const bpffsMagic = 0xcafe4a11
const capabilityBits = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const

/** Effective capabilities that decide what eBPF may do. */
export function capabilities(): Readonly<Record<keyof typeof capabilityBits, boolean>> {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))
  const effective = BigInt(`0x${line?.[1] ?? '0'}`)
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n
  return {
    CAP_NET_ADMIN: has(capabilityBits.CAP_NET_ADMIN),
    CAP_SYS_ADMIN: has(capabilityBits.CAP_SYS_ADMIN),
    CAP_PERFMON: has(capabilityBits.CAP_PERFMON),
    CAP_BPF: has(capabilityBits.CAP_BPF),
  }
}

// A probe that isn't permitted fails like one of a kernel without the feature: neither yes nor no.
function requireBpf(call: string): void {
  const { CAP_BPF, CAP_SYS_ADMIN } = capabilities()
  if (!CAP_BPF && !CAP_SYS_ADMIN) {
    throw new EbpfError('EPERM', call, "can't tell", { errno: 1 })
  }
}

function kernelVersion(): readonly [number, number, number] {
  const [, major = '0', minor = '0', patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release()) ?? []
  return [Number(major), Number(minor), Number(patch)]
}

function tcx(): boolean {
  requireBpf('probe.tcx')
  try {
    // The loopback device is number 1 in every namespace.
    queryTcx(1, 'ingress')
    return true
  } catch (error) {
    if (error instanceof EbpfError && error.code === 'EINVAL') {
      return false
    }
    throw error
  }
}

/** What this kernel can do. Each answers yes or no, and throws EPERM when the process may not find out. */
export const probe = {
  programType(type: string): boolean {
    requireBpf('probe.programType')
    return native.probeProgramType(type)
  },
  mapType(type: MapType): boolean {
    requireBpf('probe.mapType')
    return native.probeMapType(type)
  },
  /** Whether programs of a type may call a helper, by its name with or without `bpf_`. */
  helper(programType: string, helper: string): boolean {
    requireBpf('probe.helper')
    return native.probeHelper(programType, helper)
  },
  tcx,
  /** Major, minor, patch. */
  kernelVersion,
  /** CPUs that per-CPU values are kept for, offline ones included. */
  possibleCpus: (): number => native.possibleCpus(),
  /** Of the kernel's own count, which programs read by bpf_jiffies64. */
  ticksPerSecond: (): number => native.ticksPerSecond(),
  libbpfVersion: (): string => native.libbpfVersion(),
  isBpffs: (path: string): boolean => statfsSync(path).type === bpffsMagic,
  capabilities,
} as const
