import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { listName, pluginName } from '../cni/install.js'
import { bringRoutes, bringRules, routesIn } from '../routing/kernel-routes.js'
import { netnsAt } from '../routing/netns.js'
import { overlays, removeOverlay } from '../routing/overlay-device.js'

/** Something that an agent left on a node. */
export interface Trace {
  /** `pins`, `socket`, `state` … */
  readonly kind: string
  readonly name: string
  /** What it comes to, in words. */
  readonly contents: string
  remove(): Promise<void>
}

export interface TraceOptions {
  readonly bpffs: string
  /** Only of the node of this name; else of all on this kernel. */
  readonly node?: string
  /** Where the pods' devices are, when that isn't this process's namespace. */
  readonly netns?: string
  readonly socketPath: string
  /** Where container runtimes look for plugins, and for lists of them. */
  readonly cni: { readonly binaries: string; readonly lists: string }
  /** The log and all that is beside it; absent: it stays. */
  readonly stateFolder?: string
}

/**
 * What agents left on this node, in the order in which it goes: first what makes a container runtime call, for no pod may
 * be plugged in half; then the programs; then what leads to other nodes.
 */
export async function findTraces(options: TraceOptions): Promise<readonly Trace[]> {
  return [...cni(options), ...(await pins(options)), ...(await routes(options)), ...files(options)]
}

async function pins({ bpffs, node, netns }: TraceOptions): Promise<Trace[]> {
  const { loadKernelTraces } = await import('@weir/datapath/kernel/create-lazily.js')
  const traces = await loadKernelTraces(bpffs)
  return traces
    .filter(found => node === undefined || found.node === node)
    .map(found => ({
      kind: 'pins',
      name: found.path,
      contents: [
        `${found.maps} maps`,
        `${found.sockets} programs at a cgroup`,
        `programs at ${found.interfaces.length === 0 ? 'no interface' : found.interfaces.join(', ')}`,
      ].join(', '),
      remove: async () => found.remove(netns === undefined ? {} : { netns }),
    }))
}

function cni({ cni: { binaries, lists } }: TraceOptions): Trace[] {
  return there([
    { kind: 'cni', name: join(lists, listName), contents: 'the list that makes a container runtime call' },
    { kind: 'cni', name: join(binaries, pluginName), contents: 'the plugin' },
  ])
}

async function routes({ netns: path }: TraceOptions): Promise<Trace[]> {
  const netns = netnsAt(path)
  const found = [...(await routesIn(netns, 4)), ...(await routesIn(netns, 6))]
  const contents = found.map(({ block }) => block).join(', ')
  const remove = async (): Promise<void> => {
    await bringRules(netns, [])
    await bringRoutes(netns, [])
  }
  const tunnels = overlays(netns).map(({ mode, name }) => ({
    ...{ kind: 'device', name, contents: 'tunnels to other nodes' },
    remove: () => removeOverlay(netns, mode),
  }))
  if (found.length === 0) return tunnels
  return [{ kind: 'routes', name: 'to other nodes and their pods', contents, remove }, ...tunnels]
}

function files({ socketPath, stateFolder }: TraceOptions): Trace[] {
  return there([
    { kind: 'socket', name: socketPath, contents: 'of an agent that is gone' },
    ...(stateFolder === undefined
      ? []
      : [{ kind: 'state', name: stateFolder, contents: 'log, snapshots, flows, key' }]),
  ])
}

const there = (places: readonly Omit<Trace, 'remove'>[]): Trace[] =>
  places
    .filter(({ name }) => existsSync(name))
    .map(place => ({ ...place, remove: () => rm(place.name, { recursive: true, force: true }) }))
