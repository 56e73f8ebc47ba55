import { hashBytes } from './hash.js'

/** Where a log ends: the newest durable event and the hash that stands for everything up to it. */
export interface LogHead {
  /** 0 for an empty log. */
  readonly seq: number
  /** Chain hash in hex: 64 digits. */
  readonly hash: string
}

/** The chain starts from zeros. */
export const emptyHead: LogHead = { seq: 0, hash: '0'.repeat(hashBytes * 2) }

export function encodeHead(head: LogHead): Buffer {
  const value = Buffer.allocUnsafe(6 + hashBytes)
  value.writeUIntBE(head.seq, 0, 6)
  value.write(head.hash, 6, 'hex')
  return value
}

/** Undefined when the bytes can't be a head. */
export function decodeHead(value: Buffer): LogHead | undefined {
  if (value.length !== 6 + hashBytes) return undefined
  return { seq: value.readUIntBE(0, 6), hash: value.toString('hex', 6) }
}
