/** An address as a number, with its family, so that families never compare equal. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

const width = (family: 4 | 6): bigint => (family === 4 ? 32n : 128n)

/** Reads `10.0.0.1` or `2001:db8::1`. Throws on anything else: the oracle is only given addresses that were checked. */
export function parseAddress(text: string): Address {
  return text.includes(':') ? { family: 6, value: parseIPv6(text) } : { family: 4, value: parseIPv4(text) }
}

/** Is the address inside the block? A block of the other family has no address in common with it. */
export function cidrContains(cidr: string, address: Address): boolean {
  const slash = cidr.lastIndexOf('/')
  const base = parseAddress(cidr.slice(0, slash))
  if (base.family !== address.family) return false
  const hostBits = width(base.family) - BigInt(cidr.slice(slash + 1))
  return base.value >> hostBits === address.value >> hostBits
}

/** First and last address of a block, as text. */
export function cidrBounds(cidr: string): readonly [first: string, last: string] {
  const slash = cidr.lastIndexOf('/')
  const { family, value } = parseAddress(cidr.slice(0, slash))
  const hostBits = width(family) - BigInt(cidr.slice(slash + 1))
  const first = (value >> hostBits) << hostBits
  const last = first + (1n << hostBits) - 1n
  return [formatAddress({ family, value: first }), formatAddress({ family, value: last })]
}

/** The address `offset` further on, or nothing past the end of the family's space. */
export function neighbour(text: string, offset: bigint): string | undefined {
  const { family, value } = parseAddress(text)
  const moved = value + offset
  return moved < 0n || moved >= 1n << width(family) ? undefined : formatAddress({ family, value: moved })
}

/** Canonical text; for IPv6 the form of RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const gap = longestZeroRun(groups)
  if (gap.length < 2) return groups.join(':')
  return `${groups.slice(0, gap.start).join(':')}::${groups.slice(gap.start + gap.length).join(':')}`
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  return best
}

function parseIPv4(text: string): bigint {
  const bytes = text.split('.')
  if (bytes.length !== 4 || bytes.some(byte => !/^\d{1,3}$/.test(byte) || Number(byte) > 255))
    throw new RangeError(`not an IPv4 address: ${text}`)
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function parseIPv6(text: string): bigint {
  const halves = text.split('::')
  const groups = halves.map(half => (half === '' ? [] : half.split(':')))
  const head = groups[0] ?? []
  const tail = groups[1] ?? []
  const missing = 8 - head.length - tail.length
  const full = halves.length === 2 ? [...head, ...Array<string>(Math.max(missing, 0)).fill('0'), ...tail] : head
  if (halves.length > 2 || full.length !== 8 || full.some(group => !/^[0-9a-f]{1,4}$/i.test(group)))
    throw new RangeError(`not an IPv6 address: ${text}`)
  return full.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
