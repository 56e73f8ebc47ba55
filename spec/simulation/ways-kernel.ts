import type { Rtnetlink } from '@weir/adapters/routing/netns.js'
import { type Interface, NetnsError, type RouteEntry, type RtRequest, type RuleEntry } from 'netns-napi'
import { nodeAddresses } from '../oracle/generate/addresses.js'
import { cidrContains, formatAddress, parseAddress } from '../oracle/address.js'
import type { Faults, KernelCode } from './faults.js'
import type { Life } from './life.js'
import { outerDevice } from './node-network.js'

export type Family = 4 | 6
export interface SimulatedRoute extends RouteEntry {
  readonly family: Family
}
export interface SimulatedRule extends RuleEntry {
  readonly family: Family
}

/** Of `ip route show proto 119`. */
export const weirs = 119
export const mainTable = 254
/** Of whoever sets up a node: `static`. */
const others = 4

const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)
const blockOf = (text: string) => ({ address: text.split('/')[0]!, length: Number(text.split('/')[1]) })
const route = (block: string, rest: Omit<RouteEntry, 'destination' | 'protocol'>): SimulatedRoute => ({
  ...{ family: familyOf(block), destination: blockOf(block), protocol: others, ...rest },
})
const ifindex = outerDevice.ifindex

/** What no agent made, and none may touch: the link, what lies behind routers, and tables of others. */
const foreignRoutes: readonly SimulatedRoute[] = [
  route('0.0.0.0/0', { table: mainTable, ifindex, gateway: '192.168.0.254' }),
  route('::/0', { table: mainTable, ifindex, gateway: 'fd00:ffff::fe' }),
  route('192.168.0.0/24', { table: mainTable, ifindex }),
  route('fd00:ffff::/64', { table: mainTable, ifindex }),
  route('10.77.0.0/16', { table: mainTable, ifindex, gateway: '192.168.0.253' }),
  route('10.0.2.0/24', { table: 500, ifindex, gateway: '192.168.0.253' }),
  route('198.18.0.0/15', { table: 119, ifindex, gateway: '192.168.0.253' }),
]
const foreignRules: readonly SimulatedRule[] = [
  { family: 4, source: blockOf('10.99.0.0/16'), table: 500, priority: 500, protocol: others },
  { family: 6, source: blockOf('fd99::/16'), table: 500, priority: 119, protocol: others },
]

export const placeOf = ({ destination: { address, length }, table }: SimulatedRoute): string =>
  `${address}/${length} table ${table}`
export const ruleOf = ({ source: { address, length }, table, priority }: SimulatedRule): string =>
  `from ${address}/${length} table ${table} at ${priority}`

/** The kernel's devices of tunnels, its routes and its rules. They outlive processes, and end with the power. */
export class WaysKernel {
  readonly #faults: Faults<KernelCode>
  readonly #onWrite: (what: string) => void
  readonly #onGone: (ifindex: number) => void
  readonly #links = new Map<number, Interface>()
  readonly #routes = new Map<string, SimulatedRoute>()
  /** Routes of others to blocks of nodes, by block. */
  readonly #strange = new Map<string, SimulatedRoute>()
  readonly #rules = new Map<string, SimulatedRule>()
  readonly #sysctls = new Map<string, string>()
  /** No device gets the number of one that there was. */
  #nextIndex = 200

  /**
   * @param faults Of the kernel as a whole.
   * @param onWrite Told after every single request of a process that changed something.
   * @param onGone Told of a device that is no more: its programs went with it.
   */
  constructor(faults: Faults<KernelCode>, onWrite: (what: string) => void, onGone: (ifindex: number) => void) {
    this.#faults = faults
    this.#onWrite = onWrite
    this.#onGone = onGone
    this.losePower()
  }

