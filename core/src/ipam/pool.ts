import { parseAddress, parsePrefix, type Prefix, prefixText } from '../address/address.js'
import { addressText } from '../input/address.js'

/** A block that pods get addresses from. */
export interface Pool {
  readonly prefix: Prefix
  /** Canonical text of the block. */
  readonly text: string
  /** The lowest address that a pod may have, as a number. */
  readonly first: bigint
  /** One past the highest. */
  readonly end: bigint
}

/**
 * The pool of a block: all of it but the network's own address, the gateway's, which is the next, and IPv4's broadcast
 * address. A block of one or two addresses has none.
 */
export function poolIn(prefix: Prefix): Pool {
  const start = numberOf(prefix)
  const size = 1n << BigInt(prefix.bytes.length * 8 - prefix.length)
  const first = start + 2n
  const end = start + size - (prefix.family === 4 ? 1n : 0n)
  return { prefix, text: prefixText(prefix), first, end: end < first ? first : end }
}

/** @returns undefined for what is no block */
export function poolOf(cidr: string): Pool | undefined {
  const prefix = parsePrefix(cidr)
  return prefix && poolIn(prefix)
}

/** How many addresses pods can have of it. */
export const sizeOf = ({ first, end }: Pool): bigint => end - first

/**
 * The addresses of a pool in canonical text, each once: from the one after `last` to the end, then from the start. They
 * come in order from the start when `last` is absent or of no address of the pool.
 */
export function* addressesIn(pool: Pool, last?: string): Generator<string> {
  const { first, end, prefix } = pool
  const parsed = last === undefined ? undefined : parseAddress(last)
  const after = parsed?.family === prefix.family ? numberOf(parsed) + 1n : first
  const start = after > first && after <= end ? after : first
  for (let at = start; at < end; at += 1n) yield textOf(at, prefix)
  for (let at = first; at < start; at += 1n) yield textOf(at, prefix)
}

const numberOf = ({ bytes }: Prefix): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

function textOf(value: bigint, like: Prefix): string {
  const most = like.bytes.length - 1
  const bytes = like.bytes.map((_, index) => Number((value >> BigInt(8 * (most - index))) & 255n))
  return addressText({ family: like.family, bytes, length: like.bytes.length * 8 })
}
