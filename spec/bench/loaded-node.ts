import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Engine } from '@weir/core'
import type { EventBody, NetworkPolicyFact, PodFact, WeirEvent } from '@weir/core/event/event.js'
import { Reconciler } from '@weir/datapath'
import { createKernelBackend, type KernelBackendHandle } from '@weir/datapath/kernel/backend.js'
import { openPinnedMap } from 'ebpf-napi'
import { codecs } from '@weir/datapath/codec/maps.js'
import { slotOf } from '@weir/datapath/peer.js'
import type { Closing } from './closing.js'
import { type ClusterSize, clusterEvents, is, localNode, tcp } from './cluster.js'

/** A pod of the measured pair, as its packets show it. */
export interface MeasuredPod {
  readonly name: string
  readonly address: string
  /** Of the host side of its veth. */
  readonly ifindex: number
  readonly hostMac: string
  readonly podMac: string
}

const namespace = 'measured'
export const openPort = 80
export const closedPort = 81

const podOf = ({ name, address }: MeasuredPod): PodFact => ({
  namespace,
  name,
  labels: { app: name },
  serviceAccount: 'default',
  node: localNode,
  addresses: [address],
  hostNetwork: false,
  ports: [],
})

/** The client may call every port of the server, which takes one of them: a packet needs both directions to be judged. */
const policies = (client: string, server: string): readonly NetworkPolicyFact[] => [
  {
    namespace,
    name: 'client',
    podSelector: [is('app', client)],
    policyTypes: ['egress'],
    ingress: [],
    egress: [{ peers: [{ kind: 'pods', podSelector: [is('app', server)] }], ports: [{ ...tcp(1), endPort: 65535 }] }],
  },
  {
    namespace,
    name: 'server',
    podSelector: [is('app', server)],
    policyTypes: ['ingress'],
    ingress: [{ peers: [{ kind: 'pods', podSelector: [is('app', client)] }], ports: [tcp(openPort)] }],
    egress: [],
  },
]

/** A node of a synthetic cluster on the kernel: its tables as the engine derives them and the reconciler writes them. */
export class LoadedNode {
  readonly engine: Engine
  readonly backend: KernelBackendHandle
  readonly reconciler: Reconciler
  /** Where its maps are pinned, by name. */
  readonly pins: Readonly<Record<string, string>>

  private constructor(
    engine: Engine,
    backend: KernelBackendHandle,
    reconciler: Reconciler,
    pins: Readonly<Record<string, string>>,
  ) {
    this.engine = engine
    this.backend = backend
    this.reconciler = reconciler
    this.pins = pins
  }

  /** @param pair Sender and receiver, attached to devices that exist; none leaves them out. */
  static async create(
    size: ClusterSize,
    pair: readonly [MeasuredPod, MeasuredPod] | undefined,
    closing: Closing,
  ): Promise<LoadedNode> {
    const node = `bench-${process.pid}-${size.policies}-${nodes++}`
    const backend = createKernelBackend({ node })
    closing.add(() => {
      backend.uninstall()
      backend.close()
    })
    const engine = new Engine()
    const bodies: EventBody[] = [...clusterEvents(size)]
    for (const pod of pair ?? []) {
      const { name, ifindex, hostMac, podMac } = pod
      bodies.push({ kind: 'pod.upserted', pod: podOf(pod) })
      bodies.push({
        kind: 'endpoint.attached',
        endpoint: { namespace, pod: name, ifindex, ifname: `measured-${name}`, hostMac, podMac },
      })
    }
    if (pair !== undefined)
      for (const policy of policies(pair[0].name, pair[1].name)) bodies.push({ kind: 'networkpolicy.upserted', policy })
    engine.fold(bodies.map((body, at): WeirEvent => ({ ...body, seq: at + 1, time: 0, source: 'bench' })))
    const reconciler = new Reconciler(backend)
    closing.add(() => reconciler.close())
    await reconciler.start(engine.tables)
    const folder = join('/sys/fs/bpf/weir', node, 'maps')
    const pins = Object.fromEntries(readdirSync(folder).map(name => [name, join(folder, name)]))
    return new LoadedNode(engine, backend, reconciler, pins)
  }

  /** The first chunk of the row of a subject's cell for incoming flows, and the slot of its endpoint. */
  cellOf(subject: number, peerClass: number): { readonly first: number; readonly slot: number } {
    const lookup = (of: number): Uint8Array | undefined =>
      this.backend.maps.weir_cells.lookup(codecs.cellKey.encode({ subject, direction: 1, peer_class: of }))
    const cell = lookup(peerClass) ?? lookup(0)
    if (cell === undefined) throw new RangeError(`subject ${subject} has no cell`)
    const endpoint = [...this.engine.tables.addresses].find(([, row]) => row.subject === subject)?.[1].endpoint
    return { first: codecs.cell.read(cell).first, slot: slotOf(endpoint ?? 0) }
  }

  /** Bytes of each map as the kernel accounts them: its entries, its buckets, and what it keeps in reserve. */
  memoryBytes(): ReadonlyMap<string, number> {
    const opened = Object.entries(this.pins).map(([name, path]) => ({ name, map: openPinnedMap(path) }))
    try {
      const bytes = memlockById()
      return new Map(opened.map(({ name, map }) => [name, bytes.get(map.info.id) ?? Number.NaN]))
    } finally {
      for (const { map } of opened) map.close()
    }
  }
}

/** What the kernel says of this process's descriptors of maps. */
function memlockById(): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    const path = `/proc/self/fdinfo/${descriptor}`
    // The descriptor of the folder that is being read is gone by now.
    if (!existsSync(path)) continue
    const text = readFileSync(path, 'utf8')
    const id = /^map_id:\s*(\d+)$/m.exec(text)?.[1]
    const bytes = /^memlock:\s*(\d+)$/m.exec(text)?.[1]
    if (id !== undefined && bytes !== undefined) found.set(Number(id), Number(bytes))
  }
  return found
}

let nodes = 0
