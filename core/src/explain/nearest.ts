import { containsPrefix, parseAddress, parsePrefix, type Prefix } from '../address/address.js'
import { keyRanges, portsText } from '../compare/port-text.js'
import { residentOf, worldLabels, type Resident } from '../compare/residents.js'
import type { Face } from '../compare/rule-book.js'
import { derivedKeys } from '../identity/labels.js'
import { nodeLabels, placeKeys } from '../identity/node-labels.js'
import { reservedLabel } from '../identity/reserved.js'
import { sourceText } from '../policy/address-source.js'
import { matchesSelector } from '../policy/match.js'
import type { Direction, Origin, PeerSelector, Rule } from '../policy/rule.js'
import type { LabelSelector, Requirement } from '../policy/selector.js'
import type { ClusterState } from '../state/state.js'
import { contains, packetKey, portSetIntervals } from '../verdict/intervals.js'
import { matchesPeer } from '../verdict/match-peer.js'
import { portKey } from '../verdict/model.js'
import type { Explanation, FlowQuery, Party, Supposed } from './explain.js'

/** One thing that a rule asks and that a flow doesn't have. */
export interface Shortfall {
  readonly kind: 'subject' | 'peer' | 'namespace' | 'entity' | 'address' | 'port'
  /** `the peer has app=web, and it asks for app In (api)` */
  readonly message: string
  /** What would make the rule match. */
  readonly change: string
}

/** An allowance that would have let a flow pass, but for a little. */
export interface NearRule {
  readonly origin: Origin
  /** All that stands between the flow and the rule; the fewer the nearer. */
  readonly shortfalls: readonly Shortfall[]
}

/** Rules more than so many conditions away have nothing to do with the flow. */
const shortfallsMax = 2
const rulesMax = 3

/**
 * For each end that denies by default, the allowances that come nearest to letting the flow pass: nearest first, those
 * of policies that select the pod, or the node, before others that are as near.
 */
export function nearestRules(
  engine: { readonly state: ClusterState; rules(): Iterable<Rule> },
  { flow, from, to, egress, ingress }: Explanation,
  supposed: { readonly from?: Supposed | undefined; readonly to?: Supposed | undefined } = {},
): Readonly<Record<Direction, readonly NearRule[]>> {
  const sides = { egress, ingress }
  const near = (direction: Direction): NearRule[] => {
    const ends = { from: endOf(engine.state, from, supposed.from), to: endOf(engine.state, to, supposed.to) }
    const [subject, peer] = direction === 'egress' ? [ends.from, ends.to] : [ends.to, ends.from]
    const isDefault = sides[direction].reason === 'default-deny'
    return isDefault ? nearestOf(engine, direction, subject, peer, flow) : []
  }
  return { egress: near('egress'), ingress: near('ingress') }
}

function nearestOf(
  engine: { readonly state: ClusterState; rules(): Iterable<Rule> },
  direction: Direction,
  subject: NearEnd,
  peer: NearEnd,
  flow: FlowQuery,
): NearRule[] {
  const judged = judgedAs(engine.state, subject)
  if (judged === undefined) return []
  const face = faceOf(engine.state, peer, judged)
  const destination = direction === 'egress' ? peer.resident : judged
  const who = subject.party.kind === 'node' ? 'the node' : 'the pod'
  const found: (NearRule & { readonly selects: boolean })[] = []
  for (const rule of engine.rules()) {
    if (rule.direction !== direction || rule.action !== 'allow' || rule.origin.seq === 0) continue
    // A rule of nodes is none of pods, whatever their labels, and the other way round.
    if (meansNodes(rule.subject) !== (subject.party.kind === 'node')) continue
    const ofSubject = labelShortfalls('subject', who, rule.subject, judged.labels)
    if (ofSubject.length > shortfallsMax) continue
    const shortfalls = [
      ...ofSubject,
      ...peerShortfalls(rule, face),
      ...portShortfalls(rule, flow, destination?.ports ?? new Map()),
    ]
    if (shortfalls.length === 0 || shortfalls.length > shortfallsMax) continue
    found.push({ origin: rule.origin, shortfalls, selects: ofSubject.length === 0 })
  }
  const nearest = Math.min(...found.map(distance))
  return found
    .filter(rule => distance(rule) === nearest)
    .sort((a, b) => Number(b.selects) - Number(a.selects) || compare(textOf(a.origin), textOf(b.origin)))
    .slice(0, rulesMax)
    .map(({ origin, shortfalls }) => ({ origin, shortfalls }))
}

