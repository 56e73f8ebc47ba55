import type { Check, CheckOptions } from './check.js'
import type { NodeView } from './view.js'

/** What shows that another network agent is, or was, at work on a node. */
interface Other {
  readonly name: string
  /** Devices that it makes. */
  readonly device?: RegExp
  /** Processes that it runs, as the kernel names them: 15 characters at most. */
  readonly processes?: readonly string[]
  /** What it pins below the BPF file system. */
  readonly pins?: readonly string[]
  readonly harm: string
}

const agents = 'two agents would judge and rewrite the same packets'
const others: readonly Other[] = [
  {
    ...{ name: 'Cilium', device: /^cilium_/, processes: ['cilium-agent'], harm: agents },
    pins: ['cilium', 'tc/globals/cilium_ipcache'],
  },
  { name: 'Calico', device: /^(cali[0-9a-f]{11}|vxlan\.calico|tunl0)$/, processes: ['calico-node'], harm: agents },
  { name: 'Flannel', device: /^(flannel[.-]|flannel$)/, processes: ['flanneld'], harm: 'two would route to pods' },
  { name: 'Weave', device: /^weave$/, processes: ['weaver'], harm: 'two would route to pods' },
  {
    ...{ name: 'kube-proxy', device: /^kube-ipvs0$/, processes: ['kube-proxy'] },
    harm: 'services are translated twice: what it takes first, Weir never sees',
  },
]

/** The names of what Weir itself leaves where others look. */
const own = /weir/

/** One check for each other agent that left something, and one for the CNI configurations that come before Weir's. */
export function findConflicts(view: NodeView, { bpffs, cniConfFolder }: CheckOptions): Check[] {
  const devices = view.list('/sys/class/net')
  const processes = new Set(view.processes())
  const found = others.flatMap(({ name, device, processes: runs = [], pins = [], harm }): Check[] => {
    const running = runs.filter(each => processes.has(each))
    const signs = [
      ...running.map(each => `${each} runs`),
      ...devices.filter(each => device?.test(each)).map(each => `device ${each}`),
      ...pins.filter(each => view.exists(`${bpffs}/${each}`)).map(each => `${bpffs}/${each}`),
    ]
    if (signs.length === 0) return []
    const remedy = running.length > 0 ? `stop and remove it: ${harm}` : `remove what it left: ${harm}`
    return [{ subject: 'conflicts', name, state: 'warning', found: signs.join(', '), remedy }]
  })
  const networks = view
    .list(cniConfFolder)
    .filter(file => /\.(conf|conflist|json)$/.test(file) && !own.test(file))
    .sort()
  if (networks.length > 0)
    found.push({
      ...{ subject: 'conflicts', name: 'CNI configuration', state: 'warning', found: networks.join(', ') },
      remedy: `the runtime takes the first file of ${cniConfFolder} by name: remove what isn't to be it`,
    })
  if (found.length > 0) return found
  return [{ subject: 'conflicts', name: 'other agents', state: 'ok', found: 'none' }]
}
