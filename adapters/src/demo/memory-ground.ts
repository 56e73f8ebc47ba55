import type { EndpointFact, PodFact } from '@weir/core'
import { type Delivery, VirtualSwitch } from '@weir/datapath/memory/switch.js'
import type { Agent } from '../agent/agent.js'
import { pairMacs } from '../network/names.js'
import { demoNetwork } from './addresses.js'
import type { Cell, Party } from './cells.js'
import type { Ground, Outcome } from './ground.js'
import { buildFrame, opening } from './packets.js'

/** MAC of whatever is behind the node's other devices. */
const outsideMac = '0a:57:4f:00:00:01'

/** Pods as ports of a virtual switch: the packet programs, as WebAssembly, judge hand-made packets and their answers. */
export function createMemoryGround(): Ground {
  return new MemoryGround()
}

class MemoryGround implements Ground {
  readonly netns = undefined
  readonly missing: ReadonlySet<Cell['protocol']> = new Set()
  readonly world: Party = {
    name: 'world',
    addresses: demoNetwork.worldAddresses,
    ports: [{ protocol: 'TCP', port: 443 }],
  }
  readonly #byAddress = new Map<string, EndpointFact & { readonly addresses: readonly string[] }>()
  #switch: VirtualSwitch | undefined
  #nextIfindex = 1
  /** Each try has a port of its own, so that none is taken for a reply to another. */
  #nextPort = 0

  join(agent: Agent): void {
    this.#switch = new VirtualSwitch(agent.datapath.backend, address => this.#byAddress.get(address))
  }

  async plug(pods: readonly PodFact[]): Promise<readonly EndpointFact[]> {
    return pods.map(pod => {
      const ifindex = this.#nextIfindex++
      const { host: hostMac, pod: podMac } = pairMacs(ifindex)
      const endpoint = { namespace: pod.namespace, pod: pod.name, ifindex, ifname: `weir${ifindex}`, hostMac, podMac }
      for (const address of pod.addresses) this.#byAddress.set(address, { ...endpoint, addresses: pod.addresses })
      return endpoint
    })
  }

  async unplug(pods: readonly { readonly namespace: string; readonly name: string }[]): Promise<void> {
    const gone = new Set(pods.map(({ namespace, name }) => `${namespace}/${name}`))
    for (const [address, { namespace, pod }] of this.#byAddress)
      if (gone.has(`${namespace}/${pod}`)) this.#byAddress.delete(address)
  }

  async attempt(cells: readonly Cell[], isOver: () => boolean): Promise<readonly (Outcome | undefined)[]> {
    const outcomes: (Outcome | undefined)[] = []
    for (const cell of cells) outcomes.push(isOver() ? undefined : this.#try(cell))
    return outcomes
  }

  async close(): Promise<void> {
    this.#byAddress.clear()
  }

  #try(cell: Cell): Outcome {
    const { from, to } = cell.flow
    // What a pod sends to itself never leaves it.
    if (cell.from === cell.to) return { allowed: true, evidence: 'inside the pod' }
    const port = 32_768 + (this.#nextPort++ % 28_000)
    const { first, answer } = opening[cell.protocol]
    const request = this.#send(from, to, cell.protocol, port, cell.port, first)
    if (request.kind !== this.#kindAt(to)) return { allowed: false, evidence: evidenceOf('request', request) }
    const reply = this.#send(to, from, cell.protocol, cell.port, port, answer)
    if (reply.kind !== this.#kindAt(from)) return { allowed: false, evidence: evidenceOf('answer', reply) }
    return { allowed: true, evidence: 'request and answer delivered' }
  }

  #kindAt(address: string): Delivery['kind'] {
    return this.#byAddress.has(address) ? 'endpoint' : 'host'
  }

  #send(
    source: string,
    destination: string,
    protocol: Cell['protocol'],
    sourcePort: number,
    destinationPort: number,
    flags: number,
  ): Delivery {
    if (this.#switch === undefined) throw new Error('packets before the agent joined')
    const sender = this.#byAddress.get(source)
    const receiver = this.#byAddress.get(destination)
    const fields = { source, destination, protocol, sourcePort, destinationPort, flags }
    if (sender !== undefined) {
      const frame = buildFrame({ ...fields, sourceMac: sender.podMac, destinationMac: sender.hostMac })
      return this.#switch.fromEndpoint(sender.ifindex, frame, destination)
    }
    const frame = buildFrame({
      ...fields,
      sourceMac: receiver?.hostMac ?? outsideMac,
      destinationMac: receiver?.podMac ?? outsideMac,
    })
    return this.#switch.toAddress(frame, destination)
  }
}

function evidenceOf(what: string, delivery: Delivery): string {
  return delivery.kind === 'dropped' ? `${what} dropped by ${delivery.at}` : `${what} went astray: ${delivery.kind}`
}
