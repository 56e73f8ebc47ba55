import { protocolNumbers } from '../policy/rule.js'
import type { Intervals } from '../verdict/intervals.js'

/** Ports of one protocol, both ends included; ICMP's are `type << 8 | code`. Protocols in between have all ports. */
export interface KeyRange {
  /** IANA numbers; different when whole protocols are meant. */
  readonly protocols: readonly [first: number, last: number]
  readonly ports: readonly [first: number, last: number]
}

const lastPort = 0xffff

/** Packet keys as ranges of protocols with all of their ports, or of ports of one protocol. */
export function keyRanges(keys: Intervals): KeyRange[] {
  const ranges: KeyRange[] = []
  for (let at = 0; at < keys.length; at += 2) {
    let first = keys[at]!
    const last = keys[at + 1]!
    while (first <= last) {
      const protocol = Math.floor(first / 65536)
      const end = (protocol + 1) * 65536 - 1
      const whole = first % 65536 === 0 && end <= last
      if (whole) {
        const until = Math.floor((last + 1) / 65536) - 1
        ranges.push({ protocols: [protocol, until], ports: [0, lastPort] })
        first = (until + 1) * 65536
      } else {
        const stop = Math.min(end, last)
        ranges.push({ protocols: [protocol, protocol], ports: [first % 65536, stop % 65536] })
        first = stop + 1
      }
    }
  }
  return ranges
}

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(protocolNumbers).map(([name, number]) => [number, name.toLowerCase()]),
)

/** `tcp/5432`, `tcp/80-90, udp/*`, `any`, `any but tcp/80`: whichever of a set and its rest is shorter to tell. */
export function portsText(ranges: readonly KeyRange[]): string {
  const shown = ranges.map(rangeText)
  const rest = keyRanges(missing(ranges))
  if (rest.length === 0) return 'any'
  return rest.length * 2 < shown.length || (shown.length > 2 && rest.length < shown.length)
    ? `any but ${rest.map(rangeText).join(', ')}`
    : shown.join(', ')
}

function rangeText({ protocols: [first, last], ports: [low, high] }: KeyRange): string {
  if (first !== last) return `protocols ${first}-${last}`
  const name = names.get(first) ?? `protocol ${first}`
  if (low === 0 && high === lastPort) return names.has(first) ? `${name}/*` : name
  if (first === protocolNumbers.ICMP || first === protocolNumbers.ICMPv6) return `${name}/${icmpText(low, high)}`
  return low === high ? `${name}/${low}` : `${name}/${low}-${high}`
}

function icmpText(low: number, high: number): string {
  const [from, to] = [low >>> 8, high >>> 8]
  if (low % 256 === 0 && high % 256 === 255) return from === to ? `type ${from}` : `types ${from}-${to}`
  const one = (key: number): string => `type ${key >>> 8} code ${key & 255}`
  return low === high ? one(low) : `${one(low)} to ${one(high)}`
}

/** The keys of packets that the ranges leave out. */
function missing(ranges: readonly KeyRange[]): number[] {
  const keys: number[] = []
  let next = 0
  for (const { protocols, ports } of ranges) {
    const first = protocols[0] * 65536 + ports[0]
    if (first > next) keys.push(next, first - 1)
    next = protocols[1] * 65536 + ports[1] + 1
  }
  if (next <= 0x00ffffff) keys.push(next, 0x00ffffff)
  return keys
}
