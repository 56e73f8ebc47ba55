import { containsPrefix, parseAddress, parsePrefix } from '../address/address.js'
import type { BookRule, Face } from '../compare/rule-book.js'
import type { Resident } from '../compare/residents.js'
import { keyRanges, portsText } from '../compare/port-text.js'
import { nearestWord } from '../input/nearest.js'
import { matchesSelector } from '../policy/match.js'
import { protocolNumbers, type PeerSelector } from '../policy/rule.js'
import { portKey } from '../verdict/model.js'
import { type LintCluster, listed } from './cluster.js'
import type { Finding } from './finding.js'

type Part = Pick<Finding, 'kind' | 'severity' | 'message' | 'suggestion'>
type Cidr = PeerSelector & { readonly kind: 'cidr' }

/** What single rules of any dialect say that may surprise. */
export function* ruleFindings(cluster: LintCluster): Iterable<Finding> {
  for (const each of cluster.reading.book.rules) {
    const { policy, path, seq } = each.rule.origin
    if (seq === 0) continue
    for (const part of [
      ...openness(each),
      ...addresses(cluster, each),
      ...names(cluster, each),
      ...services(cluster, each),
    ])
      yield { ...part, policy, path, seq }
  }
}

/** Rules that let everybody in or everything out. */
function* openness({ rule, numbered, names: named }: BookRule): Iterable<Part> {
  if (rule.action !== 'allow' || rule.tier === 'baseline') return
  const whom = rule.direction === 'ingress' ? 'source' : 'destination'
  const field = rule.direction === 'ingress' ? 'from' : 'to'
  if (rule.peers === 'any') {
    const every = rule.ports === 'any'
    const numbers = numbered.length > 0 ? [portsText(keyRanges(numbered))] : []
    const ports = every ? 'every port' : [...numbers, ...named.map(({ name }) => name)].join(', ')
    yield {
      kind: 'allow-all',
      severity: every ? 'warning' : 'info',
      message: `it allows every ${whom} on ${ports}: \`${field}\` is absent or empty`,
      suggestion: `name who is meant under \`${field}\``,
    }
    return
  }
  for (const peer of rule.peers)
    if (peer.kind === 'cidr' && peer.cidr.endsWith('/0') && peer.except.length === 0)
      yield {
        kind: 'every-address',
        severity: 'info',
        message: `${peer.cidr} means every ${whom} of its family${peer.scope === 'any' ? ', pods of the cluster included' : ''}`,
      }
}

/** Blocks that mean pods by their address, or that don't where they seem to. */
function* addresses(cluster: LintCluster, { rule, id }: BookRule): Iterable<Part> {
  if (rule.peers === 'any') return
  const cidrs = rule.peers.filter((peer): peer is Cidr => peer.kind === 'cidr' && !peer.cidr.endsWith('/0'))
  for (const peer of cidrs) {
    const inside = cluster.pods.filter(({ pod }) => pod.addresses.some(address => holds(peer, address)))
    const podNames = inside.map(({ pod }) => `${pod.namespace}/${pod.name}`).sort()
    if (podNames.length > 0)
      yield peer.scope === 'any' || peer.scope === 'outside-and-pods'
        ? {
            kind: 'cidr-means-pods',
            severity: 'info',
            message: `${peer.cidr} means pods by their address, which may change: ${listed(podNames)}`,
            suggestion: 'select pods by labels',
          }
        : {
            kind: 'cidr-misses-pods',
            severity: 'warning',
            message: `${peer.cidr} means addresses outside of the cluster only, not the pods in it: ${listed(podNames)}`,
            suggestion: 'select pods by labels',
          }
    if (rule.action === 'allow') yield* holes(cluster, rule, id, peer)
  }
}

