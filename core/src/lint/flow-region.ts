import type { LabelMap } from '../identity/labels.js'
import { matchesSelector } from '../policy/match.js'
import { peerText } from '../policy/text.js'
import { protocolNumbers, type AddressScope, type PeerSelector } from '../policy/rule.js'
import type { BookRule } from '../compare/rule-book.js'
import { contains, difference, intersection, packetKey, type Intervals } from '../verdict/intervals.js'
import { inScope } from '../verdict/match-peer.js'
import {
  allAddresses,
  type AddressRanges,
  blockRanges,
  commonRanges,
  familyRanges,
  withoutRanges,
} from './address-ranges.js'
import { type Bearer, type Cube, everyone, exampleOf, selected, unselected } from './label-cube.js'

/**
 * Flows of one direction that could be, in this cluster and in any that it may become: everybody whose labels and
 * address are within bounds, as the subject and as its peer, on some ports.
 */
export interface FlowRegion {
  readonly subject: Cube
  readonly peer: Cube
  /** Where the peer may be. */
  readonly addresses: AddressRanges
  /** The peer is in these sets of addresses, whose members come and go: `peerText`. */
  readonly sets: readonly string[]
  readonly ports: Intervals
  /** `protocol/name`: of `ports` only the one that the destination gives this name to, whichever it is. */
  readonly portName?: string
}

/** Flows in and out of a rule. */
export interface Division {
  /** Those that a rule needn't match. */
  readonly rest: readonly FlowRegion[]
  /** Those that it matches whatever comes. */
  readonly taken: readonly FlowRegion[]
  /** Of the rest, those that it may match: by members of a set, or by the number of a named port. */
  readonly perhaps: readonly FlowRegion[]
}

const subjects: readonly Bearer[] = ['pod', 'host']
const peers: readonly Bearer[] = ['pod', 'host', 'remote-node', 'world-ipv4', 'world-ipv6']
const kindOf = (bearer: Bearer): 'pod' | 'node' | 'world' =>
  bearer === 'pod' ? 'pod' : bearer === 'host' || bearer === 'remote-node' ? 'node' : 'world'

/** Protocols end at 255: keys above belong to no packet. */
const packets: Intervals = [0, 0x00ffffff]
const namedProtocols = [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP]

/** All that a rule could match, as regions; none when nothing can. */
export function regionsOf(each: BookRule): FlowRegion[] {
  const { rule } = each
  return subjects.flatMap(bearer => {
    const subject = selected(everyone(bearer), rule.subject)
    if (subject === undefined) return []
    return peers.flatMap(peerBearer => {
      const ofPeers =
        rule.peers === 'any' ? [everybody(peerBearer)] : rule.peers.flatMap(peer => seen(peer, peerBearer))
      const destination = rule.direction === 'egress' ? peerBearer : bearer
      return ofPeers.flatMap(peer => portRegions(each, destination).map(ports => ({ subject, ...peer, ...ports })))
    })
  })
}

type PeerSide = Pick<FlowRegion, 'peer' | 'addresses' | 'sets'>

const everybody = (bearer: Bearer): PeerSide => ({
  peer: everyone(bearer),
  addresses: bearer === 'world-ipv4' ? familyRanges(4) : bearer === 'world-ipv6' ? familyRanges(6) : allAddresses,
  sets: [],
})

/** Those of a kind whom a peer selector could mean. */
function seen(selector: PeerSelector, bearer: Bearer): readonly PeerSide[] {
  const all = everybody(bearer)
  switch (selector.kind) {
    case 'labels': {
      const peer = selected(all.peer, selector.selector)
      return peer === undefined ? [] : [{ ...all, peer }]
    }
    case 'cidr': {
      const addresses = within(selector, bearer)
      return addresses.length === 0 ? [] : [{ ...all, addresses }]
    }
    case 'set':
      return inScope(selector.scope, kindOf(bearer)) ? [{ ...all, sets: [peerText(selector)] }] : []
  }
}

interface Block {
  readonly cidr: string
  readonly except: readonly string[]
  readonly scope: AddressScope
}

function within({ cidr, except, scope }: Block, bearer: Bearer): AddressRanges {
  if (!inScope(scope, kindOf(bearer))) return []
  const block = commonRanges(everybody(bearer).addresses, blockRanges(cidr))
  return except.reduce((left, hole) => withoutRanges(left, blockRanges(hole)), block)
}

/** A rule's ports by number as one part, and each name of a port, which only pods have, as another. */
function portRegions(
  { rule, numbered, names }: BookRule,
  destination: Bearer,
): Pick<FlowRegion, 'ports' | 'portName'>[] {
  if (rule.ports === 'any') return [{ ports: packets }]
  const numbers = intersection(packets, numbered)
  const byNumber = numbers.length === 0 ? [] : [{ ports: numbers }]
  if (destination !== 'pod') return byNumber
  return [...byNumber, ...portNames(names).map(({ portName, protocol }) => ({ ports: allPorts(protocol), portName }))]
}

const allPorts = (protocol: number): Intervals => [packetKey(protocol, 1), packetKey(protocol, 65535)]

function portNames(names: BookRule['names']): { readonly portName: string; readonly protocol: number }[] {
  return names.flatMap(({ name, protocol }) =>
    (protocol === 0 ? namedProtocols : [protocol]).map(each => ({ portName: `${each}/${name}`, protocol: each })),
  )
}

/** One flow of a region, as far as rules can tell. */
export interface ExampleFlow {
  readonly region: FlowRegion
  readonly subject: LabelMap
  readonly peer: LabelMap
}

