import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

const lane = (1n << 128n) - 1n

/** An order-independent sum of hashes: two lanes of 128 bits, each added on its own. */
export interface Sum {
  readonly high: bigint
  readonly low: bigint
}

export const zero: Sum = { high: 0n, low: 0n }

export const add = (a: Sum, b: Sum): Sum => ({ high: (a.high + b.high) & lane, low: (a.low + b.low) & lane })

export const subtract = (a: Sum, b: Sum): Sum => ({ high: (a.high - b.high) & lane, low: (a.low - b.low) & lane })

/** 64 hex digits. */
export const sumHex = ({ high, low }: Sum): string =>
  high.toString(16).padStart(32, '0') + low.toString(16).padStart(32, '0')

/** SHA-256 of the fields; which field a text is in counts. */
export function hash(...fields: readonly string[]): Sum {
  const hex = hashHex(...fields)
  return { high: BigInt(`0x${hex.slice(0, 32)}`), low: BigInt(`0x${hex.slice(32)}`) }
}

export const hashHex = (...fields: readonly string[]): string =>
  bytesToHex(sha256(utf8ToBytes(fields.map(field => `${field.length}:${field}`).join(','))))
