import { type RoutingMode, isTunnel } from '@weir/core/routing/node-ways.js'
import { type Attachment, codecs } from '@weir/datapath'
import { namespaceNames, podNames } from '../oracle/generate/names.js'
import { nodeAddresses, ownAddresses } from '../oracle/generate/addresses.js'
import { formatAddress, type OracleCluster, parseAddress } from '../oracle/index.js'
import { isMade, isOwnPod, type OracleWays, plainly, waysOf, wayTo } from '../oracle/ways.js'
import type { Kernel } from './kernel.js'
import type { Broken, Watch } from './watch.js'
import { mainTable, placeOf, ruleOf, type SimulatedRoute, type WaysKernel, weirs } from './ways-kernel.js'
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
/** So often it is asked whether all is in order, while it isn't. */
const periodMs = 100

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
  /** Looks at it of its own accord from then on. */
  #dueMs = 0
  #mode: RoutingMode = 'off'
  #latest: { readonly seq: number; readonly cluster: OracleCluster } | undefined
  /** What the kernel may hold parts of; undefined: nobody knows. */
  #states: State[] | undefined
  #now: State | undefined
  /** Of which kind of ways the agent was that brought programs to a device. */
  readonly #programs = new Map<number, RoutingMode>()
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
    if (mode === this.#mode) return
    this.#mode = mode
    this.#say()
  }

  /** Time went by, in which an agent may have come to an end of its work. */
  onTime(kernel: Kernel): void {
    const [now, nowMs] = [this.#now, this.#nowMs()]
    if (now === undefined || this.#isKnown(now) || now.sinceMs + workedOffMs > nowMs || this.#dueMs > nowMs) return
    this.#dueMs = nowMs + periodMs
    this.#look(kernel, 'a while')
  }

  onDurable(seq: number, cluster: OracleCluster): void {
    this.#latest = { seq, cluster }
    this.#say()
  }

  /** Somebody else changed something, which may show until all is found in order; or made a route that is his. */
  onDisturbed(): void {
    this.#say()
    this.#states = undefined
  }

  onWrite(kernel: Kernel, what: string): void {
    if (!/^weir_(tunnels|own)/.test(what)) return
    this.#look(kernel, what)
  }

  /** An agent brought programs to a device, or took them away. */
  onPrograms(kernel: Kernel, { ifindex, ifname, role }: Attachment, isAttached: boolean): void {
    if (role !== 'overlay') return
    if (isAttached) this.#programs.set(ifindex, this.#mode)
    this.#look(kernel, `programs ${isAttached ? 'came to' : 'left'} ${ifname}`)
  }

  /** A route, a rule or a device was changed. */
  onRequest(kernel: Kernel, what: string): void {
    this.#look(kernel, what)
  }

  #look(kernel: Kernel, what: string): void {
    const { touched } = this.#kernel
    if (touched !== undefined) this.#broken("others' routes stay", `after ${what} ${touched} isn't as it was`)
    const states = this.#states
    // By which kind of tunnel, and to whom, are two questions: rows may change while routes go from one kind to the other.
    const kinds = new Set((states ?? [this.#now]).map(each => `weir-${each?.mode}`))
    const found = probes.map(probe => this.#follow(kernel, probe, kinds))
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
    if (now === undefined || this.#isKnown(now) || now.sinceMs + workedOffMs > this.#nowMs()) return
    const isThere = now.words.every((word, at) => word === undefined || word === found[at])
    if (isThere && this.#disorder(kernel, now) === undefined) this.#states = [now]
  }

  /** That state alone is expected already. */
  #isKnown(now: State): boolean {
    return this.#states?.length === 1 && this.#states[0] === now
  }

  /** Ways come a little after what is enforced of policies: `atRest` looks at them. */
  onEnforced(kernel: Kernel): void {
    this.#look(kernel, 'all was enforced')
  }

  connect(): void {}

  /** All faults are over, and the ways have been looked at since: they are what the log says, and nothing else is there. */
  atRest(kernel: Kernel): void {
    const now = this.#now
    if (now === undefined) return
    this.#states = [now]
    this.#look(kernel, 'all faults')
    const disorder = this.#disorder(kernel, now)
    if (disorder !== undefined) this.#broken('ways are as the log says', disorder)
  }

  /** What isn't as the log says, or is there besides; packets that nobody follows meet it too. */
  #disorder(kernel: Kernel, { mode, ways: all }: State): string | undefined {
    const { ways, podBlocks } = all
    const mine = ({ protocol }: { readonly protocol: number }): boolean => protocol === weirs
    const [link] = this.#kernel.links
    const leads = ({ ifindex, gateway }: SimulatedRoute): string =>
      isTunnel(mode) && ifindex === link?.ifindex ? 'into the tunnel' : `by ${gateway}`
    const made = ways.filter(way => isMade(all, way))
    const wanted = made.map(({ block, forPodsAlone, address }) => {
      const place = `${canonical(block)} table ${forPodsAlone ? weirs : mainTable}`
      return `${place} ${isTunnel(mode) ? 'into the tunnel' : `by ${address}`}`
    })
    const found = this.#kernel.routes.filter(mine).map(route => `${placeOf(route)} ${leads(route)}`)
    const rules = podBlocks.map(block => `from ${canonical(block)} table ${weirs} at ${weirs}`)
    const links = this.#kernel.links.map(({ name, up }) => `${name} ${up ? 'up' : 'down'}`)
    const { weir_tunnels4, weir_tunnels6 } = kernel.backend.maps
    const inMaps = [...weir_tunnels4.entries(), ...weir_tunnels6.entries()].length
    return (
      difference('routes', found, wanted) ??
      difference('rules', this.#kernel.rules.filter(mine).map(ruleOf), rules) ??
      difference('devices', links, isTunnel(mode) ? [`weir-${mode} up`] : []) ??
      (isTunnel(mode) && inMaps !== ways.length
        ? `maps say of ${inMaps} tunnels, the log of ${ways.length}`
        : undefined)
    )
  }

  #say(): void {
    if (this.#latest === undefined) return
    const { seq, cluster } = this.#latest
    const { taken } = this.#kernel
    const ways = waysOf(cluster, { own: 'here', mode: this.#mode, isOnLink, taken })
    const words = probes.map(({ to, from }) =>
      isTunnel(this.#mode) && from !== undefined && !isOwnPod(ways, from) ? undefined : wayTo(ways, to, from),
    )
    this.#now = { seq, sinceMs: this.#nowMs(), mode: this.#mode, ways, words }
    // A machine that has just come up has none.
    this.#states?.push(this.#now)
  }

  /** As the kernel's own lookup goes, and the programs'. */
  #follow(kernel: Kernel, { to, from }: Probe, kinds: ReadonlySet<string>): string {
    const route = this.#kernel.lookup(to, from)
    if (route === undefined) return 'nowhere'
    const { protocol, ifindex, gateway } = route
    const link = this.#kernel.links.find(each => each.ifindex === ifindex)
    if (link === undefined) return protocol === weirs ? `by ${gateway}` : plainly
    if (!kinds.has(link.name)) return `into ${link.name}, of a kind that nobody asks for`
    if (!link.up || !kernel.isAttached(ifindex, 'overlay')) return `into ${link.name}, where nobody takes them`
    const kind = link.name.slice('weir-'.length)
    // Programs are made for one kind: those of another don't know this device's packets.
    if (this.#programs.get(ifindex) !== kind) return `into ${link.name}, by programs of ${this.#programs.get(ifindex)}`
    const { maps } = kernel.backend
    if (maps.weir_own.lookup(codecs.index.encode(ifindex)) === undefined)
      return `into ${link.name}, under nobody's address`
    const isFour = !to.includes(':')
    const map = maps[isFour ? 'weir_tunnels4' : 'weir_tunnels6']
    const key = isFour
      ? codecs.prefix4.encode({ length: 32, address: bytesOf(to) })
      : codecs.prefix6.encode({ length: 128, address: bytesOf(to) })
    const value = map.lookup(key)
    if (value === undefined) return `into ${link.name}, and no further`
    const { family, address } = codecs.tunnel.read(value)
    return `in a tunnel to ${textOf(address, family === 4)}`
  }
}

function difference(what: string, found: readonly string[], wanted: readonly string[]): string | undefined {
  const [there, asked] = [[...found].sort().join(', '), [...new Set(wanted)].sort().join(', ')]
  return there === asked ? undefined : `${what} are ${there}; the log says ${asked}`
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
