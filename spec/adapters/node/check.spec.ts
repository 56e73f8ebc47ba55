import { type Check, checkNode } from '@weir/adapters/node/check.js'
import type { NodeView } from '@weir/adapters/node/view.js'
import type { Features } from '@weir/datapath/backend.js'
import { expect } from 'chai'

const features: Features = {
  ...{ backend: 'kernel', platform: 'Linux 6.18.1', attach: 'tcx', coarseClock: true, redirectPeer: true },
  ...{ sweep: 'program', sockets: 'cgroup', refusal: 'ECONNREFUSED', maps: [] },
}

const files: Readonly<Record<string, string>> = {
  '/proc/sys/net/core/bpf_jit_enable': '1\n',
  '/proc/sys/kernel/unprivileged_bpf_disabled': '2\n',
  '/proc/mounts': 'bpf /sys/fs/bpf bpf rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n',
  '/proc/sys/net/ipv4/ip_forward': '1\n',
  '/proc/sys/net/ipv6/conf/all/forwarding': '1\n',
  '/proc/sys/net/ipv4/conf/all/rp_filter': '0\n',
  '/proc/sys/net/ipv4/conf/default/rp_filter': '2\n',
}

interface Oddities {
  readonly files?: Readonly<Record<string, string>>
  readonly folders?: Readonly<Record<string, readonly string[]>>
  readonly processes?: readonly string[]
  readonly there?: readonly string[]
  readonly view?: Partial<NodeView>
}

/** A node where all is well, but for what is given. */
function checks({ files: other, folders = {}, processes = [], there = [], view }: Oddities): Promise<readonly Check[]> {
  const options = { bpffs: '/sys/fs/bpf', stateFolder: '/var/lib/weir', cniConfFolder: '/etc/cni/net.d' }
  return checkNode(
    {
      read: path => ({ ...files, ...other })[path],
      list: path => folders[path] ?? [],
      exists: path => there.includes(path),
      processes: () => processes,
      capabilities: () => ({ CAP_NET_ADMIN: true, CAP_SYS_ADMIN: true, CAP_PERFMON: true, CAP_BPF: true }),
      tryKernel: async () => ({ features }),
      room: () => ({ free: 2 ** 34 }),
      ...view,
    },
    options,
  )
}

/** What isn't well. */
const complaints = async (oddities: Oddities): Promise<string[]> =>
  (await checks(oddities))
    .filter(({ state }) => state !== 'ok')
    .map(({ state, name, found, remedy }) => `${state} ${name}: ${found} -> ${remedy}`)

describe('the check of a node', () => {
  it('complains of nothing where all is well', async () => {
    expect(await complaints({})).to.deep.equal([])
    expect((await checks({})).every(({ remedy }) => remedy === undefined)).to.equal(true)
  })

  it('asks for the capabilities that are missing, and takes the old ones for them', async () => {
    const without = (...missing: string[]): Partial<NodeView> => ({
      capabilities: () =>
        Object.fromEntries(
          ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_PERFMON', 'CAP_BPF'].map(name => [name, !missing.includes(name)]),
        ),
    })
    expect(await complaints({ view: without('CAP_SYS_ADMIN') })).to.deep.equal([])
    expect(await complaints({ view: without('CAP_BPF', 'CAP_PERFMON') })).to.deep.equal([])
    const [complaint] = await complaints({ view: without('CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_NET_ADMIN') })
    expect(complaint).to.match(/^missing capabilities: without CAP_NET_ADMIN, CAP_BPF -> run as root/)
  })

  it('says what the kernel refuses, and what it lacks', async () => {
    const refused = await complaints({ view: { tryKernel: async () => ({ obstacle: 'Linux 5.4 is too old' }) } })
    expect(refused).to.have.lengthOf(1)
    expect(refused[0]).to.match(/^missing programs: Linux 5.4 is too old -> Linux 5.12 or newer/)
    const old = { ...features, attach: 'clsact', sockets: 'unsupported', refusal: 'EPERM', sweep: 'entries' } as const
    const lacking = await complaints({
      view: { tryKernel: async () => ({ features: { ...old, coarseClock: false } }) },
    })
    expect(lacking.map(line => line.split(':')[0])).to.deep.equal([
      'warning attachment',
      'warning services at connect',
      'warning refusal at connect',
      'warning sweep',
      'warning coarse clock',
    ])
  })

  it('tells of settings, each with the command that mends it', async () => {
    const set = (path: string, value: string): Oddities => ({ files: { [path]: value } })
    const found = await Promise.all([
      complaints(set('/proc/sys/net/core/bpf_jit_enable', '0\n')),
      complaints(set('/proc/sys/kernel/unprivileged_bpf_disabled', '0\n')),
      complaints(set('/proc/sys/net/ipv4/ip_forward', '0\n')),
      complaints(set('/proc/sys/net/ipv6/conf/all/forwarding', '0\n')),
      complaints(set('/proc/sys/net/ipv4/conf/all/rp_filter', '1\n')),
    ])
    expect(found.map(lines => lines.map(line => line.split(' -> ')[1]))).to.deep.equal([
      ['sysctl -w net.core.bpf_jit_enable=1'],
      ['sysctl -w kernel.unprivileged_bpf_disabled=1'],
      ['sysctl -w net.ipv4.ip_forward=1'],
      ['sysctl -w net.ipv6.conf.all.forwarding=1'],
      ['sysctl -w net.ipv4.conf.all.rp_filter=2'],
    ])
  })

  it('tells of file systems that are not mounted', async () => {
    const [bpffs, cgroup, ...rest] = await complaints({ files: { '/proc/mounts': 'bpf /elsewhere bpf rw 0 0\n' } })
    expect(bpffs).to.match(/^warning BPF file system: none at \/sys\/fs\/bpf/)
    expect(cgroup).to.match(/^warning cgroup 2: not mounted/)
    expect(rest).to.deep.equal([])
  })

  it('tells of a state folder without room, and of one that can not be written', async () => {
    expect(await complaints({ view: { room: () => ({ free: 2 ** 29 }) } })).to.deep.equal([
      'warning state folder: /var/lib/weir: 0.5 GiB free -> more room, or --log-retention-size and --flow-size',
    ])
    const [readOnly] = await complaints({ view: { room: () => ({ free: 0, obstacle: 'EROFS' }) } })
    expect(readOnly).to.match(/^missing state folder: \/var\/lib\/weir: EROFS/)
  })

  it('finds other agents by what they run, make and pin', async () => {
    const found = await complaints({
      folders: {
        '/sys/class/net': ['lo', 'eth0', 'cilium_host', 'cali0123456789a', 'weir_vxlan'],
        '/etc/cni/net.d': ['10-calico.conflist', '05-weir.conflist', 'calico-kubeconfig'],
      },
      processes: ['systemd', 'kube-proxy'],
      there: ['/sys/fs/bpf/cilium'],
    })
    expect(found.map(line => line.split(' -> ')[0])).to.deep.equal([
      'warning Cilium: device cilium_host, /sys/fs/bpf/cilium',
      'warning Calico: device cali0123456789a',
      'warning kube-proxy: kube-proxy runs',
      'warning CNI configuration: 10-calico.conflist',
    ])
  })
})
