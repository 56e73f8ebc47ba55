import type { Direction } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import type { Intervals } from '../verdict/intervals.js'
import {
  type ActiveRules,
  directions,
  labelPeers,
  meetingAny,
  namedPeers,
  otherDirection,
  subjectsOf,
} from './active-rules.js'
import { Classifier, type EndClass, matchingRules } from './classes.js'
import { Concern } from './concern.js'
import { DifferenceFinder, namesMax, portNamesOf } from './differences.js'
import {
  askedLabels,
  namedPrefixes,
  nodeEnds,
  podEnds,
  type Readable,
  type Reading,
  readingsOf,
  worldEnds,
} from './ends.js'
import { cubeSelectors } from './key-set.js'
import { nodeProspects } from './node-prospects.js'
import { linesOf, type FlowChange } from './lines.js'
import type { Outcome } from './outcome.js'
import { type Pair, pairsOf } from './pairs.js'
import { ProspectFinder, type Role } from './prospects.js'
import type { Resident } from './residents.js'
import { activeBetween } from './unsteady.js'

export type ChangeKind = 'newly-allowed' | 'newly-denied' | 'changed-l7'

/** Packet keys that change alike, by the same rules before and after. */
export interface Difference {
  readonly change: ChangeKind
  readonly keys: Intervals
  /** Of a pod to come: the names that these ports have, and those that they don't. Absent when it is all the same. */
  readonly portNames?: PortNaming
  readonly before: Outcome
  readonly after: Outcome
}

export interface PortNaming {
  readonly has: readonly string[]
  readonly lacks: readonly string[]
}

/** What changes between the members of two classes. */
export interface PairChange extends Pair {
  readonly differences: readonly Difference[]
}

/** Pods or nodes to come that were not looked into, because rules tell too many kinds of them apart. */
export interface Uncovered {
  /** The direction of the rules that change for them. */
  readonly direction: Direction
  /**
   * `subject`: they are who the rules judge; `peer`: the other end; `both`: such subjects with peers to come; `names`:
   * those of whose ports some have several of the names that rules ask for; `node`: nodes, at either end.
   */
  readonly role: 'subject' | 'peer' | 'both' | 'names' | 'node'
  /** Who they are: all pods that one of these means; of nodes, by their own labels. */
  readonly selectors: readonly LabelSelector[]
  /** The bound that was reached. */
  readonly limit: number
}

/** How far pods to come are followed. */
export interface CompareLimits {
  /** Most sets of labels in one part of one direction. */
  readonly labelSets: number
  /** Most pairs of two pods to come in one direction. */
  readonly pairs: number
}

export const compareLimits: CompareLimits = { labelSets: 20_000, pairs: 500_000 }

/** All that differs between two states. */
export interface Comparison {
  /** Those with most to break first. */
  readonly changes: readonly FlowChange[]
  /** Empty when nothing was left out. */
  readonly uncovered: readonly Uncovered[]
}

/**
 * The flows whose verdict differs between two states: every protocol and port from everybody to everybody, by classes
 * and not by trying some: the pods, nodes and prefixes of either state, and every pod and node that could come. One that
 * no rule in question tells from one that is there changes as that one does, and isn't named again.
 *
 * Pods, nodes and namespaces are the same in both states when their names are. One that is in a single state is judged
 * in the other as if it were there too, so that what is told is what policies change.
 */
export function compareStates(before: Readable, after: Readable, limits: CompareLimits = compareLimits): Comparison {
  const readings = readingsOf([before, after])
  const { changes, uncovered } = pairChanges(readings, limits)
  return { changes: linesOf(changes, readings), uncovered }
}

/** Most sets of labels that nodes to come are tried with. */
const nodesMax = 2000

/** How to say it class by class. */
export interface PairOptions extends CompareLimits {
  /** Names pods and nodes to come also where one that is there stands for them. */
  readonly everyProspect?: boolean
}

