import { type Family, change, type ChangeStep, of } from './fixture.js'
import { address, type Link } from './frames.js'
import type { Typed } from './machine.js'
import type { Value } from './btf-value.js'
import { forgetHalf, hasHalfFor, writeHalf } from './pairs.js'
import type { PairTuple } from '@weir/datapath/pairs/place.js'

/** Addresses of services. */
export const virtual = { four: '10.96.0.10', six: 'fd00:96::10' } as const

export const secondVirtual = { four: '10.96.0.20', six: 'fd00:96::20' } as const

export const natKinds = { service: 1, hairpin: 2, direct: 3, nodePort: 4, masquerade: 6, forwarded: 8 } as const

type Who = { readonly four: string; readonly six: string }

/** One direction of a flow: from an address and port to another. Of an ICMP query the second port is its type. */
export interface Tuple {
  readonly from: readonly [who: Who, port: number]
  readonly to: readonly [who: Who, port: number]
}

export const reversed = ({ from, to }: Tuple): Tuple => ({ from: to, to: from })

const swapped = (port: number): number => ((port & 255) << 8) | (port >> 8)

const tupleOf = (family: Family, { from, to }: Tuple): PairTuple => ({
  source: address(of(from[0], family)),
  destination: address(of(to[0], family)),
  sourcePort: from[1],
  destinationPort: to[1],
})

export interface Pair {
  readonly protocol: number
  readonly before: Tuple
  readonly after: Tuple
  readonly kind?: number
  /** Seconds that it lives on, and that a packet adds. */
  readonly seconds?: number
  /** Index of the backend. */
  readonly backend?: number
  /** For those who send such packets themselves: known for as long as the pair lives. */
  readonly hop?: { readonly ifindex: number; readonly link: Link; readonly mtuBytes: number }
}

/** Writes one half, or both. The other one is the reverse of this. */
export function putHalf(machine: Typed, family: Family, pair: Pair, isReply: boolean, expires: bigint): void {
  writeHalf(machine, family, {
    ...{ before: tupleOf(family, pair.before), after: tupleOf(family, pair.after), protocol: pair.protocol },
    ...{ kind: pair.kind ?? natKinds.service, isReply, expires },
    is: {
      timeout: pair.seconds ?? 60,
      backend: pair.backend ?? 0,
      ...(pair.hop !== undefined && {
        hop_ifindex: pair.hop.ifindex,
        hop_mtu: pair.hop.mtuBytes,
        hop_macs: [...pair.hop.link.to, ...pair.hop.link.from],
        hop_until: Number(expires / 1_000_000_000n),
      }),
    },
  })
}

/** Tells where a backend is; without one, that there is none. */
export function putBackend(machine: Typed, family: Family, index: number, backend?: Backend): void {
  const value = backend && {
    address: address(of(backend.who, family)),
    port: backend.port,
    protocol: backend.protocol,
  }
  machine.put(`weir_backends${family}`, index, value ?? {})
}

export interface Backend {
  readonly who: Who
  readonly port: number
  readonly protocol: number
}

/** A pair that was made just now, of a backend at place 0 where it is a service's. */
export const paired = (family: Family, pair: Pair): ChangeStep =>
  change(machine => {
    const [who, port] = pair.after.to
    if ((pair.kind ?? natKinds.service) <= natKinds.hairpin)
      putBackend(machine, family, 0, { who, port, protocol: pair.protocol })
    const expires = machine.now() + BigInt(pair.seconds ?? 60) * 1_000_000_000n
    putHalf(machine, family, pair, false, expires)
    putHalf(machine, family, pair, true, expires)
  })

const halfOf = (family: Family, pair: Pair, half: 'forward' | 'reply'): PairTuple =>
  tupleOf(family, half === 'reply' ? reversed(pair.after) : pair.before)

/** The table forgets one half; all of a pair that one entry is for. */
export const forgotten = (family: Family, pair: Pair, half: 'forward' | 'reply'): ChangeStep =>
  change(machine => forgetHalf(machine, family, pair.protocol, halfOf(family, pair, half)))

export const hasHalf = (machine: Typed, family: Family, pair: Pair, half: 'forward' | 'reply'): boolean =>
  hasHalfFor(machine, family, pair.protocol, halfOf(family, pair, half))

export interface Service {
  readonly at: Who
  readonly port: number
  readonly protocol: number
  /** Places of backends, in the order of the table. */
  readonly backends: readonly number[]
  readonly affinitySeconds?: number
  readonly flags?: number
  readonly ranges?: number
  /** Places of backends, in rising order, for those whose addresses are in the ranges. */
  readonly beneath?: readonly number[]
}

const slotsPerLine = 16
/** Where each table of a fixture starts: they are small. */
let tables = 0

/** Leads a service's address to backends, as one write does. */
export function putService(machine: Typed, family: Family, service: Service): void {
  tables = (tables + 1) % 1000
  const { backends, beneath = [] } = service
  const line = (places: readonly number[]): number[] =>
    Array.from({ length: slotsPerLine }, (_, i) => places[i] ?? 0xffffffff)
  machine.put('weir_slots', 3 * tables, { backend: line(backends) })
  machine.put('weir_slots', 3 * tables + 2, { backend: line(beneath) })
  machine.put('weir_slots', 3 * tables + 1, { backend: line([...new Set(backends)].sort()) })
  machine.put(`weir_frontends${family}`, frontendKey(family, service.at, service.port, service.protocol), {
    first: 3 * tables * slotsPerLine,
    count: backends.length,
    members_first: (3 * tables + 1) * slotsPerLine,
    members: new Set(backends).size,
    affinity: service.affinitySeconds ?? 0,
    flags: service.flags ?? 0,
    ranges: service.ranges ?? 0,
    beneath_first: (3 * tables + 2) * slotsPerLine,
    beneath: beneath.length,
  })
}

const frontendKey = (family: Family, at: Who, port: number, protocol: number): Value => ({
  address: address(of(at, family)),
  port,
  protocol,
  scope: 0,
})

/** Lets clients in from a block. */
export function putRange(machine: Typed, family: Family, ranges: number, block: string, length: number): void {
  machine.put(`weir_ranges${family}`, { length: 32 + length, ranges, address: address(block) }, 1)
}

/** The first port that a flow gets whose own is taken, as the programs' hash of its tuple says. */
export function portInstead(family: Family, protocol: number, tuple: Tuple): number {
  const [first, last] = [1024, 65535]
  return first + ((tupleHash(family, protocol, tuple) + 1) % (last - first + 1))
}

/** SplitMix64's steps over the words of a tuple, as memory has them. */
function tupleHash(family: Family, protocol: number, { from, to }: Tuple): number {
  const mask = (1n << 64n) - 1n
  const words = ([who]: readonly [Who, number]): bigint[] => {
    const bytes = Buffer.alloc(16)
    bytes.set(address(of(who, family)))
    return [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)]
  }
  const one = (hash: bigint): bigint => ((hash ^ (hash >> 32n)) * 0xbf58476d1ce4e5b9n) & mask
  const two = (hash: bigint): bigint => ((hash ^ (hash >> 29n)) * 0x94d049bb133111ebn) & mask
  const [source, destination] = [words(from), words(to)]
  let hash = two(one(source[0]!) ^ destination[0]!)
  if (family === 6) hash = two(one(hash ^ source[1]!) ^ destination[1]!)
  const ends = (BigInt(swapped(from[1])) << 32n) | BigInt((swapped(to[1]) << 16) >>> 0) | BigInt(protocol)
  return Number(two(one(hash ^ ends)) >> 32n)
}
