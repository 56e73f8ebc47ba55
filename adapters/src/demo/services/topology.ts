import { createNodeNetwork, netnsFolder, type NodeNetwork, podGateways } from '../../network/node-network.js'
import { familyOf, namespaceName, pairMacs } from '../../network/names.js'
import { ipBatch, routerSysctls, setSysctls } from '../../network/run.js'

/** A node of the demo's cluster, with the blocks that its pods are in. */
export interface NodePlan {
  readonly name: string
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
}

export interface TopologyOptions {
  /** Unique among what runs on this machine; lower-case letters and digits. */
  readonly id: string
  readonly nodes: readonly NodePlan[]
  /** Addresses of the client outside. */
  readonly outside: readonly string[]
  /** Addresses of services that the router sends to a node, by its name. */
  readonly virtual: readonly { readonly address: string; readonly node: string }[]
}

/** Nodes as namespaces, a router between them, and a client behind it. */
export interface Topology {
  readonly networks: ReadonlyMap<string, NodeNetwork>
  readonly routerPath: string
  readonly outsidePath: string
  destroy(): Promise<void>
}

/** Each node's device towards the router. */
export const uplink = 'weir-up'

/** Pairs of the router have numbers that pods' pairs don't reach. */
const firstPair = 0xff_0000

/** @throws WeirError WEIR_NETWORK_COMMAND; what was made until then is taken away again */
export async function createTopology({ id, nodes, outside, virtual }: TopologyOptions): Promise<Topology> {
  const networks = new Map<string, NodeNetwork>()
  const names = { router: namespaceName(`weir-${id}-router`), outside: namespaceName(`weir-${id}-outside`) }
  const destroy = async (): Promise<void> => {
    // The pairs between namespaces go with the router's.
    await ipBatch([`netns delete ${names.router}`, `netns delete ${names.outside}`], { force: true })
    for (const network of networks.values()) await network.destroy()
  }
  try {
    for (const { name, addresses } of nodes)
      networks.set(name, await createNodeNetwork({ id: `${id}-${name}`, nodeAddresses: addresses }))
    await ipBatch([`netns add ${names.router}`, `netns add ${names.outside}`])
    await setSysctls(names.router, routerSysctls)
    await ipBatch(['link set lo up'], { netns: names.router })
    const leaves = [
      ...nodes.map(({ name, addresses }) => ({ name, netns: networks.get(name)!.netns, addresses, isNode: true })),
      { name: 'out', netns: names.outside, addresses: outside, isNode: false },
    ]
    for (const [at, leaf] of leaves.entries()) await connect(names.router, leaf, firstPair + at)
    const routed = [
      ...nodes.flatMap(({ name, podCidrs }) => podCidrs.map(block => ({ block, node: name }))),
      ...virtual.map(({ address, node }) => ({ block: withLength(address), node })),
    ]
    await ipBatch(
      routed.map(({ block, node }) => {
        const { addresses } = nodes.find(({ name }) => name === node)!
        const via = addresses.find(address => familyOf(address) === familyOf(block))!
        return `route add ${block} via ${via} dev to-${node} onlink`
      }),
      { netns: names.router },
    )
  } catch (error) {
    await destroy()
    throw error
  }
  return {
    networks,
    routerPath: `${netnsFolder}/${names.router}`,
    outsidePath: `${netnsFolder}/${names.outside}`,
    destroy,
  }
}

interface Leaf {
  readonly name: string
  readonly netns: string
  readonly addresses: readonly string[]
  readonly isNode: boolean
}

/** A pair between the router and a leaf. Neighbours are given, as addresses of nodes are on their loopback. */
async function connect(router: string, { name, netns, addresses, isNode }: Leaf, pair: number): Promise<void> {
  const macs = pairMacs(pair)
  const device = `to-${name}`
  await ipBatch(
    [
      `link add name ${device} address ${macs.host} type veth peer name ${uplink} address ${macs.pod} netns ${netns}`,
      `link set ${device} addrgenmode none`,
      `link set ${device} up`,
      ...addresses.flatMap(address => [
        `route add ${withLength(address)} dev ${device}`,
        `neighbour replace ${address} lladdr ${macs.pod} nud permanent dev ${device}`,
      ]),
    ],
    { netns: router },
  )
  await ipBatch(
    [
      'link set lo up',
      `link set ${uplink} addrgenmode none`,
      `link set ${uplink} up`,
      ...(isNode ? [] : addresses.map(address => `address add ${withLength(address)} dev ${uplink} ${nodad(address)}`)),
      ...([4, 6] as const).flatMap(family => {
        const own = addresses.find(address => familyOf(address) === family)
        if (own === undefined) return []
        return [
          `neighbour replace ${podGateways[family]} lladdr ${macs.host} nud permanent dev ${uplink}`,
          `route add default via ${podGateways[family]} dev ${uplink} onlink src ${own}`,
        ]
      }),
    ],
    { netns },
  )
}

const withLength = (address: string): string => `${address}/${familyOf(address) === 4 ? 32 : 128}`
const nodad = (address: string): string => (familyOf(address) === 6 ? 'nodad' : '')
