import { type RoutingMode, isTunnel } from '@weir/core/routing/node-ways.js'
import { codecs } from '@weir/datapath'
import { namespaceNames, podNames } from '../oracle/generate/names.js'
import { nodeAddresses, ownAddresses } from '../oracle/generate/addresses.js'
import { formatAddress, type OracleCluster, parseAddress } from '../oracle/index.js'
import { isOwnPod, type OracleWays, plainly, waysOf, wayTo } from '../oracle/ways.js'
import type { Kernel } from './kernel.js'
import type { Broken, Watch } from './watch.js'
import { mainTable, placeOf, ruleOf, type WaysKernel, weirs } from './ways-kernel.js'
import { furtherAddresses, isOnLink } from './ways-plan.js'

/** A packet: to somebody, from a pod of this node or from the node. */
interface Probe {
  readonly to: string
  readonly from?: string
}

const targets = [
  ...namespaceNames.flatMap(namespace => podNames.slice(1).flatMap(name => [...ownAddresses(namespace, name, 0)])),
  ...nodeAddresses('there'),
  ...furtherAddresses,
]
const probes: readonly Probe[] = targets.flatMap(to => [
  { to },
  { to, from: ownAddresses('default', 'a', 0)[to.includes(':') ? 1 : 0] },
])

/** By then an agent has no state before it in work: it looks at one after the other. */
const workedOffMs = 2000

interface State {
  readonly seq: number
  readonly sinceMs: number
  readonly mode: RoutingMode
  readonly ways: OracleWays
  /** By probe; undefined where the sender is no pod of this node. */
  readonly words: readonly (string | undefined)[]
}

/** Follows packets to other nodes and their pods, over rules, routes, devices and the maps of tunnels. */
export class WaysWatch implements Watch {
  readonly #kernel: WaysKernel
  readonly #nowMs: () => number
  readonly #broken: Broken
  #blindUntilMs = 0
  #mode: RoutingMode = 'off'
  #latest: { readonly seq: number; readonly cluster: OracleCluster } | undefined
  /** What the kernel may hold parts of; undefined: nobody knows. */
  #states: State[] | undefined
  #now: State | undefined
  #checks = 0

  constructor(kernel: WaysKernel, nowMs: () => number, broken: Broken) {
    this.#kernel = kernel
    this.#nowMs = nowMs
    this.#broken = broken
  }

  get checks(): number {
    return this.#checks
  }

  /** An agent starts that keeps ways of such a kind. */
  onMode(mode: RoutingMode): void {
    const before = this.#mode
    if (mode === before) return
    this.#mode = mode
    // Programs of one kind of tunnel are of no use at the device of the other.
    if (isTunnel(before) && isTunnel(mode)) this.#states = undefined
    this.#say()
  }

  /** Somebody else changed something, which may show until all has been looked at. */
  onMeddled(repairedMs: number): void {
    this.#states = undefined
    this.#blindUntilMs = this.#nowMs() + repairedMs
  }

  onDurable(seq: number, cluster: OracleCluster): void {
    this.#latest = { seq, cluster }
    this.#say()
  }

  onDisturbed(): void {
    this.#states = undefined
  }

  onWrite(kernel: Kernel, what: string): void {
    if (!/^weir_(tunnels|own)/.test(what)) return
    this.#look(kernel, what)
  }

  /** A route, a rule or a device was changed. */
  onRequest(kernel: Kernel, what: string): void {
    this.#look(kernel, what)
  }

