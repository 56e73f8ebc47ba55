import { buildFrame } from '@weir/adapters/demo/packets.js'
import { pairMacs } from '@weir/adapters/network/names.js'
import type { MemoryBackendHandle } from '@weir/datapath'
import { packetActions } from '@weir/datapath/backend.js'
import { keepsAddress, leavingOf } from '../oracle/egress.js'
import type { OracleCluster } from '../oracle/index.js'
import { partyAt } from '../oracle/index.js'
import type { Kernel } from './kernel.js'
import { outerDevice } from './node-network.js'
import { endsOf, flagsOf } from './service-traffic.js'
import { isAnswer, seen, wordOf } from './traffic.js'
import type { Broken, Watch } from './watch.js'

/** A pod's address, and somebody outside the cluster. */
export interface WayOut {
  readonly from: string
  readonly to: string
}

/** How a packet leaves: `as 192.168.0.1`, `steered` to another node, or not at all. */
type Exit = string
const stopped: Exit = 'stopped'
const steered: Exit = 'steered'

interface Word {
  /** The pod's interface; absent where nobody knows, or where it doesn't leave. */
  readonly ifindex: number
  /** Of `seen`: what policies let it. */
  readonly bits: number
  readonly exit: Exit
}

const port = 80
const firstPort = 2000
const ports = 18_000

/** Looks at packets of pods that leave the cluster: with which address, and by whom. */
export class LeavingWatch implements Watch {
  readonly #ways: readonly WayOut[]
  readonly #broken: Broken
  /** By the last event of each state that was durable: what it says of each way. */
  readonly #states = new Map<number, readonly (Word | undefined)[]>()
  /** The last event of the first state that the kernel may hold parts of; undefined: nobody knows. */
  #since: number | undefined
  #sent = 0
  #checks = 0

  constructor(ways: readonly WayOut[], broken: Broken) {
    this.#ways = ways
    this.#broken = broken
  }

  get checks(): number {
    return this.#checks
  }

  onDurable(seq: number, cluster: OracleCluster): void {
    this.#states.set(
      seq,
      this.#ways.map(way => exitOf(cluster, way)),
    )
  }

  onDisturbed(): void {
    this.#since = undefined
  }

  onWrite(kernel: Kernel, what: string): void {
    const since = this.#since
    if (since === undefined) return
    const states = [...this.#states].flatMap(([last, state]) => (last >= since ? [state] : []))
    this.#look(kernel, states, 'no third way out', `after a write of ${what}`)
  }

  onEnforced(kernel: Kernel, seq: number): void {
    this.#since = seq
    for (const last of this.#states.keys()) if (last < seq) this.#states.delete(last)
    this.#look(kernel, [this.#states.get(seq) ?? []], 'packets leave as the log says', `at event ${seq}`)
  }

  /** New connections are looked at alone: those that are there keep their address, whatever comes. */
  connect(): void {}

  #look(kernel: Kernel, states: readonly (readonly (Word | undefined)[])[], law: string, when: string): void {
    if (!kernel.isAttached(outerDevice.ifindex, 'device')) return
    for (const [at, way] of this.#ways.entries()) {
      const words = states.map(state => state[at])
      const [first] = words
      if (first === undefined || words.some(word => word?.ifindex !== first.ifindex)) continue
      this.#checks += 1
      const found = leave(kernel.backend, way, first.ifindex, firstPort + (this.#sent++ % ports))
      const exits = exitsBy(words.flatMap(word => word ?? []))
      if (!exits.has(found))
        this.#broken(law, `${when} ${way.from} → ${way.to} left ${found}, could be ${[...exits].join(' or ')}`)
    }
  }
}

/** What a state says of a way, read off the cluster by the oracle. */
function exitOf(cluster: OracleCluster, { from, to }: WayOut): Word | undefined {
  const { route, bits } = wordOf(cluster, { from, to, protocol: 6, port })
  if (typeof route?.from !== 'number' || route.to !== undefined || partyAt(cluster, to).kind !== 'outside')
    return undefined
  const leaving = leavingOf(cluster, from, to)
  const word = { ifindex: route.from, bits }
  switch (leaving.does) {
    case 'drop':
      return { ...word, exit: stopped }
    case 'steer':
      return { ...word, exit: steered }
    case 'translate':
      return { ...word, exit: `as ${leaving.to}` }
    case 'nothing':
      return { ...word, exit: maskedExit(cluster, from, to) }
  }
}

/** How a packet may leave in any of these. Policies and ways out change one after the other: it may meet those of two. */
function exitsBy(words: readonly Word[]): ReadonlySet<Exit> {
  const bits = words.reduce((sum, word) => sum | word.bits, 0)
  const ways = (bits & seen.passed) === 0 ? [] : words.map(({ exit }) => exit)
  return new Set([...ways, ...((bits & seen.stopped) === 0 ? [] : [stopped])])
}

/** Under the first address of its family that the device has, where it is known to be the node's own. */
function maskedExit(cluster: OracleCluster, from: string, to: string): Exit {
  const device = cluster.devices?.find(({ ifindex, isOwn }) => ifindex === outerDevice.ifindex && isOwn)
  if (keepsAddress(cluster, to) || device === undefined) return `as ${from}`
  const own = device.addresses.find(address => address.includes(':') === from.includes(':'))
  return own === undefined ? stopped : `as ${own}`
}

/** The first packet of a connection, from the pod to where it leaves the node. */
function leave(backend: MemoryBackendHandle, { from, to }: WayOut, ifindex: number, sourcePort: number): Exit {
  const { pod: sourceMac, host: destinationMac } = pairMacs(ifindex)
  const ends = { source: from, destination: to, sourcePort, destinationPort: port }
  const frame = buildFrame({ ...ends, sourceMac, destinationMac, protocol: 'TCP', flags: flagsOf.syn })
  const sent = backend.runProgram('weir_from_endpoint', frame, { ifindex })
  if (sent.action === packetActions.drop) return stopped
  const isSteered = sent.action === packetActions.redirect
  if (isSteered && isAnswer(sent)) return stopped
  // By the same device: the simulated node has no other to the outside, nor a route to any node but by it.
  const left = backend.runProgram('weir_to_device', sent.packet, { ifindex: outerDevice.ifindex, mark: sent.mark })
  if (left.action === packetActions.drop) return stopped
  const { source } = endsOf(left.packet)
  if (isSteered) return source === from ? steered : `steered as ${source}`
  return `as ${source}`
}
