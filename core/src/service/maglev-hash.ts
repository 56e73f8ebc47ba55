/**
 * 32 bits of a text of ASCII, as MurmurHash3 (x86, 32 bits) makes them of its bytes. Every node must come to the same
 * table, so this never changes.
 */
export function hashText(text: string, seed: number): number {
  const length = text.length
  let hash = seed | 0
  let at = 0
  for (; at + 4 <= length; at += 4) {
    const word =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)
    hash ^= scrambled(word)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let shift = 0; at < length; at++, shift += 8) rest |= text.charCodeAt(at) << shift
  hash ^= scrambled(rest)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}