/** The same, class by class. */
export function pairChanges(
  readings: readonly Reading[],
  options: PairOptions = compareLimits,
): { readonly changes: readonly PairChange[]; readonly uncovered: readonly Uncovered[] } {
  const prefixes = namedPrefixes(readings)
  const asked = askedLabels(readings)
  const classifier = new Classifier(readings)
  // Any other node is one to come.
  const nodes = [...nodeEnds(readings, prefixes, asked)].filter(({ present }) => present.includes(true))
  const changing = [...podEnds(readings, prefixes, asked, ([before, after]) => before !== after)]
  const active = activeBetween(readings, [...changing, ...nodes], classifier)
  if (active.rules.egress.length + active.rules.ingress.length === 0) return { changes: [], uncovered: [] }
  const concern = new Concern(active)
  const mayConcern = (residents: readonly Resident[]): boolean =>
    residents.some(({ labels }) => concern.mayBePod(asked(labels)))
  const pods = [...podEnds(readings, prefixes, asked, mayConcern)].filter(end => concern.isConcerned(end))
  const world = concern.mayBeWorld() ? [...worldEnds(readings, prefixes)] : []
  const others = classifier.classesOf([...pods, ...world.filter(end => concern.isConcerned(end))])
  const finder = new ProspectFinder(readings, prefixes, pods, options.labelSets, options.everyProspect === true)
  const differing = new DifferenceFinder()
  const changes: PairChange[] = []
  const uncovered: Uncovered[] = []
  for (const direction of directions) {
    if (active.rules[direction].length === 0) continue
    const roles = rolesOf(active, direction)
    const both = [roles.subject, roles.peer]
    const limit = Math.min(options.labelSets, nodesMax)
    const comingNodes = nodeProspects(both, nodes, prefixes, limit, options.everyProspect === true)
    if (comingNodes.left.length > 0)
      uncovered.push({ direction, role: 'node', selectors: cubeSelectors(comingNodes.left), limit })
    const nodeClasses = [nodes, comingNodes.ends].flatMap(ends =>
      classifier.classesOf(ends.filter(end => concern.isConcerned(end))),
    )
    const residents = [...others, ...nodeClasses]
    const found = { subject: finder.find(roles.subject), peer: finder.find(roles.peer) }
    for (const role of ['subject', 'peer'] as const) {
      if (found[role].left.length === 0) continue
      uncovered.push({ direction, role, selectors: cubeSelectors(found[role].left), limit: options.labelSets })
    }
    const coming = {
      subject: classifier.classesOf(found.subject.ends),
      peer: classifier.classesOf(found.peer.ends),
    }
    const judged = [...residents, ...coming.subject].filter(each => isJudged(each, direction, active))
    const peers = { residents, coming: coming.peer }
    const left: EndClass[] = []
    const manyNames = new Set<EndClass>()
    let pairs = 0
    for (const subject of judged) {
      const isComing = subject.kind === 'hypothetical'
      if (isComing) pairs += peers.coming.length
      const beyond = isComing && pairs > options.pairs
      if (beyond) left.push(subject)
      for (const peer of beyond ? peers.residents : [...peers.residents, ...peers.coming])
        changes.push(...changesOf(direction, subject, peer, active, differing, manyNames))
    }
    const bounded = [
      ['both', left, options.pairs],
      ['names', [...manyNames], namesMax],
    ] as const
    for (const [role, classes, limit] of bounded) {
      const cubes = classes.flatMap(({ members }) => members.flatMap(({ prospect }) => prospect?.cubes ?? []))
      if (classes.length > 0) uncovered.push({ direction, role, selectors: cubeSelectors(cubes), limit })
    }
  }
  return { changes, uncovered }
}

function* changesOf(
  direction: Direction,
  subject: EndClass,
  peer: EndClass,
  active: ActiveRules,
  differing: DifferenceFinder,
  manyNames: Set<EndClass>,
): Iterable<PairChange> {
  if (!isTold(subject, peer) || !isTold(peer, subject) || !mayTouch(direction, subject, peer, active)) return
  const [from, to] = direction === 'egress' ? [subject, peer] : [peer, subject]
  for (const pair of pairsOf(from, to, 2)) {
    if (!isTouched(direction, pair, active)) continue
    // Flows that active rules of both directions speak of are egress's.
    if (direction === 'ingress' && isTouched('egress', pair, active)) continue
    if (portNamesOf(pair).length > namesMax) manyNames.add(to)
    const differences = differing.of(pair)
    if (differences.length > 0) yield { ...pair, differences }
  }
}

/** Whether those to come have to be named with an end: not where somebody who is there stands for them. */
const isTold = ({ kind, members }: EndClass, other: EndClass): boolean => {
  const like = members[0]!.prospect?.like
  if (like === undefined) return true
  // To pods that run on it the one that is there is no other node: `pairsOf` leaves these.
  if (kind === 'node' && other.kind === 'pod') return true
  return other.kind === (kind === 'node' ? 'node' : 'pod') && other.members.every(({ name }) => name === like)
}

const isJudged = ({ standings }: EndClass, direction: Direction, { texts }: ActiveRules): boolean =>
  standings.some(({ rules }) => rules[direction].some(({ text }) => texts[direction].has(text)))

/** Whether an active rule speaks of a subject with a peer, whichever node the pod among them runs on. */
const mayTouch = (direction: Direction, subject: EndClass, peer: EndClass, { texts }: ActiveRules): boolean =>
  subject.family === peer.family &&
  subject.standings.some(({ rules }, at) => {
    const { meant, meantByOwn } = peer.standings[at]!
    return rules[direction].some(
      ({ text, peers }) =>
        texts[direction].has(text) && (peers === 'any' || peers.some(each => meant.has(each) || meantByOwn.has(each))),
    )
  })

const isTouched = (direction: Direction, { from, to, own }: Pair, { texts }: ActiveRules): boolean => {
  const [subject, peer] = direction === 'egress' ? [from, to] : [to, from]
  return own.some((isOwn, at) =>
    matchingRules(at, direction, subject, peer, isOwn).some(({ text }) => texts[direction].has(text)),
  )
}

/** What the rules of one direction, and those of the other where they meet these, ask of pods at both ends. */
function rolesOf({ rules, all }: ActiveRules, direction: Direction): { readonly subject: Role; readonly peer: Role } {
  const changing = rules[direction]
  const subjects = subjectsOf(changing)
  const peers = labelPeers(changing)
  const areSubjects = meetingAny(subjects)
  const arePeers = meetingAny(peers)
  const related = all[direction].filter(({ rule }) => areSubjects(rule.subject))
  const facing = all[otherDirection(direction)].filter(({ rule }) => {
    if (!arePeers(rule.subject)) return false
    return rule.peers === 'any' || rule.peers.some(peer => peer.kind !== 'labels' || areSubjects(peer.selector))
  })
  const asked = { related: namedPeers(related), facing: namedPeers(facing) }
  return {
    subject: {
      selectors: [...subjectsOf(related), ...asked.facing.labels],
      goals: subjects,
      blocks: asked.facing.blocks,
    },
    peer: {
      selectors: [...asked.related.labels, ...subjectsOf(facing)],
      goals: peers,
      blocks: asked.related.blocks,
    },
  }
}
