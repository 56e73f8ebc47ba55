import { type Engine, nearestRules, protocolNumbers, WeirError } from '@weir/core'
import { familyOf, findPlace, pairs, type Place } from './places.js'
import type { WhyAnswer } from './protocol.js'
import type { SourceOf } from './policy-views.js'

/** What is asked for at the destination: a port, or nothing, which means all that the destination has. */
export interface Target {
  readonly place: string
  /** A number, or a container port's name. */
  readonly port?: string
  readonly protocol?: string
}

/** ICMP echo request: the port of an ICMP flow is `type << 8 | code`. */
const echoRequests = {
  4: { protocol: protocolNumbers.ICMP, port: 8 << 8 },
  6: { protocol: protocolNumbers.ICMPv6, port: 128 << 8 },
} as const

/**
 * Reads `TO[:PORT[/PROTO]]`: `shop/cart:7070`, `cart:api/TCP`, `10.0.0.7:53/udp`, `[2001:db8::1]:443`, `world`.
 *
 * @throws WeirError WEIR_REQUEST_INVALID when it is none of these.
 */
export function parseTarget(text: string): Target {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text)
  // An address of IPv6 without brackets has no port: where it would end can't be told.
  if (bracketed === null && !text.includes('[') && text.split(':').length > 2) return { place: text }
  const colon = text.indexOf(':')
  const place = bracketed?.[1] ?? (colon < 0 ? text : text.slice(0, colon))
  const rest = bracketed === null ? (colon < 0 ? undefined : text.slice(colon + 1)) : bracketed[2]
  if (rest === undefined && place !== '' && (bracketed !== null || !text.includes('['))) return { place }
  const match = /^([A-Za-z0-9-]+)(?:\/([A-Za-z0-9]+))?$/.exec(rest ?? '')
  const [, port, protocol] = match ?? []
  if (place === '' || port === undefined)
    throw invalid('to', `can't be read as a destination: ${text}`, text, 'NAME[:PORT[/PROTO]] or [IPV6]:PORT')
  return { place, port, ...(protocol !== undefined && { protocol }) }
}

/**
 * Why packets from one place to another pass or not: an answer for each family that both have, and for each port that
 * is meant.
 *
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
export function why(engine: Engine, from: string, to: string): readonly WhyAnswer[] {
  const { state, tables } = engine
  const target = parseTarget(to)
  const isNamed = (address: string): boolean =>
    [...tables.prefixes].some(([prefix]) => !prefix.endsWith('/0') && prefix.startsWith(`${address}/`))
  const source = findPlace(state, from, isNamed)
  const destination = findPlace(state, target.place, isNamed)
  const joined = pairs(source, destination)
  if (joined.length === 0)
    throw invalid(
      'to',
      `${source.name} and ${destination.name} have no address family in common`,
      to,
      'two places of one family',
    )
  const answers: WhyAnswer[] = []
  for (const pair of joined)
    for (const { protocol, port } of portsOf(target, destination, familyOf(pair.from.address))) {
      const flow = { from: pair.from.address, to: pair.to.address, protocol, port }
      const explanation = engine.explain(flow)
      const nearest = nearestRules(engine, explanation)
      answers.push({ ...pair, protocol, port, explanation, nearest, sources: [], seq: engine.seq })
    }
  return answers
}

/** Answers with where the events of their rules came from. */
export function withSources(answers: readonly WhyAnswer[], sourceOf: SourceOf): Promise<readonly WhyAnswer[]> {
  return Promise.all(answers.map(async answer => ({ ...answer, sources: await sourcesOf(answer, sourceOf) })))
}

async function sourcesOf(
  { explanation: { egress, ingress }, nearest }: WhyAnswer,
  sourceOf: SourceOf,
): Promise<WhyAnswer['sources']> {
  const named = [egress, ingress].flatMap(({ matched, isolatedBy }) => [
    ...matched.map(({ origin }) => origin),
    ...isolatedBy,
  ])
  const near = [...nearest.egress, ...nearest.ingress].map(({ origin }) => origin)
  const seqs = new Set([...named, ...near].map(({ seq }) => seq).filter(seq => seq > 0))
  const sources: [number, string][] = []
  for (const seq of seqs) sources.push([seq, await sourceOf(seq)])
  return sources
}

interface WhichPort {
  readonly protocol: number
  readonly port: number
}

function portsOf(target: Target, destination: Place, family: 4 | 6): readonly WhichPort[] {
  const { port, protocol } = target
  if (port === undefined) {
    const own = destination.pod?.ports ?? []
    return [...own.map(each => ({ protocol: protocolNumbers[each.protocol], port: each.port })), echoRequests[family]]
  }
  const wanted = protocol === undefined ? undefined : protocolNumber(protocol)
  if (/^\d+$/.test(port)) {
    if (Number(port) > 65535) throw invalid('port', `no port has this number: ${port}`, port, '0 to 65535')
    return [{ protocol: wanted ?? protocolNumbers.TCP, port: Number(port) }]
  }
  const named = (destination.pod?.ports ?? []).filter(
    each => each.name === port && (wanted === undefined || protocolNumbers[each.protocol] === wanted),
  )
  if (named.length === 0) {
    const near = (destination.pod?.ports ?? []).map(each => each.name).filter(name => name !== '')
    throw new WeirError('WEIR_NOT_FOUND', `${destination.name} has no port named ${port}`, {
      kind: 'port',
      name: port,
      near,
    })
  }
  return named.map(each => ({ protocol: protocolNumbers[each.protocol], port: each.port }))
}

function protocolNumber(text: string): number {
  const found = Object.entries(protocolNumbers).find(([name]) => name.toLowerCase() === text.toLowerCase())
  if (found === undefined)
    throw invalid('protocol', `no such protocol: ${text}`, text, Object.keys(protocolNumbers).join(', '))
  return found[1]
}

function invalid(path: string, message: string, value: string, expected: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', message, { problems: [{ path, message, value, expected }] })
}
