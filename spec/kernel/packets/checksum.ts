/**
 * Checks every checksum of a frame by RFC 1071's definition, from the bytes alone: the one's complement sum over what a
 * checksum covers, the checksum included, is 0xffff. Returns what is wrong, or undefined.
 */
export function brokenChecksum(frame: Uint8Array): string | undefined {
  const type = word(frame, 12)
  if (type === 0x0800) return brokenIn4(frame.subarray(14), false)
  if (type === 0x86dd) return brokenIn6(frame.subarray(14), false)
  return undefined
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

function sum(...parts: Uint8Array[]): number {
  let total = 0
  for (const part of parts) for (let i = 0; i < part.length; i += 2) total += word(part, i)
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000)
  return total
}

function brokenIn4(ip: Uint8Array, quoted: boolean): string | undefined {
  const headerBytes = (ip[0]! & 15) * 4
  if (sum(ip.subarray(0, headerBytes)) !== 0xffff) return quoted ? 'quoted IPv4 header' : 'IPv4 header'
  if (word(ip, 6) & 0x3fff || quoted) return undefined
  const payload = ip.subarray(headerBytes, word(ip, 2))
  const pseudo = Uint8Array.of(...ip.subarray(12, 20), 0, ip[9]!, payload.length >> 8, payload.length & 255)
  return brokenPayload(ip[9]!, payload, pseudo)
}

function brokenIn6(ip: Uint8Array, quoted: boolean): string | undefined {
  if (quoted) return undefined
  let next = ip[6]!
  let at = 40
  const end = 40 + word(ip, 4)
  while ([0, 43, 44, 51, 60].includes(next)) {
    if (next === 44) return undefined
    const step = next === 51 ? (ip[at + 1]! + 2) * 4 : (ip[at + 1]! + 1) * 8
    next = ip[at]!
    at += step
  }
  const payload = ip.subarray(at, end)
  const pseudo = Uint8Array.of(...ip.subarray(8, 40), 0, 0, payload.length >> 8, payload.length & 255, 0, 0, 0, next)
  return brokenPayload(next, payload, pseudo)
}

function brokenPayload(protocol: number, payload: Uint8Array, pseudo: Uint8Array): string | undefined {
  const good = (covered: number): boolean => covered === 0xffff
  switch (protocol) {
    case 1:
      if (!good(sum(payload))) return 'ICMP'
      return [3, 11, 12].includes(payload[0]!) ? brokenIn4(payload.subarray(8), true) : undefined
    case 6:
      return good(sum(pseudo, payload)) ? undefined : 'TCP'
    case 17:
      return word(payload, 6) === 0 || good(sum(pseudo, payload)) ? undefined : 'UDP'
    case 132:
      return isSctpWhole(payload) ? undefined : 'SCTP'
    case 58:
      return good(sum(pseudo, payload)) ? undefined : 'ICMPv6'
    default:
      return undefined
  }
}

/** CRC32c (Castagnoli) bit by bit, from its definition in RFC 9260, appendix A. */
export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0)
  }
  return ~sum >>> 0
}

/** A sum of zero is one that a device is to make. */
function isSctpWhole(payload: Uint8Array): boolean {
  const copy = payload.slice()
  const view = new DataView(copy.buffer)
  const sum = view.getUint32(8, true)
  view.setUint32(8, 0)
  return sum === 0 || sum === crc32c(copy)
}