  /** Of tunnels. */
  get links(): readonly Interface[] {
    return [...this.#links.values()]
  }

  get routes(): readonly SimulatedRoute[] {
    return [...this.#routes.values()]
  }

  get rules(): readonly SimulatedRule[] {
    return [...this.#rules.values()]
  }

  has(index: number): boolean {
    return this.#links.has(index)
  }

  /** Blocks that somebody else has a route to where Weir may want one. */
  get taken(): ReadonlySet<string> {
    return new Set(this.#strange.keys())
  }

  /** Somebody else makes a route, where there is none, or takes his own away. @returns whether it was done */
  strangers(block: string, isThere: boolean): boolean {
    const made = route(block, { table: mainTable, ifindex, gateway: '192.168.0.253' })
    const place = placeOf(made)
    if (isThere === this.#routes.has(place) || (!isThere && !this.#strange.has(block))) return false
    if (isThere) {
      this.#routes.set(place, made)
      this.#strange.set(block, made)
    } else {
      this.#routes.delete(place)
      this.#strange.delete(block)
    }
    return true
  }

  /** What is no longer as somebody else made it. */
  get touched(): string | undefined {
    const lost = [...foreignRoutes, ...this.#strange.values()].find(each => this.#routes.get(placeOf(each)) !== each)
    if (lost !== undefined) return placeOf(lost)
    const rule = foreignRules.find(each => this.#rules.get(ruleOf(each)) !== each)
    return rule && ruleOf(rule)
  }

  losePower(): void {
    this.#links.clear()
    this.#routes.clear()
    this.#strange.clear()
    this.#rules.clear()
    this.#sysctls.clear()
    for (const each of foreignRoutes) this.#routes.set(placeOf(each), each)
    for (const each of foreignRules) this.#rules.set(ruleOf(each), each)
    for (const file of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) this.#sysctls.set(file, '0')
    this.#sysctls.set('ipv4/conf/all/rp_filter', '1')
    this.#sysctls.set(`ipv6/conf/${outerDevice.ifname}/accept_ra`, '1')
  }

  /** The device and the next hop that a packet leaves by; undefined: nothing leads there. */
  lookup(to: string, from?: string): SimulatedRoute | undefined {
    const family = familyOf(to)
    const asked = [...this.#rules.values()]
      .filter(rule => rule.family === family && from !== undefined && holds(rule.source, from))
      .sort((a, b) => a.priority - b.priority)
      .map(({ table }) => table)
    for (const table of [...asked, mainTable]) {
      let best: SimulatedRoute | undefined
      for (const each of this.#routes.values())
        if (each.table === table && each.family === family && holds(each.destination, to))
          if (best === undefined || each.destination.length > best.destination.length) best = each
      if (best !== undefined) return best
    }
    return undefined
  }

  /** As a process has it. */
  open(life: Life): Rtnetlink {
    const run = (request: RtRequest): void => {
      life.operation()
      const code = this.#faults.next()
      // Where a map has no room, netlink has no buffers.
      if (code !== undefined) throw refusal(code === 'E2BIG' ? 'ENOBUFS' : code, request)
      this.request(request)
      this.#onWrite(textOf(request))
      life.operation()
    }
    return {
      interfacesIn: () => [outer, ...this.links].map(each => ({ ...each })),
      routesIn: async (_path, family, protocol) => {
        await life.io()
        return this.routes.filter(each => each.family === family && (protocol ?? each.protocol) === each.protocol)
      },
      rulesIn: async (_path, family, protocol) => {
        await life.io()
        return this.rules.filter(each => each.family === family && each.protocol === protocol)
      },
      hopsIn: async (_path, addresses) => {
        await life.io()
        return addresses.map(address => {
          const found = this.lookup(address)
          if (found === undefined) return undefined
          const { gateway } = found
          const leaves = !nodeAddresses('here').includes(address)
          return { ifindex: found.ifindex, leaves, ...(gateway !== undefined && { gateway }) }
        })
      },
      rtnetlinkIn: async (_path, requests) => {
        await life.io()
        for (const each of requests) run(each)
      },
      tryRtnetlinkIn: async (_path, requests) => {
        await life.io()
        const failures = new Map<number, NetnsError>()
        for (const [at, each] of requests.entries()) {
          try {
            run(each)
          } catch (error) {
            if (!(error instanceof NetnsError)) throw error
            failures.set(at, error)
          }
        }
        return failures
      },
      readSysctlIn: async (_path, file) => {
        await life.io()
        const value = this.#sysctls.get(file)
        if (value === undefined) throw new NetnsError('ENOENT', 'open', file)
        return value
      },
      writeSysctlIn: async (_path, file, value) => {
        await life.io()
        life.operation()
        if (!this.#sysctls.has(file)) throw new NetnsError('ENOENT', 'open', file)
        this.#sysctls.set(file, String(value))
        life.operation()
      },
    }
  }

  /** Does what is asked, as the kernel does, by whomever. @throws NetnsError */
  request(request: RtRequest): void {
    switch (request.kind) {
      case 'overlay.add': {
        if (this.links.some(({ name }) => name === request.name)) throw refusal('EEXIST', request)
        const { name, mac } = request
        this.#links.set(this.#nextIndex, { name, mac, ifindex: this.#nextIndex, mtu: 1450, up: false })
        this.#nextIndex += 1
        this.#sysctls.set(`ipv4/conf/${name}/rp_filter`, '1')
        return
      }
      case 'link.set': {
        const link = this.#links.get(request.ifindex)
        if (link === undefined) throw refusal('ENODEV', request)
        const { up = link.up, mtuBytes: mtu = link.mtu } = request
        this.#links.set(link.ifindex, { ...link, up, mtu })
        if (!up) this.#loseRoutes(link.ifindex)
        return
      }
      case 'link.delete': {
        const link = this.links.find(({ name }) => name === request.name)
        if (link === undefined) throw refusal('ENODEV', request)
        this.#links.delete(link.ifindex)
        this.#sysctls.delete(`ipv4/conf/${link.name}/rp_filter`)
        this.#loseRoutes(link.ifindex)
        this.#onGone(link.ifindex)
        return
      }
      case 'route.add':
      case 'route.replace':
        this.#make(request)
        return
      case 'route.delete': {
        const { table = mainTable, protocol = others } = request
        const { address, length } = canonical(request.destination)
        const place = `${address}/${length} table ${table}`
        const there = this.#routes.get(place)
        if (there?.protocol !== protocol || there.ifindex !== request.ifindex) throw refusal('ESRCH', request)
        this.#routes.delete(place)
        return
      }
      case 'rule.add':
      case 'rule.delete': {
        const { table, priority, protocol } = request
        const source = canonical(request.source)
        const rule = { family: familyOf(source.address), source, table, priority, protocol }
        const there = this.#rules.get(ruleOf(rule))
        if (request.kind === 'rule.add') {
          if (there !== undefined) throw refusal('EEXIST', request)
          this.#rules.set(ruleOf(rule), rule)
        } else if (there?.protocol === protocol) this.#rules.delete(ruleOf(rule))
        else throw refusal('ENOENT', request)
        return
      }
      default:
        throw refusal('EOPNOTSUPP', request)
    }
  }

  #make(request: Extract<RtRequest, { readonly kind: 'route.add' | 'route.replace' }>): void {
    const { destination, table = mainTable, protocol = others, gateway, source } = request
    const link = request.ifindex === outer.ifindex ? outer : this.#links.get(request.ifindex)
    if (link === undefined) throw refusal('ENODEV', request)
    if (!link.up) throw refusal('ENETDOWN', request)
    const isOwn = source === undefined || nodeAddresses('here').includes(source)
    if (destination === undefined || !isOwn) throw refusal('EINVAL', request)
    const made: SimulatedRoute = {
      ...{
        family: familyOf(destination.address),
        destination: canonical(destination),
        table,
        protocol,
        ifindex: link.ifindex,
      },
      ...(gateway !== undefined && { gateway }),
      ...(source !== undefined && { source }),
    }
    const place = placeOf(made)
    if (request.kind === 'route.add' && this.#routes.has(place)) throw refusal('EEXIST', request)
    this.#routes.set(place, made)
  }

  #loseRoutes(index: number): void {
    for (const [place, each] of this.#routes) if (each.ifindex === index) this.#routes.delete(place)
  }
}

const outer: Interface = {
  ...{ name: outerDevice.ifname, ifindex: outerDevice.ifindex, mac: '02:00:00:00:00:60', mtu: 1500, up: true },
}

interface Block {
  readonly address: string
  readonly length: number
}

/** Answers of `holds`, which is asked for the same few blocks and addresses over and over. */
const known = new Map<string, boolean>()

function holds({ address, length }: Block, one: string): boolean {
  const question = `${address}/${length} ${one}`
  const answer = known.get(question) ?? cidrContains(`${address}/${length}`, parseAddress(one))
  known.set(question, answer)
  return answer
}

const canonical = ({ address, length }: Block): Block => ({ address: formatAddress(parseAddress(address)), length })

const textOf = (request: RtRequest): string => JSON.stringify(request)
const refusal = (code: string, request: RtRequest): NetnsError => new NetnsError(code, 'rtnetlink', textOf(request))