/** A hole in a block is no denial: what another rule allows there passes. */
function* holes(cluster: LintCluster, rule: BookRule['rule'], id: number, peer: Cidr): Iterable<Part> {
  for (const hole of peer.except) {
    const prefix = parsePrefix(hole)
    if (prefix === undefined) continue
    const face: Face = { kind: 'world', labels: new Map(), ports: new Map(), address: prefix }
    const meant = cluster.reading.book.meaning(face)
    const wider = cluster.reading.book.rules.filter(
      other =>
        other.id !== id &&
        other.rule.action === 'allow' &&
        other.rule.direction === rule.direction &&
        JSON.stringify(other.rule.subject) === JSON.stringify(rule.subject) &&
        (other.peers === 'any' || other.peers.some(text => meant.has(text))),
    )
    if (wider.length === 0) continue
    const others = wider.map(other => `${other.rule.origin.policy} ${other.rule.origin.path}`)
    yield {
      kind: 'except-allowed-elsewhere',
      severity: 'warning',
      message: `${hole} is left out of ${peer.cidr}, not denied: ${listed(others)} allows it`,
      suggestion: 'leave it out there too, or deny it in a policy that can',
    }
  }
}

/** Names that no pod has, or that mean different numbers. */
function* names(cluster: LintCluster, { rule, names: asked }: BookRule): Iterable<Part> {
  if (asked.length === 0) return
  const pods = destinations(cluster, rule)
  for (const { name, protocol } of asked) {
    const protocols = protocol === 0 ? [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP] : [protocol]
    const found = pods.flatMap(pod =>
      protocols.flatMap(each => {
        const number = pod.ports.get(portKey(each, name))
        return number === undefined ? [] : [{ number, pod: `${pod.pod.namespace}/${pod.pod.name}` }]
      }),
    )
    const numbers = [...new Set(found.map(({ number }) => number))].sort((a, b) => a - b)
    if (numbers.length > 1)
      yield {
        kind: 'named-port-differs',
        severity: 'info',
        message: `port ${name} means ${numbers.map(number => `${number} on ${listed(found.filter(each => each.number === number).map(({ pod }) => pod))}`).join('; ')}`,
      }
    if (numbers.length > 0 || pods.length === 0) continue
    const known = [...new Set(pods.flatMap(({ pod }) => pod.ports.map(port => port.name)))].filter(each => each !== '')
    const near = nearestWord(name, known)
    yield {
      kind: 'named-port-unknown',
      severity: 'warning',
      message: `no destination has a port named ${name} of this protocol`,
      ...(known.length > 0 && { suggestion: `there is ${near ?? listed(known)}` }),
    }
  }
}

/** A service's own port, where its pods listen on another: policy sees the backend. */
function* services(cluster: LintCluster, { rule }: BookRule): Iterable<Part> {
  if (rule.ports === 'any') return
  const pods = destinations(cluster, rule)
  for (const { protocol, first, last } of rule.ports.ranges) {
    if (first !== last) continue
    for (const { fact } of cluster.reading.state.services.values()) {
      const wanted = Object.entries(fact.selector)
      const behind = pods.filter(
        ({ pod }) =>
          pod.namespace === fact.namespace &&
          wanted.length > 0 &&
          wanted.every(([key, value]) => pod.labels[key] === value),
      )
      const listens = behind.some(({ pod }) => pod.ports.some(({ port }) => port === first))
      const port = fact.ports.find(each => each.port === first && protocolNumbers[each.protocol] === protocol)
      if (behind.length === 0 || listens || port === undefined || port.targetPort === first) continue
      yield {
        kind: 'service-port',
        severity: 'warning',
        message: `${first} is the port of service ${fact.namespace}/${fact.name}; policies see its pods' own port`,
        suggestion: `port ${port.targetPort}`,
      }
    }
  }
}

/** The pods at which the ports of a rule are: its subjects for ingress, its peers for egress. */
function destinations(cluster: LintCluster, rule: BookRule['rule']): readonly Resident[] {
  if (rule.direction === 'ingress') return cluster.matching(rule.subject)
  if (rule.peers === 'any') return cluster.pods
  const selectors = rule.peers.flatMap(peer => (peer.kind === 'labels' ? [peer.selector] : []))
  return cluster.pods.filter(({ labels }) => selectors.some(selector => matchesSelector(selector, labels)))
}

function holds({ cidr, except }: Cidr, address: string): boolean {
  const inside = (text: string): boolean => {
    const [prefix, parsed] = [parsePrefix(text), parseAddress(address)]
    return prefix !== undefined && parsed !== undefined && containsPrefix(prefix, parsed)
  }
  return inside(cidr) && !except.some(inside)
}