  #look(kernel: Kernel, what: string): void {
    const { touched } = this.#kernel
    if (touched !== undefined) this.#broken("others' routes stay", `after ${what} ${touched} isn't as it was`)
    const found = probes.map(probe => this.#follow(kernel, probe))
    const states = this.#states
    if (states !== undefined) {
      this.#checks += probes.length
      for (const [at, { to, from = 'the node' }] of probes.entries()) {
        const could = new Set(states.map(({ words }) => words[at]))
        if (!could.has(undefined) && !could.has(found[at]))
          this.#broken(
            'no third way',
            `after ${what} packets from ${from} to ${to} go ${found[at]}, could be ${[...could].join(' or ')}`,
          )
      }
    }
    const now = this.#now
    if (now === undefined || Math.max(this.#blindUntilMs, now.sinceMs + workedOffMs) > this.#nowMs()) return
    if (now.words.every((word, at) => word === undefined || word === found[at])) this.#states = [now]
  }

  /** Ways come a little after what is enforced of policies: `atRest` looks at them. */
  onEnforced(kernel: Kernel): void {
    this.#look(kernel, 'all was enforced')
  }

  connect(): void {}

  /** All faults are over, and the ways have been looked at since: they are what the log says, and nothing else is there. */
  atRest(kernel: Kernel): void {
    this.#blindUntilMs = 0
    this.#states = this.#now && [this.#now]
    this.#look(kernel, 'all faults')
    const { ways, podBlocks } = this.#now?.ways ?? { ways: [], podBlocks: [] }
    const places = ways.map(
      ({ block, forPodsAlone }) => `${canonical(block)} table ${forPodsAlone ? weirs : mainTable}`,
    )
    const mine = ({ protocol }: { readonly protocol: number }): boolean => protocol === weirs
    this.#compare('routes', this.#kernel.routes.filter(mine).map(placeOf), places)
    const rules = podBlocks.map(block => `from ${canonical(block)} table ${weirs} at ${weirs}`)
    this.#compare('rules', this.#kernel.rules.filter(mine).map(ruleOf), rules)
    const links = this.#kernel.links.map(({ name, up }) => `${name} ${up ? 'up' : 'down'}`)
    this.#compare('devices', links, isTunnel(this.#mode) ? [`weir-${this.#mode} up`] : [])
    if (!isTunnel(this.#mode)) return
    const { maps } = kernel.backend
    const inMaps = [...maps.weir_tunnels4.entries(), ...maps.weir_tunnels6.entries()].length
    if (inMaps !== ways.length)
      this.#broken('ways are as the log says', `maps say of ${inMaps} tunnels, the log of ${ways.length}`)
  }

  #say(): void {
    if (this.#latest === undefined) return
    const { seq, cluster } = this.#latest
    const ways = waysOf(cluster, { own: 'here', mode: this.#mode, isOnLink })
    const words = probes.map(({ to, from }) =>
      isTunnel(this.#mode) && from !== undefined && !isOwnPod(ways, from) ? undefined : wayTo(ways, to, from),
    )
    this.#now = { seq, sinceMs: this.#nowMs(), mode: this.#mode, ways, words }
    // A machine that has just come up has none.
    this.#states?.push(this.#now)
  }

  /** As the kernel's own lookup goes, and the programs'. */
  #follow(kernel: Kernel, { to, from }: Probe): string {
    const route = this.#kernel.lookup(to, from)
    if (route === undefined) return 'nowhere'
    const { protocol, ifindex, gateway } = route
    const link = this.#kernel.links.find(each => each.ifindex === ifindex)
    if (link === undefined) return protocol === weirs ? `by ${gateway}` : plainly
    if (link.name !== `weir-${this.#mode}` && isTunnel(this.#mode)) return `into ${link.name}, of another mode`
    if (!link.up || !kernel.isAttached(ifindex, 'overlay')) return `into ${link.name}, where nobody takes them`
    const isFour = !to.includes(':')
    const map = kernel.backend.maps[isFour ? 'weir_tunnels4' : 'weir_tunnels6']
    const key = isFour
      ? codecs.prefix4.encode({ length: 32, address: bytesOf(to) })
      : codecs.prefix6.encode({ length: 128, address: bytesOf(to) })
    const value = map.lookup(key)
    if (value === undefined) return `into ${link.name}, and no further`
    const { family, address } = codecs.tunnel.read(value)
    return `in a tunnel to ${textOf(address, family === 4)}`
  }

  #compare(what: string, found: readonly string[], wanted: readonly string[]): void {
    const [there, asked] = [[...found].sort().join(', '), [...new Set(wanted)].sort().join(', ')]
    if (there !== asked) this.#broken('ways are as the log says', `${what} are ${there}; the log says ${asked}`)
  }
}

function bytesOf(address: string): Uint8Array {
  const { family, value } = parseAddress(address)
  const bytes = new Uint8Array(family === 4 ? 4 : 16)
  for (let at = bytes.length - 1, left = value; at >= 0; at -= 1, left >>= 8n) bytes[at] = Number(left & 255n)
  return bytes
}

function textOf(bytes: ArrayLike<number>, isFour: boolean): string {
  const used = Array.from(bytes).slice(0, isFour ? 4 : 16)
  return formatAddress({ family: isFour ? 4 : 6, value: used.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) })
}

function canonical(block: string): string {
  const [address = '', length] = block.split('/')
  return `${formatAddress(parseAddress(address))}/${length}`
}
