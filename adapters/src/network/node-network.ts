import { readdir } from 'node:fs/promises'
import { WeirError } from '@weir/core'
import { address, deviceName, familyOf, linkLocal, namespaceName, pairMacs } from './names.js'
import { ipBatch, linksOf, routerSysctls, run, setSysctls } from './run.js'

/** The gateway that every pod sees. No device has these addresses: the endpoint program answers for them. */
export const podGateways = { 4: '169.254.1.1', 6: 'fe80::1' } as const

/** The node's device towards the outside. */
export const outsideDevice = 'weir-out'

/** Where iproute2 keeps named namespaces. */
export const netnsFolder = '/run/netns'

export interface NodeNetworkOptions {
  /** Unique among what runs on this machine; part of every name. Lower-case letters, digits. */
  readonly id: string
  /** The node's own addresses, on its loopback device. */
  readonly nodeAddresses: readonly string[]
  /** Addresses of a namespace outside the cluster, reached over a device of the node. None: no such namespace. */
  readonly worldAddresses?: readonly string[]
  readonly mtuBytes?: number
}

/** What a pod's interface looks like from the node. */
export interface PodLink {
  /** Name of the pod's namespace; its file is in `netnsFolder`. */
  readonly netns: string
  readonly netnsPath: string
  /** Host side, in the node's namespace. */
  readonly ifindex: number
  readonly ifname: string
  readonly hostMac: string
  readonly podMac: string
}

/**
 * A node with pods, all in namespaces of its own, so that the machine's network stays as it was. The node's namespace
 * holds the host side of every pod's veth and forwards between them; a pod has one interface, `eth0`, with host-length
 * addresses and a default route by a link-local gateway. All traffic of a pod passes the host side of its veth.
 */
export interface NodeNetwork {
  readonly id: string
  readonly netns: string
  readonly netnsPath: string
  readonly nodeAddresses: readonly string[]
  readonly world?: { readonly netns: string; readonly netnsPath: string; readonly addresses: readonly string[] }
  /** Makes pods, in the order given. Costs a few milliseconds each. */
  addPods(pods: readonly { readonly addresses: readonly string[] }[]): Promise<readonly PodLink[]>
  /** Takes pods away, devices and all. Namespaces that are gone already are no error. */
  removePods(links: readonly PodLink[]): Promise<void>
  /** Takes everything away. May be called twice. */
  destroy(): Promise<void>
}

/** Group of the node's devices, to delete them all at once. Only within a namespace of ours, so any number will do. */
const deviceGroup = 77

/** How many `ip` processes run at once while pods are set up. */
const parallelSetups = 8

/**
 * Makes the node's namespace and, when asked for, the outside world's.
 *
 * @throws WeirError WEIR_NETWORK_COMMAND when the kernel refuses a step (no root, for one); what was made until then
 *   is taken away again.
 */
export async function createNodeNetwork(options: NodeNetworkOptions): Promise<NodeNetwork> {
  const prefix = namespaceName(`weir-${options.id}`)
  const network = new IprouteNodeNetwork(prefix, options)
  try {
    await network.create()
    return network
  } catch (error) {
    await network.destroy()
    throw error
  }
}

/**
 * Deletes every namespace whose name belongs to `id`, pods first. Pins and files are the caller's.
 *
 * @returns the names deleted.
 */
export async function removeNamespacesOf(id: string): Promise<readonly string[]> {
  const prefix = `${namespaceName(`weir-${id}`)}-`
  const names = await readdir(netnsFolder).catch(() => [])
  const own = names
    .filter(name => name.startsWith(prefix))
    .sort((a, b) => Number(a.endsWith('-node')) - Number(b.endsWith('-node')))
  await ipBatch(
    own.map(name => `netns delete ${namespaceName(name)}`),
    { force: true },
  )
  return own
}

class IprouteNodeNetwork implements NodeNetwork {
  readonly id: string
  readonly netns: string
  readonly netnsPath: string
  readonly nodeAddresses: readonly string[]
  readonly world?: { readonly netns: string; readonly netnsPath: string; readonly addresses: readonly string[] }
  readonly #prefix: string
  readonly #mtuBytes: number
  /** Index of the next pair; 0 is the world's. */
  #nextPair = 1

  constructor(prefix: string, options: NodeNetworkOptions) {
    this.id = options.id
    this.#prefix = prefix
    this.#mtuBytes = options.mtuBytes ?? 1500
    this.netns = namespaceName(`${prefix}-node`)
    this.netnsPath = `${netnsFolder}/${this.netns}`
    this.nodeAddresses = options.nodeAddresses.map(address)
    const outside = options.worldAddresses ?? []
    if (outside.length > 0) {
      const netns = namespaceName(`${prefix}-world`)
      this.world = { netns, netnsPath: `${netnsFolder}/${netns}`, addresses: outside.map(address) }
    }
  }

