import { type Engine, type NamedPort, protocolNumbers, type Rule, WeirError } from '@weir/core'
import { icmpTypesV4, icmpTypesV6 } from '@weir/core/input/cilium/icmp.js'
import { nearestWord } from '@weir/core/input/nearest.js'
import { invalidWord } from './invalid-word.js'
import type { Target } from './target.js'

/** Ports of one protocol that are asked about; of ICMP `type << 8 | code`. */
export interface PortQuestion {
  readonly protocol: number
  readonly first: number
  readonly last: number
  /** The name that was asked for. */
  readonly name?: string
}

/** Of a destination what matters here. */
export interface Destination {
  readonly name: string
  readonly ports: readonly NamedPort[]
  /** A pod that isn't there may have any name for a port. */
  readonly isSupposed: boolean
}

const icmp = { 4: protocolNumbers.ICMP, 6: protocolNumbers.ICMPv6 } as const
const echo = { 4: 8 << 8, 6: 128 << 8 } as const
const lastPort = 0xffff

/**
 * The ports that a target means at a destination; none when it has no port of the name, or the protocol is of the other
 * family. Without a port they are all that the destination has, and ICMP echo.
 *
 * @throws WeirError WEIR_REQUEST_INVALID
 */
export function portsAt({ port, protocol }: Target, { ports, isSupposed }: Destination, family: 4 | 6): PortQuestion[] {
  if (port === undefined) {
    const own = ports.map(each => single(protocolNumbers[each.protocol], each.port))
    return [...own, single(icmp[family], echo[family])]
  }
  const wanted = protocol === undefined ? undefined : protocolsOf(protocol)
  if (wanted?.some(isIcmp) === true) return icmpAt(port, wanted, family)
  if (port === '*') return (wanted ?? [protocolNumbers.TCP]).map(each => ({ protocol: each, first: 0, last: lastPort }))
  const range = /^(\d+)(?:-(\d+))?$/.exec(port)
  if (range !== null) {
    const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])]
    const wrong = [first, last].find(number => number > lastPort)
    if (wrong !== undefined) throw invalidWord('port', `no port has this number: ${wrong}`, port, '0 to 65535')
    if (first > last) throw invalidWord('port', `the range ends before it begins: ${port}`, port, `${last}-${first}`)
    return (wanted ?? [protocolNumbers.TCP]).map(each => ({ protocol: each, first, last }))
  }
  const named = ports.filter(
    each => each.name === port && (wanted === undefined || wanted.includes(protocolNumbers[each.protocol])),
  )
  if (named.length === 0 && isSupposed)
    return (wanted ?? [protocolNumbers.TCP]).map(each => ({ ...single(each, unlistedPort), name: port }))
  return named.map(each => ({ ...single(protocolNumbers[each.protocol], each.port), name: port }))
}

/** Stands for whatever number a pod to come gives a name: the last one, which hardly a rule lists. */
const unlistedPort = lastPort

/** @throws WeirError WEIR_NOT_FOUND: none of the destinations has a port of this name */
export function noSuchPort(port: string, name: string, ports: readonly NamedPort[]): WeirError<'WEIR_NOT_FOUND'> {
  const near = [...new Set(ports.map(each => each.name).filter(each => each !== ''))]
  return new WeirError('WEIR_NOT_FOUND', `${name} has no port named ${port}`, { kind: 'port', name: port, near })
}

function icmpAt(port: string, protocols: readonly number[], family: 4 | 6): PortQuestion[] {
  const types = family === 4 ? icmpTypesV4 : icmpTypesV6
  const parsed = /^(\d+)(?:\.(\d+))?$/.exec(port)
  // By number a type belongs to one family; by name to both.
  if (parsed !== null && !protocols.includes(icmp[family])) return []
  if (parsed === null && family === 4 && !protocols.includes(icmp[4])) return []
  const wanted = port.replaceAll('-', '').toLowerCase()
  const name = Object.keys(types).find(each => each.toLowerCase() === wanted)
  const type = parsed === null ? (name === undefined ? undefined : types[name]) : Number(parsed[1])
  const code = Number(parsed?.[2] ?? 0)
  if (type === undefined || type > 255 || code > 255) {
    const near = nearestWord(port, Object.keys(types))
    const expected = `a type of 0 to 255, TYPE.CODE, or a name${near === undefined ? ' such as EchoRequest' : `: ${near}`}`
    throw invalidWord('port', `no such ICMP type: ${port}`, port, expected)
  }
  return [{ ...single(icmp[family], (type << 8) | code), ...(name !== undefined && { name }) }]
}

const single = (protocol: number, port: number): PortQuestion => ({ protocol, first: port, last: port })

const isIcmp = (protocol: number): boolean => protocol === protocolNumbers.ICMP || protocol === protocolNumbers.ICMPv6

/** By name, or by IANA's number; `any` means those that have ports. */
function protocolsOf(text: string): readonly number[] {
  const word = text.toLowerCase()
  if (word === 'any') return [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP]
  if (/^\d+$/.test(word) && Number(word) <= 255) return [Number(word)]
  if (word === 'icmp6') return [protocolNumbers.ICMPv6]
  const found = Object.entries(protocolNumbers).find(([name]) => name.toLowerCase() === word)
  if (found === undefined)
    throw invalidWord(
      'protocol',
      `no such protocol: ${text}`,
      text,
      `any, ${Object.keys(protocolNumbers).join(', ')}, or 0 to 255`,
    )
  return [found[1]]
}

/** Most parts that a range is judged in. */
const partsMax = 4096

/** First ports of the parts of a range that rules may tell apart. */
export function partsOf(
  { protocol, first, last }: PortQuestion,
  engine: Pick<Engine, 'rules'>,
  { ports }: Destination,
): readonly number[] {
  if (first === last) return [first]
  const edges = new Set([first])
  const add = (from: number, to: number): void => {
    if (from > first && from <= last) edges.add(from)
    if (to + 1 > first && to + 1 <= last) edges.add(to + 1)
  }
  for (const { ports: of } of engine.rules()) for (const range of rangesOf(of, protocol)) add(range.first, range.last)
  for (const { port, name } of ports) if (name !== '') add(port, port)
  if (edges.size > partsMax)
    throw invalidWord('port', `rules tell more than ${partsMax} parts of it apart`, `${first}-${last}`, 'fewer ports')
  return [...edges].sort((a, b) => a - b)
}

const rangesOf = (ports: Rule['ports'], protocol: number) =>
  ports === 'any' ? [] : ports.ranges.filter(range => range.protocol === protocol)
