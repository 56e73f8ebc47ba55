import { containsPrefix, parsePrefix, type Prefix } from '../address/address.js'
import { type EndClass, rowOf } from '../compare/classes.js'
import { pairsOf } from '../compare/pairs.js'
import { keyRanges, portsText } from '../compare/port-text.js'
import type { BookRule } from '../compare/rule-book.js'
import { judgeSide, type SideRow } from '../compare/side.js'
import { entryOf } from '../multimap.js'
import type { Direction, PeerSelector } from '../policy/rule.js'
import { difference, type Intervals, intersection, union } from '../verdict/intervals.js'
import type { LintCluster } from './cluster.js'
import type { Finding } from './finding.js'
import { agreeing, listed } from './wording.js'

const directions: readonly Direction[] = ['ingress', 'egress']

/** Rules that others take something back from, without a denial. */
export function* overlapFindings(cluster: LintCluster): Iterable<Finding> {
  const { rules } = cluster.reading.book
  if (rules.some(({ rule }) => rule.l7 !== undefined)) yield* widened(cluster)
  const holed = rules.filter(({ rule }) => rule.action === 'allow' && rule.origin.seq > 0 && holesOf(rule).length > 0)
  for (const each of holed) yield* filledHoles(cluster, each)
}

/** L7 rules beside allowances of the same traffic that ask nothing of it. */
function* widened({ classes }: LintCluster): Iterable<Finding> {
  const wider = new Map<BookRule, Set<BookRule>>()
  const meantOf = classesByPeer(classes)
  for (const subject of classes)
    for (const direction of directions) {
      const asking = subject.standings[0]!.rules[direction].filter(({ rule }) => rule.l7 !== undefined)
      if (asking.length === 0) continue
      for (const peer of meantOf(asking)) {
        const [from, to] = direction === 'egress' ? [subject, peer] : [peer, subject]
        for (const { own } of pairsOf(from, to, 1)) note(subject, peer, direction, own[0]!, asking)
      }
    }
  for (const [{ rule }, others] of wider) {
    const names = namesOf([...others])
    yield {
      kind: 'l7-widened',
      severity: 'warning',
      policy: rule.origin.policy,
      path: rule.origin.path,
      seq: rule.origin.seq,
      message: `of some of its traffic its L7 rules ask nothing: ${allowing(names)} it whatever is in it`,
      suggestion: 'narrow the other rule to other peers or ports, or give it L7 rules too',
    }
  }

  function note(
    subject: EndClass,
    peer: EndClass,
    direction: Direction,
    own: boolean,
    asking: readonly BookRule[],
  ): void {
    const other = peer.standings[0]!
    const meant = own ? other.meantByOwn : other.meant
    const ports = direction === 'egress' ? other.ports : subject.standings[0]!.ports
    const met = asking.filter(({ peers }) => peers === 'any' || peers.some(text => meant.has(text)))
    if (met.length === 0) return
    const row = rowOf(0, direction, subject, peer, own)
    for (const each of met)
      for (const rule of decidersOf(row, keysOf(judgeSide([each], ports))))
        if (rule.rule.action === 'allow' && rule.rule.l7 === undefined && rule.rule.origin.seq > 0)
          entryOf(wider, each, () => new Set()).add(rule)
  }
}

/** Finds the classes that any of some rules could mean, in their order. */
function classesByPeer(classes: readonly EndClass[]): (rules: readonly BookRule[]) => Iterable<EndClass> {
  const places = new Map<string, number[]>()
  for (const [place, { standings }] of classes.entries()) {
    const { meant, meantByOwn } = standings[0]!
    for (const text of new Set([...meant, ...meantByOwn])) entryOf(places, text, () => []).push(place)
  }
  return rules => {
    const texts = rules.map(({ peers }) => peers)
    if (texts.includes('any')) return classes
    const found = new Set(texts.flat().flatMap(text => places.get(text) ?? []))
    return [...found].sort((a, b) => a - b).map(place => classes[place]!)
  }
}

/** The keys that a row's rules decide. */
const keysOf = ({ pieces }: SideRow): Intervals =>
  pieces.reduce<Intervals>((sum, { first, last, rules }) => (rules.length === 0 ? sum : union(sum, [first, last])), [])

const decidersOf = ({ pieces }: SideRow, keys: Intervals): readonly BookRule[] =>
  pieces.flatMap(({ first, last, rules }) => (intersection([first, last], keys).length === 0 ? [] : rules))

interface Hole {
  readonly cidr: string
  readonly text: string
  readonly prefix: Prefix
}

const holesOf = ({ peers }: BookRule['rule']): readonly Hole[] =>
  (peers === 'any' ? [] : peers).flatMap(peer =>
    peer.kind !== 'cidr'
      ? []
      : peer.except.flatMap(text => {
          const prefix = parsePrefix(text)
          return prefix === undefined ? [] : [{ cidr: peer.cidr, text, prefix }]
        }),
  )

/** A hole in a block is no denial: what a rule for all addresses, or for another block, allows there passes. */
function* filledHoles(cluster: LintCluster, each: BookRule): Iterable<Finding> {
  const { rule } = each
  for (const { cidr, text, prefix } of holesOf(rule)) {
    const others = new Set<BookRule>()
    let open: Intervals = []
    let asked: Intervals = []
    for (const subject of cluster.classes.filter(({ standings }) => standings[0]!.rules[rule.direction].includes(each)))
      for (const peer of cluster.classes.filter(({ members }) => isInside(prefix, members[0]!.faces[0]!.address))) {
        if (subject.family !== peer.family) continue
        const keys = keysOf(judgeSide([each], new Map()))
        asked = union(asked, keys)
        for (const { first, last, allowed, rules } of rowOf(0, rule.direction, subject, peer, false).pieces) {
          const wider = rules.filter(other => other !== each && meansByAddress(other.rule.peers, prefix))
          const both = allowed && wider.length > 0 ? intersection([first, last], keys) : []
          if (both.length === 0) continue
          open = union(open, both)
          for (const other of wider) others.add(other)
        }
      }
    if (others.size === 0) continue
    const names = namesOf([...others])
    const isWhole = difference(asked, open).length === 0
    const ports = isWhole ? '' : ` on ${portsText(keyRanges(open))}`
    yield {
      kind: 'except-allowed-elsewhere',
      severity: isWhole ? 'warning' : 'info',
      policy: rule.origin.policy,
      path: rule.origin.path,
      seq: rule.origin.seq,
      message: `${text} is left out of ${cidr}, not denied: ${allowing(names)} it${ports}`,
      suggestion: 'leave it out there too, or deny it in a policy that can',
    }
  }
}

const isInside = (hole: Prefix, address: Prefix): boolean => containsPrefix(hole, address)

/** Everybody, or a block that meets the hole: who is selected by labels is meant by himself. */
const meansByAddress = (peers: 'any' | readonly PeerSelector[], hole: Prefix): boolean =>
  peers === 'any' ||
  peers.some(peer => {
    const block = peer.kind === 'cidr' ? parsePrefix(peer.cidr) : undefined
    return block !== undefined && (containsPrefix(block, hole) || containsPrefix(hole, block))
  })

const allowing = (names: readonly string[]): string => `${listed(names)} ${agreeing(names, 'allows', 'allow')}`

const namesOf = (rules: readonly BookRule[]): readonly string[] =>
  [...new Set(rules.map(({ rule }) => `${rule.origin.policy} ${rule.origin.path}`))].sort()
