import { NetnsError } from './error.js'

/** What became of one of several requests. */
export interface Answer {
  /** What the kernel said, message by message; nothing where it failed. */
  readonly bytes: Buffer
  readonly failure?: NetnsError
}

/** Takes apart what comes back of requests that were made whatever became of the others. */
export function* eachAnswer(all: Buffer): Iterable<Answer> {
  for (let at = 0; at < all.length; ) {
    const errno = all.readUInt32LE(at)
    const end = at + 8 + all.readUInt32LE(at + 4)
    const bytes = all.subarray(at + 8, end)
    yield errno === 0
      ? { bytes }
      : { bytes: bytes.subarray(0, 0), failure: new NetnsError(errno, 'rtnetlink', bytes.toString('utf8')) }
    at = end
  }
}

/** A message of netlink(7) as it was answered. */
export interface Received {
  readonly type: number
  /** Without the header. */
  readonly body: Buffer
}

export function* eachMessage(bytes: Buffer): Iterable<Received> {
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < 16) return
    yield { type: bytes.readUInt16LE(at + 4), body: bytes.subarray(at + 16, at + length) }
    at += (length + 3) & ~3
  }
}

/** Attributes by type; the last one where there are several of one. */
export function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) break
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}
