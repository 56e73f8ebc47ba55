import { existsSync, rmSync } from 'node:fs'

/** Something that an agent left on a node. */
export interface Trace {
  /** `pins`, `socket`, `state` … */
  readonly kind: string
  readonly name: string
  /** What it comes to, in words. */
  readonly contents: string
  remove(): void
}

export interface TraceOptions {
  readonly bpffs: string
  /** Only of the node of this name; else of all on this kernel. */
  readonly node?: string
  /** Where the pods' devices are, when that isn't this process's namespace. */
  readonly netns?: string
  readonly socketPath: string
  /** The log and all that is beside it; absent: it stays. */
  readonly stateFolder?: string
}

/** What agents left on this node. Programs come first: no packet may meet half of them. */
export async function findTraces(options: TraceOptions): Promise<readonly Trace[]> {
  return [...(await pins(options)), ...files(options)]
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
      remove: () => found.remove(netns === undefined ? {} : { netns }),
    }))
}

function files({ socketPath, stateFolder }: TraceOptions): Trace[] {
  const places = [
    { kind: 'socket', name: socketPath, contents: 'of an agent that is gone' },
    ...(stateFolder === undefined
      ? []
      : [{ kind: 'state', name: stateFolder, contents: 'log, snapshots, flows, key' }]),
  ]
  return places
    .filter(({ name }) => existsSync(name))
    .map(place => ({ ...place, remove: () => rmSync(place.name, { recursive: true, force: true }) }))
}
