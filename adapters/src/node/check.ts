import type { Features } from '@weir/datapath/backend.js'
import { findConflicts } from './conflicts.js'
import type { NodeView } from './view.js'

/** `missing`: an agent can't do its work so. `warning`: it can, but not all of it, or not as its users expect. */
export type CheckState = 'ok' | 'warning' | 'missing'

/** One thing that an agent needs of a node. */
export interface Check {
  readonly subject: 'privileges' | 'kernel' | 'mounts' | 'forwarding' | 'storage' | 'conflicts'
  readonly name: string
  readonly state: CheckState
  /** What is there. */
  readonly found: string
  /** What to do about it; absent where all is well. */
  readonly remedy?: string
}

export interface CheckOptions {
  readonly bpffs: string
  readonly stateFolder: string
  /** Where container runtimes look for what connects pods. */
  readonly cniConfFolder: string
}

/** Tries what an agent with the defaults would use of this node, and says what is in its way. Changes nothing. */
export async function checkNode(view: NodeView, options: CheckOptions): Promise<readonly Check[]> {
  return [
    ...privileges(view),
    ...(await kernel(view)),
    ...mounts(view, options),
    ...forwarding(view),
    storage(view, options),
    ...findConflicts(view, options),
  ]
}

const gibibyte = 2 ** 30

function privileges(view: NodeView): Check[] {
  const has = view.capabilities()
  const missing = Object.entries(has).flatMap(([name, given]) => (given || name === 'CAP_SYS_ADMIN' ? [] : [name]))
  const suffices = missing.length === 0 || (has.CAP_SYS_ADMIN && has.CAP_NET_ADMIN)
  const [subject, name] = ['privileges', 'capabilities'] as const
  if (suffices) return [{ subject, name, state: 'ok', found: 'enough for eBPF and network namespaces' }]
  const remedy = 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8)'
  return [{ subject, name, state: 'missing', found: `without ${missing.join(', ')}`, remedy }]
}

async function kernel(view: NodeView): Promise<Check[]> {
  const subject = 'kernel'
  const tried = await view.tryKernel()
  const jit = view.read('/proc/sys/net/core/bpf_jit_enable')?.trim()
  const unprivileged = view.read('/proc/sys/kernel/unprivileged_bpf_disabled')?.trim()
  const jitCheck: Check =
    jit === '0'
      ? {
          ...{ subject, name: 'BPF compiler', state: 'warning', found: 'off: programs are interpreted' },
          remedy: 'sysctl -w net.core.bpf_jit_enable=1',
        }
      : { subject, name: 'BPF compiler', state: 'ok', found: jit === undefined ? 'always on' : 'on' }
  const openCheck: Check =
    unprivileged === '0'
      ? {
          ...{
            subject,
            name: 'BPF for everybody',
            state: 'warning',
            found: 'users without privileges may load programs',
          },
          remedy: 'sysctl -w kernel.unprivileged_bpf_disabled=1',
        }
      : { subject, name: 'BPF for everybody', state: 'ok', found: 'privileged only' }
  if ('obstacle' in tried) {
    const remedy = 'Linux 5.12 or newer with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_ACT and CONFIG_DEBUG_INFO_BTF'
    return [{ subject, name: 'programs', state: 'missing', found: tried.obstacle, remedy }, jitCheck, openCheck]
  }
  return [...features(tried.features), jitCheck, openCheck]
}

function features({ platform, attach, sockets, refusal, sweep, coarseClock }: Features): Check[] {
  const subject = 'kernel'
  const optional = (name: string, has: boolean, found: string, without: string, since: string): Check =>
    has
      ? { subject, name, state: 'ok', found }
      : { subject, name, state: 'warning', found: without, remedy: `Linux ${since} or newer` }
  return [
    { subject, name: 'programs', state: 'ok', found: `${platform} takes all of them` },
    optional('attachment', attach === 'tcx', 'TCX links', 'clsact filters, which others can remove', '6.6'),
    optional(
      'services at connect',
      sockets === 'cgroup',
      'by programs at the cgroup',
      'none: services are translated packet by packet',
      '5.12 with CONFIG_CGROUP_BPF',
    ),
    optional(
      'refusal at connect',
      refusal === 'ECONNREFUSED',
      'ECONNREFUSED where there is no backend',
      'EPERM where there is no backend',
      '5.18',
    ),
    optional('sweep', sweep === 'program', 'inside the kernel', 'entry by entry, by the agent', '5.14'),
    optional('coarse clock', coarseClock === true, 'in use', 'none: each packet reads the exact one', '5.11'),
  ]
}

function mounts(view: NodeView, { bpffs }: CheckOptions): Check[] {
  const subject = 'mounts'
  const mounted = (view.read('/proc/mounts') ?? '').split('\n').map(line => line.split(' '))
  const hasBpffs = mounted.some(([, place, type]) => place === bpffs && type === 'bpf')
  const group = mounted.find(([, , type]) => type === 'cgroup2')?.[1]
  return [
    hasBpffs
      ? { subject, name: 'BPF file system', state: 'ok', found: bpffs }
      : {
          ...{ subject, name: 'BPF file system', state: 'warning', found: `none at ${bpffs}: the agent mounts one` },
          remedy: `mount -t bpf bpf ${bpffs}; in a container share the node's, or pins end with it`,
        },
    group !== undefined
      ? { subject, name: 'cgroup 2', state: 'ok', found: group }
      : {
          ...{ subject, name: 'cgroup 2', state: 'warning', found: 'not mounted: no services at connect' },
          remedy: 'mount -t cgroup2 none /sys/fs/cgroup (systemd.unified_cgroup_hierarchy=1)',
        },
  ]
}

function forwarding(view: NodeView): Check[] {
  const subject = 'forwarding'
  const setting = (name: string, path: string): Check => {
    const value = view.read(`/proc/sys/net/${path}`)?.trim()
    const key = `net.${path.replaceAll('/', '.')}`
    if (value === undefined) return { subject, name, state: 'warning', found: `the kernel has no ${key}` }
    if (value !== '0') return { subject, name, state: 'ok', found: 'on' }
    const found = 'off: pods reach nothing beyond the node'
    return { subject, name, state: 'warning', found, remedy: `sysctl -w ${key}=1` }
  }
  const strict = ['all', 'default'].filter(
    name => view.read(`/proc/sys/net/ipv4/conf/${name}/rp_filter`)?.trim() === '1',
  )
  return [
    setting('IPv4', 'ipv4/ip_forward'),
    setting('IPv6', 'ipv6/conf/all/forwarding'),
    strict.length === 0
      ? { subject, name: 'reverse path filter', state: 'ok', found: 'not strict' }
      : {
          ...{ subject, name: 'reverse path filter', state: 'warning', found: `strict for ${strict.join(' and ')}` },
          remedy: strict.map(name => `sysctl -w net.ipv4.conf.${name}.rp_filter=2`).join('; '),
        },
  ]
}

function storage(view: NodeView, { stateFolder }: CheckOptions): Check {
  const [subject, name] = ['storage', 'state folder'] as const
  const { free, obstacle } = view.room(stateFolder)
  if (obstacle !== undefined) {
    const remedy = 'another --state, or the rights to write there'
    return { subject, name, state: 'missing', found: `${stateFolder}: ${obstacle}`, remedy }
  }
  const found = `${stateFolder}: ${(free / gibibyte).toFixed(1)} GiB free`
  if (free >= gibibyte) return { subject, name, state: 'ok', found }
  return { subject, name, state: 'warning', found, remedy: 'more room, or --log-retention-size and --flow-size' }
}
