import { cidrContains, parseAddress } from '../oracle/address.js'
import type { OracleFrontend } from '../oracle/balancing.js'
import type { OracleCluster } from '../oracle/index.js'
import { balancingOf } from '../oracle/services.js'
import { interfaceAt, type Word, wordOf } from './traffic.js'

/** An address of a service, or what may become one. */
export interface Place {
  readonly address: string
  readonly protocol: 'TCP' | 'UDP'
  readonly port: number
}

/** Who asks for a service: a process, as its call shows; a pod, or somebody outside, as their packets show. */
export type Asker =
  | { readonly by: 'call'; readonly isNode: boolean }
  | { readonly by: 'packet'; readonly from: string }
  | { readonly by: 'outside'; readonly from: string }

export interface Ask {
  readonly asker: Asker
  readonly place: Place
}

/** Where something goes that is sent to a service: `10.0.0.1 8080`, or that it is told that nobody serves. */
export type Way = string
export const refused: Way = 'refused'
export const shut: Way = 'shut out'

const protocolNumbers = { TCP: 6, UDP: 17 } as const

export const wayTo = ({ address, port }: { readonly address: string; readonly port: number }): Way =>
  `${address} ${port}`

/** What one state says of services, read off the cluster by the oracle. */
export class ServiceState {
  readonly #cluster: OracleCluster
  readonly #frontends: ReadonlyMap<string, OracleFrontend>
  readonly #listed: ReadonlySet<string>
  readonly #words = new Map<string, Word>()

  constructor(cluster: OracleCluster) {
    const { frontends, backends } = balancingOf(cluster)
    this.#cluster = cluster
    this.#frontends = new Map(frontends.map(frontend => [frontend.at, frontend]))
    this.#listed = new Set(backends.map(({ at }) => at))
  }

  /** Whoever asks goes one of these ways, and may come to any but where affinity keeps him at one. */
  waysOf({ asker, place }: Ask): ReadonlySet<Way> {
    const frontend = this.#frontendOf(asker, place)
    if (frontend === undefined) return new Set([wayTo(place)])
    const { members, ofBackends, sourceRanges } = frontend
    const isShut = asker.by === 'outside' && sourceRanges !== undefined && !isWithin(asker.from, sourceRanges)
    if (isShut && members.length > 0) return new Set([shut])
    if (ofBackends === undefined) return waysTo(members)
    if (asker.by === 'packet' && !members.some(member => addressOf(member) === asker.from)) return waysTo(members)
    // Which pod calls shows in its packets alone.
    if (asker.by === 'call' && asker.isNode) return waysTo(members)
    return ofBackends === 'untouched' || asker.by === 'call' ? new Set([wayTo(place)]) : waysTo(ofBackends)
  }

  /** Whether each of its ways comes up sooner or later, as often as any other. */
  isEven({ asker, place }: Ask): boolean {
    const frontend = this.#frontendOf(asker, place)
    return (
      frontend !== undefined &&
      frontend.affinitySeconds === 0 &&
      frontend.ofBackends === undefined &&
      new Set(frontend.members.map(member => member.split('*')[1])).size === 1
    )
  }

  /** Is it a backend of somebody's, chosen or not? Then connections to it stay. */
  lists(way: Way, { protocol }: Place): boolean {
    return this.#listed.has(`${way} ${protocol}`)
  }

  /** What policies say of packets that go this way. */
  wordOn(from: string, way: Way, { protocol }: Place): Word {
    const key = `${from} ${way} ${protocol}`
    const known = this.#words.get(key)
    if (known !== undefined) return known
    const [to = '', port] = way.split(' ')
    const word = wordOf(this.#cluster, { from, to, protocol: protocolNumbers[protocol], port: Number(port) })
    this.#words.set(key, word)
    return word
  }

  /** The interface of whoever has an address, where it has one on this node. */
  interfaceOf(address: string): number | undefined {
    const found = interfaceAt(this.#cluster, address)
    return typeof found === 'number' ? found : undefined
  }

  /** Whose the address is, by `namespace/name`. */
  ownerOf({ asker, place }: Ask): string | undefined {
    return this.#frontendOf(asker, place)?.owner
  }

  #frontendOf({ by }: Asker, { address, port, protocol }: Place): OracleFrontend | undefined {
    return this.#frontends.get(`${address} ${port} ${protocol} ${by === 'outside' ? 'external' : 'internal'}`)
  }
}

/** `10.0.0.1 8080 TCP *1` */
const addressOf = (member: string): string => member.slice(0, member.indexOf(' '))
const wayOf = (member: string): Way => member.split(' ', 2).join(' ')

const waysTo = (members: readonly string[]): ReadonlySet<Way> =>
  new Set(members.length === 0 ? [refused] : members.map(wayOf))

const isWithin = (address: string, ranges: readonly string[]): boolean =>
  ranges.some(range => cidrContains(range, parseAddress(address)))
