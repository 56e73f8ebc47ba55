import { pack, unpack } from 'msgpackr'
import type { LogHead } from '../log/head.js'
import { hashBytes, sha256 } from '../log/hash.js'
import { snapshotPrefix } from '../log/keys.js'

/** What is known of a stored snapshot besides its bytes. */
export interface Pointer {
  readonly name: string
  readonly seq: number
  /** Names its chunks; never used twice while they exist. */
  readonly id: number
  readonly chunks: number
  readonly bytes: number
  /** SHA-256 of the bytes, hex. */
  readonly digest: string
  readonly head: LogHead
}

const chunkMark = 0x63
const pointerMark = 0x70

export function chunkKey(id: number, index: number): Buffer {
  const key = Buffer.from([snapshotPrefix, chunkMark, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  key.writeUIntBE(id, 2, 6)
  key.writeUInt32BE(index, 8)
  return key
}

export const idOfChunkKey = (key: Buffer): number => key.readUIntBE(2, 6)

export const chunkRange = (): { gte: Buffer; lt: Buffer } => ({
  gte: Buffer.from([snapshotPrefix, chunkMark]),
  lt: Buffer.from([snapshotPrefix, chunkMark + 1]),
})

/** Pointers sort by name, then by sequence number. */
export function pointerKey(name: string, seq: number): Buffer {
  const tail = Buffer.alloc(7)
  tail.writeUIntBE(seq, 1, 6)
  return Buffer.concat([prefixOf(name), tail])
}

/** All pointers, or those of one name. */
export function pointerRange(name?: string): { gte: Buffer; lt: Buffer } {
  if (name === undefined) {
    return { gte: Buffer.from([snapshotPrefix, pointerMark]), lt: Buffer.from([snapshotPrefix, pointerMark + 1]) }
  }
  const prefix = prefixOf(name)
  return { gte: Buffer.concat([prefix, Buffer.from([0])]), lt: Buffer.concat([prefix, Buffer.from([1])]) }
}

const prefixOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from([snapshotPrefix, pointerMark]), Buffer.from(name, 'utf8')])

/** The pointer behind its own SHA-256. */
export function encodePointer(pointer: Pointer): Buffer {
  const body = pack(pointer)
  return Buffer.concat([Buffer.from(sha256(body), 'binary'), body])
}

/** Undefined when the bytes aren't what was written, or lie under another key. */
export function decodePointer(key: Buffer, value: Buffer): Pointer | undefined {
  const body = value.subarray(hashBytes)
  if (sha256(body) !== value.toString('latin1', 0, hashBytes)) return undefined
  const pointer = unpack(body) as Pointer
  return pointerKey(pointer.name, pointer.seq).equals(key) ? pointer : undefined
}
