import {
  type Direction,
  type Engine,
  type Explanation,
  nearestRules,
  type SideExplanation,
  type Supposed,
} from '@weir/core'
import { portKey } from '@weir/core/verdict/model.js'
import { rulesOfBoth, wouldBeAnywhere } from '../staged/would-be.js'
import { invalidWord } from './invalid-word.js'
import { type Meant, type Member, MemberFinder } from './members.js'
import { entriesOf, type SourceOf } from './event-source.js'
import type { NamedAddress, WhyAnswer } from './protocol.js'
import { parseTarget, type Target } from './target.js'
import { noSuchPort, partsOf, portsAt, type PortQuestion } from './which-ports.js'

/** Most pairs of different members that one question is answered for. */
export const pairsMax = 5000

/**
 * Why packets from one place to another pass or not: an answer for each family that both have, and for each port that
 * is meant. Where a word means many, members that are judged alike share an answer, which names them.
 *
 * @param staged An engine at the same event that has staged policies in force, where there are any.
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
export function why(engine: Engine, from: string, to: string, staged?: Engine): readonly WhyAnswer[] {
  const target = parseTarget(to)
  const finder = new MemberFinder(rulesOfBoth(engine, staged))
  return whyBetween(engine, finder.find(from), finder.find(target.place), target, to, staged)
}

/**
 * The same between those who are found already.
 *
 * @param to the word that named the destinations
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
export function whyBetween(
  engine: Engine,
  sources: Meant,
  destinations: Meant,
  target: Target,
  to: string,
  staged?: Engine,
): readonly WhyAnswer[] {
  const pairs = pairsOf(sources, destinations)
  const drafts: Draft[] = []
  for (const pair of pairs)
    for (const family of [4, 6] as const)
      for (const question of questionsOf(target, pair, family))
        drafts.push(...answersTo(engine, question, pair, family, staged))
  if (drafts.length === 0) throw nothingToAsk(target, sources, destinations, to)
  const lacking = lackingPort(target, destinations)
  return grouped(drafts).map(({ from: source, to: destination, family, ...rest }) => ({
    from: named(source, sources, family),
    to: named(destination, destinations, family),
    family,
    ...rest,
    ...(lacking.length > 0 && { withoutPort: lacking }),
    sources: [],
    seq: engine.seq,
  }))
}

/** Answers with where the events of their rules came from. */
export function withSources(answers: readonly WhyAnswer[], sourceOf: SourceOf): Promise<readonly WhyAnswer[]> {
  return Promise.all(
    answers.map(async answer => ({ ...answer, sources: await entriesOf(eventsBehind(answer), sourceOf) })),
  )
}

function eventsBehind({ explanation: { egress, ingress }, nearest }: WhyAnswer): readonly number[] {
  const named = [egress, ingress].flatMap(({ matched, isolatedBy }) => [
    ...matched.map(({ origin }) => origin),
    ...isolatedBy,
  ])
  const near = [...nearest.egress, ...nearest.ingress].map(({ origin }) => origin)
  return [...named, ...near].map(({ seq }) => seq)
}

/** Members that rules don't tell apart, at both ends. */
interface Pair {
  readonly from: readonly Member[]
  readonly to: readonly Member[]
}

function pairsOf(sources: Meant, destinations: Meant): readonly Pair[] {
  const [from, to] = [classesOf(sources), classesOf(destinations)]
  if (from.length * to.length > pairsMax) {
    const message = `${from.length} kinds of sources and ${to.length} of destinations are too many to answer for`
    throw invalidWord('', message, `${sources.name} ${destinations.name}`, 'fewer: a namespace, a workload, a pod')
  }
  const all = from.flatMap(source => to.map((destination): Pair => ({ from: source, to: destination })))
  // Who is on both sides reaches himself, which nobody who asks about a set wants to hear.
  const others = all.filter(pair => differentEnds(pair) !== undefined)
  return others.length > 0 ? others : all
}

function classesOf({ members }: Meant): readonly (readonly Member[])[] {
  const classes = new Map<string, Member[]>()
  for (const member of members) classes.set(member.alike, [...(classes.get(member.alike) ?? []), member])
  return [...classes.values()]
}

/** A source and a destination that aren't one. */
function differentEnds({ from, to }: Pair): readonly [Member, Member] | undefined {
  const isOther = (a: Member, b: Member): boolean => a.name !== b.name || (a.isSupposed && b.isSupposed)
  for (const source of from.slice(0, 2)) {
    const other = to.slice(0, 2).find(each => isOther(source, each))
    if (other !== undefined) return [source, other]
  }
  return undefined
}

interface Draft extends Omit<WhyAnswer, 'from' | 'to' | 'sources' | 'seq'> {
  readonly from: readonly Member[]
  readonly to: readonly Member[]
  readonly family: 4 | 6
}

function questionsOf(target: Target, { from, to }: Pair, family: 4 | 6): readonly PortQuestion[] {
  const hasFamily = from[0]!.ends[family] !== undefined && to[0]!.ends[family] !== undefined
  return hasFamily ? portsAt(target, to[0]!, family) : []
}

