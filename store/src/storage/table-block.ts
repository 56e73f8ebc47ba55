import { uncompress } from 'snappyjs'
import { storedCrc } from './crc32c.js'
import { Fields } from './fields.js'

/** Where a block lies in a table: behind its bytes come a byte that says how they are compressed, and four of a checksum. */
export interface BlockPlace {
  readonly offset: number
  readonly size: number
}

export const trailerBytes = 5
const compressions = { none: 0, snappy: 1 } as const

export const endOf = ({ offset, size }: BlockPlace): number => offset + size + trailerBytes

/** Whether a block lies within a file, and has the bytes that were written. */
export function isIntact(table: Buffer, place: BlockPlace): boolean {
  const end = endOf(place)
  if (end > table.length) return false
  return table.readUInt32LE(end - 4) === storedCrc(table.subarray(place.offset, end - 4))
}

/** One entry of a block, as it stands there. */
export interface BlockEntry {
  readonly key: Buffer
  readonly value: Buffer
}

/**
 * Entries of a block: each has only what its key doesn't share with the one before. Ends, without a word, at what can't
 * be one: a block may be read that isn't what was written.
 */
export function* entriesOfBlock(table: Buffer, { offset, size }: BlockPlace): Generator<BlockEntry> {
  const content = contentOf(table.subarray(offset, offset + size), table[offset + size])
  if (content === undefined || content.length < 4) return
  const restarts = content.readUInt32LE(content.length - 4)
  const end = content.length - 4 * (restarts + 1)
  if (end < 0) return
  const fields = new Fields(content.subarray(0, end))
  let key = Buffer.alloc(0)
  while (!fields.done) {
    const [shared, own, length] = [fields.number(), fields.number(), fields.number()]
    if (shared > key.length) return
    key = Buffer.concat([key.subarray(0, shared), fields.bytes(own)])
    const value = fields.bytes(length)
    if (fields.overrun) return
    yield { key, value }
  }
}

function contentOf(bytes: Buffer, compression: number | undefined): Buffer | undefined {
  if (compression === compressions.none) return bytes
  if (compression !== compressions.snappy) return undefined
  try {
    return Buffer.from(uncompress(new Uint8Array(bytes), contentMax))
  } catch {
    return undefined
  }
}

/** A block holds one entry more than 4 KiB at most, and the log's largest are snapshots' pieces: what says more is altered. */
const contentMax = 64 << 20
