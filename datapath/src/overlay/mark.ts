import { createHash } from 'node:crypto'

/** An identity as nodes tell each other of it: 24 bits of a tunnel's number, and five bytes beside. */
export interface Mark {
  /** From 256, below which the reserved identities are, to 2^24 - 1. */
  readonly vni: number
  readonly tag: Uint8Array
}

const firstVni = 256
const vnis = 2 ** 24 - firstVni

/** The same on every node that knows the labels, whatever number it has for them. */
export function markOf(labels: readonly string[]): Mark {
  const hash = createHash('sha256').update(labels.join('\u0000')).digest()
  return { vni: firstVni + (hash.readUInt32BE(0) % vnis), tag: new Uint8Array(hash.subarray(4, 9)) }
}
