import { type Family, change, type ChangeStep, of } from './fixture.js'
import { address } from './frames.js'
import type { Typed } from './machine.js'
import type { Value } from './btf-value.js'

/** Addresses of services. */
export const virtual = { four: '10.96.0.10', six: 'fd00:96::10' } as const

export const natKinds = { service: 1, hairpin: 2, direct: 3, nodePort: 4, masquerade: 6 } as const

type Who = { readonly four: string; readonly six: string }

/** One direction of a flow: from an address and port to another. Of an ICMP query the second port is its type. */
export interface Tuple {
  readonly from: readonly [who: Who, port: number]
  readonly to: readonly [who: Who, port: number]
}

export const reversed = ({ from, to }: Tuple): Tuple => ({ from: to, to: from })

/** As a number whose bytes lie in memory as the network has them. */
const bigEndian = (bytes: Uint8Array): number => bytes.reduceRight((number, byte) => number * 256 + byte, 0)
const swapped = (port: number): number => ((port & 255) << 8) | (port >> 8)

function ends(family: Family, { from, to }: Tuple): { source: Value; destination: Value } {
  const value = (who: Who): Value => {
    const bytes = address(of(who, family))
    return family === 4 ? bigEndian(bytes) : { byte: bytes }
  }
  return { source: value(from[0]), destination: value(to[0]) }
}

const ports = ({ from, to }: Tuple): { source_port: number; destination_port: number } => ({
  source_port: swapped(from[1]),
  destination_port: swapped(to[1]),
})

export interface Pair {
  readonly protocol: number
  readonly before: Tuple
  readonly after: Tuple
  readonly kind?: number
  /** Seconds that it lives on, and that a packet adds. */
  readonly seconds?: number
}

const mapOf = (family: Family): string => `weir_nat${family}`
const keyOf = (family: Family, protocol: number, tuple: Tuple): Value => ({
  ...ends(family, tuple),
  ...ports(tuple),
  protocol,
})

/** Writes one half, or both. The other one is the reverse of this. */
export function putHalf(machine: Typed, family: Family, pair: Pair, isReply: boolean, expires: bigint): void {
  const [key, value] = isReply ? [reversed(pair.after), reversed(pair.before)] : [pair.before, pair.after]
  const is = {
    expires,
    timeout: pair.seconds ?? 60,
    kind: pair.kind ?? natKinds.service,
    is_reply: isReply ? 1 : 0,
    ...ports(value),
  }
  machine.put(mapOf(family), keyOf(family, pair.protocol, key), { is, ...ends(family, value) })
}

/** A pair that was made just now. */
export const paired = (family: Family, pair: Pair): ChangeStep =>
  change(machine => {
    const expires = machine.now() + BigInt(pair.seconds ?? 60) * 1_000_000_000n
    putHalf(machine, family, pair, false, expires)
    putHalf(machine, family, pair, true, expires)
  })

/** The table forgets one half. */
export const forgotten = (family: Family, pair: Pair, half: 'forward' | 'reply'): ChangeStep =>
  change(machine => {
    const tuple = half === 'reply' ? reversed(pair.after) : pair.before
    machine.remove(mapOf(family), keyOf(family, pair.protocol, tuple))
  })

export const hasHalf = (machine: Typed, family: Family, pair: Pair, half: 'forward' | 'reply'): boolean =>
  machine.get(mapOf(family), keyOf(family, pair.protocol, half === 'reply' ? reversed(pair.after) : pair.before)) !==
  undefined