/** A rule that means somebody of another kind is further away than one that asks for another label. */
const distance = ({ shortfalls }: NearRule): number =>
  shortfalls.length + shortfalls.filter(({ kind }) => kind === 'entity').length

/** A pod that is there, or one that is supposed to be. */
type NearPod = Pick<Resident, 'labels' | 'ports' | 'host'>

interface NearEnd {
  readonly party: Party
  readonly within: Prefix
  /** Absent of who is no pod. */
  readonly resident: NearPod | undefined
  readonly supposed: Supposed | undefined
}

function endOf(state: ClusterState, party: Party, supposed: Supposed | undefined): NearEnd {
  const within = supposed?.within ?? parseAddress(party.address) ?? (parsePrefix('0.0.0.0/0') as Prefix)
  if (party.kind !== 'pod') return { party, within, resident: undefined, supposed }
  const resident: NearPod | undefined =
    supposed === undefined ? residentOf(state, party.name) : { ...supposed, host: supposed.node ?? '' }
  return { party, within, resident, supposed }
}

/** Who rules select: a pod, or a node as the host that it is to itself. */
function judgedAs(state: ClusterState, { party, resident }: NearEnd): NearPod | undefined {
  if (party.kind !== 'node') return resident
  return { labels: nodeLabels(state, party.name, true), ports: new Map(), host: party.name }
}

const meansNodes = (subject: LabelSelector): boolean => subject.some(({ key }) => key === reservedLabel('host'))

function faceOf(state: ClusterState, { party, within, resident, supposed }: NearEnd, subject: NearPod): Face {
  const { kind, name } = party
  if (resident !== undefined) return { kind, labels: resident.labels, ports: resident.ports, address: within }
  const labels =
    supposed?.labels ??
    (kind === 'node' ? nodeLabels(state, name, name !== '' && name === subject.host) : worldLabels(within.family))
  return { kind, labels, ports: new Map(), address: within }
}

/** What the nearest of a rule's peers asks and this one lacks. */
function peerShortfalls({ peers, direction }: Rule, face: Face): readonly Shortfall[] {
  if (peers === 'any' || peers.some(peer => matchesPeer(peer, face, face.address))) return []
  const each = peers.map(peer => onePeer(peer, face, direction))
  return each.reduce((best, list) => (list.length < best.length ? list : best), each[0] ?? [noPeer, noPeer, noPeer])
}

const noPeer: Shortfall = { kind: 'peer', message: 'it means nobody', change: 'name peers' }

function onePeer(peer: PeerSelector, face: Face, direction: Direction): readonly Shortfall[] {
  const whom = direction === 'ingress' ? 'source' : 'destination'
  if (peer.kind === 'labels') {
    // Who is no pod has no labels to be short of, and the other way round.
    const entity = peer.selector.find(({ key }) => key.startsWith('reserved:'))
    const isOfKind = entity === undefined ? face.kind === 'pod' : face.labels.has(entity.key)
    if (isOfKind) return labelShortfalls('peer', 'the peer', peer.selector, face.labels)
    const meant =
      entity === undefined ? 'pods' : entity.key === placeKeys.node ? 'nodes' : entity.key.slice('reserved:'.length)
    return [{ kind: 'entity', message: `the ${whom} is no one of ${meant}`, change: `name the ${whom} as a peer` }]
  }
  const block = peer.kind === 'cidr' ? peer.cidr : sourceText(peer.source)
  const hole = peer.except.find(text => isInside(text, face.address))
  const isAround = (peer.kind === 'cidr' ? [peer.cidr] : peer.cidrs).some(text => isInside(text, face.address))
  if (isAround && hole !== undefined)
    return [
      {
        kind: 'address',
        message: `the ${whom} is in ${hole}, which it leaves out of ${block}`,
        change: `take ${hole} off \`except\``,
      },
    ]
  const scope = peer.scope === 'any' ? '' : ', which means addresses outside of the cluster'
  return [{ kind: 'address', message: `the ${whom} is not in ${block}${scope}`, change: 'name a block around it' }]
}