/** One answer, or for a range of ports one per part that is judged in its own way. */
function answersTo(
  engine: Engine,
  question: PortQuestion,
  pair: Pair,
  family: 4 | 6,
  staged: Engine | undefined,
): Draft[] {
  const [source, destination] = differentEnds(pair) ?? [pair.from[0]!, pair.to[0]!]
  const from = source.ends[family]!
  const to = withPort(destination.ends[family]!, destination, question)
  const supposed = { from: textless(from), to: textless(to) }
  const { protocol, last, name } = question
  const drafts: Draft[] = []
  const parts = partsOf(question, rulesOfBoth(engine, staged), destination)
  parts.forEach((port, at) => {
    const explanation = engine.explain({ from, to, protocol, port })
    const wouldBe =
      staged === undefined ? undefined : wouldBeAnywhere(staged, { from, to, protocol, port }, explanation.verdict)
    const nearest = nearestRules(engine, explanation, supposed)
    const lastPort = (parts[at + 1] ?? last + 1) - 1
    const told = { explanation, nearest, ...(wouldBe !== undefined && { staged: wouldBe }) }
    const draft = { ...pair, family, protocol, port, lastPort, ...told }
    const before = drafts.at(-1)
    if (before !== undefined && signature(before) === signature(draft))
      drafts[drafts.length - 1] = { ...before, lastPort }
    else drafts.push({ ...draft, ...(name !== undefined && { portName: name }) })
  })
  return drafts
}

const textless = (end: string | Supposed): Supposed | undefined => (typeof end === 'string' ? undefined : end)

/** A pod that isn't there has the name that is asked for. */
export function withPort(end: string | Supposed, { isSupposed }: Member, question: PortQuestion): string | Supposed {
  if (!isSupposed || typeof end === 'string' || question.name === undefined) return end
  return { ...end, ports: new Map([[portKey(question.protocol, question.name), question.first]]) }
}

/** What an answer says, whoever is asked about. What would be nearest to another answer is no part of it. */
const signature = ({ explanation, staged }: Pick<Draft, 'explanation' | 'staged'>): string =>
  JSON.stringify([explanation.verdict, said(explanation, 'egress'), said(explanation, 'ingress'), staged])

function said(explanation: Explanation, direction: Direction): Omit<SideExplanation, 'enforcedHere'> {
  const { enforcedHere: _, ...rest } = explanation[direction]
  return rest
}

/** Joins the answers of one family and port that say the same, as far as they are of all sources to all destinations. */
function grouped(drafts: readonly Draft[]): readonly Draft[] {
  const bySource = joined(drafts, ({ from }) => from, 'to')
  return joined(bySource, ({ to }) => to, 'from')
}

function joined(drafts: readonly Draft[], same: (draft: Draft) => readonly Member[], side: 'from' | 'to'): Draft[] {
  const groups = new Map<string, Draft>()
  for (const draft of drafts) {
    const { family, protocol, port, lastPort } = draft
    const names = same(draft).map(({ name }) => name)
    const key = JSON.stringify([family, protocol, port, lastPort, signature(draft), names])
    const known = groups.get(key)
    groups.set(key, known === undefined ? draft : withMembers(known, draft, side))
  }
  return [...groups.values()]
}

/** Who joins may be short of something else: then it is said of whom the nearest rules are told. */
function withMembers(known: Draft, draft: Draft, side: 'from' | 'to'): Draft {
  const differ = JSON.stringify(known.nearest) !== JSON.stringify(draft.nearest)
  const [from, to] = [known.from[0]!.name, known.to[0]!.name]
  return {
    ...known,
    [side]: merged(known[side], draft[side]),
    ...(differ && known.nearestFor === undefined && { nearestFor: { from, to } }),
  }
}

const merged = (a: readonly Member[], b: readonly Member[]): readonly Member[] => [
  ...new Map([...a, ...b].map(member => [member.name, member])).values(),
]

/** Members as an answer shows them: by the word when it means all of them. */
export function named(members: readonly Member[], { name, members: all }: Meant, family: 4 | 6): NamedAddress {
  const names = members.map(each => each.name).sort()
  const end = members[0]!.ends[family]!
  const isAll = new Set(names).size === new Set(all.map(each => each.name)).size
  return {
    name: all.length === 1 ? all[0]!.name : isAll ? name : names.join(', '),
    address: typeof end === 'string' ? end : '',
    ...(all.length > 1 && { members: names, of: name }),
  }
}

/** Names of destinations without a port of the name that is asked for. */
function lackingPort(target: Target, { members }: Meant): readonly string[] {
  if (target.port === undefined) return []
  return members
    .filter(each => ([4, 6] as const).every(family => portsAt(target, each, family).length === 0))
    .map(({ name }) => name)
}

function nothingToAsk(target: Target, sources: Meant, destinations: Meant, to: string): Error {
  const { port } = target
  const lacking = lackingPort(target, destinations)
  if (port !== undefined && lacking.length === destinations.members.length && !/^\d/.test(port))
    return noSuchPort(
      port,
      destinations.name,
      destinations.members.flatMap(({ ports }) => ports),
    )
  const names = [sources, destinations].map(({ name, members }) => (members.length === 1 ? members[0]!.name : name))
  return invalidWord('to', `${names.join(' and ')} have no address family in common`, to, 'two places of one family')
}