  async create(): Promise<void> {
    await ipBatch([`netns add ${this.netns}`, ...(this.world === undefined ? [] : [`netns add ${this.world.netns}`])])
    await setSysctls(this.netns, { ...routerSysctls, 'ipv6/conf/default/accept_ra': 0 })
    await ipBatch(
      ['link set lo up', ...this.nodeAddresses.map(own => `address add ${withLength(own)} dev lo${nodad(own)}`)],
      {
        netns: this.netns,
      },
    )
    if (this.world !== undefined) {
      const pair = { index: 0, netns: this.world.netns, ifname: outsideDevice, addresses: this.world.addresses }
      await ipBatch(this.#hostSide(pair), { netns: this.netns })
      // Nobody answers for the gateway there: the world's device carries no program.
      await ipBatch([...this.#podSide(pair), ...gatewayNeighbours(pairMacs(0).host)], { netns: this.world.netns })
    }
  }

  async addPods(pods: readonly { readonly addresses: readonly string[] }[]): Promise<readonly PodLink[]> {
    const pairs = pods.map(pod => {
      const index = this.#nextPair++
      const addresses = pod.addresses.map(address)
      return { index, netns: namespaceName(`${this.#prefix}-p${index}`), ifname: deviceName(`weir${index}`), addresses }
    })
    try {
      return await this.#addPairs(pairs)
    } catch (error) {
      // What one pod can't have must not leave half of the others behind.
      await this.removePods(pairs).catch(() => {})
      throw error
    }
  }

  async #addPairs(pairs: readonly Pair[]): Promise<readonly PodLink[]> {
    await ipBatch(pairs.map(pair => `netns add ${pair.netns}`))
    await ipBatch(
      pairs.flatMap(pair => this.#hostSide(pair)),
      { netns: this.netns },
    )
    const waiting = [...pairs]
    const worker = async (): Promise<void> => {
      for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift())
        await ipBatch(this.#podSide(pair), { netns: pair.netns })
    }
    await Promise.all(Array.from({ length: parallelSetups }, worker))
    const links = await linksOf(this.netns)
    return pairs.map(pair => {
      const link = links.get(pair.ifname)
      if (link === undefined) throw missing(pair.ifname)
      const macs = pairMacs(pair.index)
      return {
        netns: pair.netns,
        netnsPath: `${netnsFolder}/${pair.netns}`,
        ifindex: link.ifindex,
        ifname: pair.ifname,
        hostMac: macs.host,
        podMac: macs.pod,
      }
    })
  }

  async removePods(links: readonly Pick<PodLink, 'netns' | 'ifname'>[]): Promise<void> {
    // A namespace goes when its last socket does; its device goes at once when named.
    await ipBatch(
      links.map(link => `link delete ${deviceName(link.ifname)}`),
      { netns: this.netns, force: true },
    )
    await ipBatch(
      links.map(link => `netns delete ${namespaceName(link.netns)}`),
      { force: true },
    )
  }

  async destroy(): Promise<void> {
    // Devices first: a listener that still holds a pod's namespace open would hold its veth up too. As a group they go
    // in one step; one by one each waits for a grace period of the kernel.
    await ipBatch([`link delete group ${deviceGroup}`], { netns: this.netns, force: true })
    await removeNamespacesOf(this.id)
  }

  #hostSide(pair: Pair): string[] {
    const macs = pairMacs(pair.index)
    const mtu = `mtu ${this.#mtuBytes}`
    const lines = [
      `link add name ${pair.ifname} address ${macs.host} ${mtu} type veth peer name eth0 address ${macs.pod} ${mtu} netns ${pair.netns}`,
      `link set ${pair.ifname} addrgenmode none group ${deviceGroup}`,
      `link set ${pair.ifname} up`,
    ]
    for (const own of pair.addresses) {
      const source = this.nodeAddresses.find(node => familyOf(node) === familyOf(own))
      lines.push(
        `route add ${withLength(own)} dev ${pair.ifname}${source === undefined ? '' : ` src ${source}`}`,
        `neighbour replace ${own} lladdr ${macs.pod} nud permanent dev ${pair.ifname}`,
      )
    }
    return lines
  }

  #podSide(pair: Pair): string[] {
    const { pod } = pairMacs(pair.index)
    const lines = [
      'link set eth0 addrgenmode none',
      'link set lo up',
      'link set eth0 up',
      `address add ${linkLocal(pod)}/64 dev eth0 nodad`,
      ...pair.addresses.map(own => `address add ${withLength(own)} dev eth0${nodad(own)}`),
    ]
    for (const family of [4, 6] as const) {
      const own = pair.addresses.find(each => familyOf(each) === family)
      if (own !== undefined) lines.push(`route add default via ${podGateways[family]} dev eth0 onlink src ${own}`)
    }
    return lines
  }
}

interface Pair {
  readonly index: number
  readonly netns: string
  readonly ifname: string
  readonly addresses: readonly string[]
}

function withLength(own: string): string {
  return `${own}/${familyOf(own) === 4 ? 32 : 128}`
}

/** Without it an address can't be used for the second that duplicate detection takes. */
function nodad(own: string): string {
  return familyOf(own) === 6 ? ' nodad' : ''
}

function gatewayNeighbours(mac: string): string[] {
  return [podGateways[4], podGateways[6]].map(
    gateway => `neighbour replace ${gateway} lladdr ${mac} nud permanent dev eth0`,
  )
}

function missing(ifname: string): WeirError<'WEIR_NETWORK_COMMAND'> {
  return new WeirError('WEIR_NETWORK_COMMAND', `device ${ifname} is not there after it was made`, {
    command: 'ip -json link show',
    detail: ifname,
  })
}

/** True when this process may make namespaces: iproute2 is there and the kernel lets us. */
export async function canMakeNamespaces(): Promise<boolean> {
  try {
    await run('unshare', ['--net', 'true'])
    await run('ip', ['-V'])
    return true
  } catch {
    return false
  }
}