export const exampleFlow = (region: FlowRegion): ExampleFlow => ({
  region,
  subject: exampleOf(region.subject),
  peer: exampleOf(region.peer),
})

/**
 * Whether a rule matches an example: its first address, its first port, no names of ports but the one that it has, and
 * of sets of addresses those alone that it must be in.
 */
export function matchesExample({ region, subject, peer }: ExampleFlow, by: BookRule): boolean {
  const { rule } = by
  if (!matchesSelector(rule.subject, subject)) return false
  if (rule.peers !== 'any' && !rule.peers.some(each => meansExample(region, peer, each))) return false
  if (rule.ports === 'any' || contains(by.numbered, region.ports[0]!)) return true
  const destination = rule.direction === 'egress' ? region.peer.bearer : region.subject.bearer
  return destination === 'pod' && portNames(by.names).some(({ portName }) => portName === region.portName)
}

function meansExample({ peer, addresses, sets }: FlowRegion, labels: LabelMap, selector: PeerSelector): boolean {
  switch (selector.kind) {
    case 'labels':
      return matchesSelector(selector.selector, labels)
    case 'cidr':
      return commonRanges(within(selector, peer.bearer), [addresses[0]!, addresses[0]!]).length > 0
    case 'set':
      return inScope(selector.scope, kindOf(peer.bearer)) && sets.includes(peerText(selector))
  }
}

/** Divides flows of the rule's direction by whether a rule matches them. */
export function divide(regions: readonly FlowRegion[], by: BookRule): Division {
  const { rule } = by
  const alternatives: readonly (PeerSelector | 'any')[] = rule.peers === 'any' ? ['any'] : rule.peers
  let rest = regions
  const taken: FlowRegion[] = []
  const perhaps: FlowRegion[] = []
  for (const peer of alternatives) {
    const next: FlowRegion[] = []
    for (const region of rest) {
      const parts = divideOne(region, by, peer)
      next.push(...parts.rest)
      taken.push(...parts.taken)
      perhaps.push(...parts.perhaps)
    }
    rest = next
  }
  return { rest, taken, perhaps }
}

function divideOne(region: FlowRegion, by: BookRule, selector: PeerSelector | 'any'): Division {
  const untouched: Division = { rest: [region], taken: [], perhaps: [] }
  const subject = selected(region.subject, by.rule.subject)
  if (subject === undefined) return untouched
  const rest = unselected(region.subject, by.rule.subject).map(other => ({ ...region, subject: other }))
  const whom = dividePeer({ ...region, subject }, selector)
  if (whom.taken.length + whom.perhaps.length === 0) return untouched
  rest.push(...whom.rest)
  const taken: FlowRegion[] = []
  const perhaps: FlowRegion[] = []
  for (const part of whom.taken) {
    const ports = dividePorts(part, by)
    rest.push(...ports.rest)
    taken.push(...ports.taken)
    perhaps.push(...ports.perhaps)
  }
  for (const part of whom.perhaps) {
    const ports = dividePorts(part, by)
    perhaps.push(...ports.taken, ...ports.perhaps)
  }
  return taken.length + perhaps.length === 0 ? untouched : { rest, taken, perhaps }
}

function dividePeer(region: FlowRegion, selector: PeerSelector | 'any'): Division {
  if (selector === 'any') return { rest: [], taken: [region], perhaps: [] }
  switch (selector.kind) {
    case 'labels': {
      const peer = selected(region.peer, selector.selector)
      if (peer === undefined) return { rest: [region], taken: [], perhaps: [] }
      const rest = unselected(region.peer, selector.selector).map(other => ({ ...region, peer: other }))
      return { rest, taken: [{ ...region, peer }], perhaps: [] }
    }
    case 'cidr': {
      const block = within(selector, region.peer.bearer)
      return {
        rest: placed(region, withoutRanges(region.addresses, block)),
        taken: placed(region, commonRanges(region.addresses, block)),
        perhaps: [],
      }
    }
    case 'set': {
      if (!inScope(selector.scope, kindOf(region.peer.bearer))) return { rest: [region], taken: [], perhaps: [] }
      return region.sets.includes(peerText(selector))
        ? { rest: [], taken: [region], perhaps: [] }
        : { rest: [region], taken: [], perhaps: [region] }
    }
  }
}

const placed = (region: FlowRegion, addresses: AddressRanges): FlowRegion[] =>
  addresses.length === 0 ? [] : [{ ...region, addresses }]

function dividePorts(region: FlowRegion, { rule, numbered, names }: BookRule): Division {
  if (rule.ports === 'any') return { rest: [], taken: [region], perhaps: [] }
  const destination = rule.direction === 'egress' ? region.peer.bearer : region.subject.bearer
  const asked = destination === 'pod' ? portNames(names) : []
  if (region.portName !== undefined && asked.some(({ portName }) => portName === region.portName))
    return { rest: [], taken: [region], perhaps: [] }
  const numbers = intersection(region.ports, numbered)
  const left = difference(region.ports, numbered)
  const rest = left.length === 0 ? [] : [{ ...region, ports: left }]
  const taken = numbers.length === 0 ? [] : [{ ...region, ports: numbers }]
  const perhaps = rest.flatMap(part =>
    asked.flatMap(({ protocol }) => {
      const ports = intersection(part.ports, allPorts(protocol))
      return ports.length === 0 ? [] : [{ ...part, ports }]
    }),
  )
  return { rest, taken, perhaps }
}
