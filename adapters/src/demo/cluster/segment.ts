import { familyOf, namespaceName, pairMacs } from '../../network/names.js'
import { createNodeNetwork, netnsFolder, type NodeNetwork } from '../../network/node-network.js'
import { ipBatch, routerSysctls, setSysctls } from '../../network/run.js'

/** A node with the blocks that its pods are in. */
export interface ClusterNodePlan {
  readonly name: string
  /** One of each family, on the segment. */
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
}

/** Each node's device on the segment. */
export const uplink = 'weir-up'

/** The router's addresses on the segment, and how long the segment's prefixes are. */
export const routerAddresses = ['172.30.0.254', 'fd30::ff'] as const
const lengths = { 4: 24, 6: 64 } as const

/** Pairs of the segment have numbers that pods' pairs don't reach. */
const firstPair = 0xfe_0000

/** Nodes as namespaces on one segment, with a router on it that knows none of their pods. */
export class Segment {
  readonly networks = new Map<string, NodeNetwork>()
  readonly #id: string
  readonly #router: string
  readonly #mtuBytes: number
  #pairs = 0

  private constructor(id: string, mtuBytes: number) {
    this.#id = id
    this.#router = namespaceName(`weir-${id}-router`)
    this.#mtuBytes = mtuBytes
  }

  /** @throws WeirError WEIR_NETWORK_COMMAND; what was made until then is taken away again */
  static async create(id: string, mtuBytes = 1500): Promise<Segment> {
    const segment = new Segment(id, mtuBytes)
    try {
      await ipBatch([`netns add ${segment.#router}`])
      await setSysctls(segment.#router, routerSysctls)
      await ipBatch(
        [
          'link set lo up',
          `link add br0 mtu ${mtuBytes} type bridge`,
          'link set br0 up',
          ...routerAddresses.map(address => `address add ${onSegment(address)} dev br0`),
        ],
        { netns: segment.#router },
      )
      return segment
    } catch (error) {
      await segment.destroy()
      throw error
    }
  }

  get routerPath(): string {
    return `${netnsFolder}/${this.#router}`
  }

  /** A node's namespace, plugged in. */
  async addNode({ name, addresses }: ClusterNodePlan): Promise<NodeNetwork> {
    const network = await createNodeNetwork({
      id: `${this.#id}-${name}`,
      nodeAddresses: addresses,
      mtuBytes: this.#mtuBytes,
    })
    this.networks.set(name, network)
    const macs = pairMacs(firstPair + this.#pairs++)
    const mtu = `mtu ${this.#mtuBytes}`
    await ipBatch(
      [
        `link add name to-${name} address ${macs.host} ${mtu} type veth peer name ${uplink} address ${macs.pod} ${mtu} netns ${network.netns}`,
        `link set to-${name} master br0`,
        `link set to-${name} up`,
      ],
      { netns: this.#router },
    )
    await ipBatch([`link set ${uplink} up`, ...this.#addresses(addresses)], { netns: network.netns })
    return network
  }

  /** Pulls a node's cable, or puts it in again. */
  async plug(name: string, isIn: boolean): Promise<void> {
    await ipBatch([`link set to-${name} ${isIn ? 'up' : 'down'}`], { netns: this.#router })
  }

  async destroy(): Promise<void> {
    await ipBatch([`netns delete ${this.#router}`], { force: true })
    for (const network of this.networks.values()) await network.destroy()
  }

  #addresses(addresses: readonly string[]): readonly string[] {
    return addresses.flatMap(own => {
      const family = familyOf(own)
      return [
        `address add ${onSegment(own)} dev ${uplink}`,
        `route add default via ${routerAddresses[family === 4 ? 0 : 1]} dev ${uplink} src ${own}`,
      ]
    })
  }
}

function onSegment(address: string): string {
  const family = familyOf(address)
  return `${address}/${lengths[family]}${family === 6 ? ' nodad' : ''}`
}