function isInside(block: string, address: Prefix): boolean {
  const prefix = parsePrefix(block)
  return prefix !== undefined && containsPrefix(prefix, address)
}

function portShortfalls(rule: Rule, flow: FlowQuery, ports: ReadonlyMap<string, number>): readonly Shortfall[] {
  if (rule.ports === 'any') return []
  const numbered = portSetIntervals(rule.ports)
  const key = packetKey(flow.protocol, flow.port)
  const named = rule.ports.named.map(({ name, protocol }) => ({
    name,
    number: ports.get(portKey(protocol, name)),
    protocol,
  }))
  const isNamed = named.some(
    ({ number, protocol }) => number === flow.port && (protocol === 0 || protocol === flow.protocol),
  )
  if (isNamed || contains(numbered, key)) return []
  const wanted = portsText(keyRanges([key, key]))
  const allowed = [
    ...(numbered.length === 0 ? [] : [portsText(keyRanges(numbered))]),
    ...named.map(({ name, number }) => `${name} (${number ?? 'no port of the destination'})`),
  ]
  return [
    { kind: 'port', message: `it allows ${allowed.join(', ')}, not ${wanted}`, change: `add ${wanted} to its ports` },
  ]
}

function labelShortfalls(
  whose: 'subject' | 'peer',
  who: string,
  selector: LabelSelector,
  labels: ReadonlyMap<string, string>,
): readonly Shortfall[] {
  return selector
    .filter(requirement => !matchesSelector([requirement], labels))
    .map(requirement => labelShortfall(whose, who, requirement, labels))
}

function labelShortfall(
  whose: 'subject' | 'peer',
  who: string,
  { key, operator, values }: Requirement,
  labels: ReadonlyMap<string, string>,
): Shortfall {
  const isNamespace = key === derivedKeys.namespace || key.startsWith(derivedKeys.namespaceLabels)
  const prefix = [derivedKeys.namespaceLabels, placeKeys.nodeLabels].find(each => key.startsWith(each)) ?? ''
  const name = key.slice(prefix.length)
  const value = labels.get(key)
  if (key === derivedKeys.namespace)
    return {
      kind: whose === 'subject' ? 'subject' : 'namespace',
      message: `${who} is in namespace ${value ?? 'none'}, and it means ${operator === 'In' ? values.join(' or ') : operator}`,
      change: whose === 'subject' ? `a policy in namespace ${value}` : `select namespace ${value} too`,
    }
  const asked =
    operator === 'In' ? `${name}=${values.join(' or ')}` : `${name} ${operator} ${values.join(' or ')}`.trim()
  const has = value === undefined ? `has no label ${name}` : `has ${name}=${value}`
  const owner = isNamespace ? `${who}'s namespace` : who
  return {
    kind: whose === 'subject' ? 'subject' : isNamespace ? 'namespace' : 'peer',
    message: `${owner} ${has}, and it asks for ${asked}`,
    change: `${operator === 'In' || operator === 'Exists' ? `label ${owner} ${name}=${values[0] ?? 'anything'}` : `take the label ${name} off ${owner}`}, or ask for something else`,
  }
}

const textOf = ({ policy, path }: Origin): string => `${policy} ${path}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
