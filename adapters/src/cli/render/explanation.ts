import {
  type MatchedRule,
  type NearRule,
  type Origin,
  protocolNumbers,
  type ProxyDemand,
  type SideExplanation,
  verdicts,
} from '@weir/core'
import { originText } from '../../agent/causes.js'
import type { NamedAddress, WhyAnswer } from '../../agent/protocol.js'
import { whoText } from '../../agent/who-text.js'
import { stagedText } from './staged.js'
import { placesIn } from '../origins.js'
import type { Colour } from '../terminal.js'

export function isAllowed(answer: WhyAnswer): boolean {
  return answer.explanation.verdict === verdicts.allow
}

/**
 * Answers for a person: the flow and its verdict, then each side with the rules and the events that brought them.
 * Families that are judged alike are told once.
 */
export function explanationLines(
  answers: readonly WhyAnswer[],
  colour: Colour,
  workingFolder = '/',
): readonly string[] {
  const told = new Map<
    string,
    { readonly head: string; readonly addresses: string[]; readonly body: readonly string[] }
  >()
  for (const answer of answers) {
    const verdict = isAllowed(answer) ? colour.good('allowed') : colour.bad('denied')
    const head = `${whoText(answer.from)} → ${whoText(answer.to)} ${portText(answer)}  ${verdict}`
    const places = placesIn(answer.sources, workingFolder)
    const placeOf = (seq: number): string => eventText(seq, places.get(seq))
    const body = [
      ...sideLines('egress', answer.explanation.egress, answer.from, colour, placeOf),
      ...nearLines(answer.nearest.egress, answer.nearestFor, colour, placeOf),
      ...sideLines('ingress', answer.explanation.ingress, answer.to, colour, placeOf),
      ...nearLines(answer.nearest.ingress, answer.nearestFor, colour, placeOf),
      ...(answer.staged === undefined ? [] : [`  ${stagedText(answer.staged, colour)}`]),
    ]
    const key = [head, ...body].join('\n')
    const known = told.get(key)
    const isPlaced = answer.from.address !== '' || answer.to.address !== ''
    const addresses = isPlaced ? `${addressText(answer.from)} → ${addressText(answer.to)}` : ''
    if (known === undefined) told.set(key, { head, addresses: [addresses], body })
    else if (!known.addresses.includes(addresses)) known.addresses.push(addresses)
  }
  const seq = answers[0]?.seq ?? 0
  const lacking = answers[0]?.withoutPort ?? []
  const namesake = answers[0]?.namesake
  return [
    ...[...told.values()].flatMap(({ head, addresses, body }) => [
      colour.strong(head),
      ...(addresses.join() === '' ? [] : [colour.dim(`  ${addresses.join(', ')}`)]),
      ...body,
    ]),
    ...(lacking.length === 0 ? [] : [`without a port of this name: ${lacking.join(', ')}`]),
    ...(namesake === undefined ? [] : [colour.dim(`service ${namesake} has the name too: svc/${namesake}`)]),
    colour.dim(`as of event ${seq}`),
  ]
}

const addressText = ({ name, address }: NamedAddress): string => (address === '' ? name.slice(0, 60) : address)

type AskedPort = Pick<WhyAnswer, 'protocol' | 'port' | 'lastPort' | 'portName'>

/** `7070/TCP`, `http (7070)/TCP`, `80-90/UDP`, `echo/ICMP` */
export function portText({ protocol, port, lastPort, portName }: AskedPort): string {
  const name = Object.entries(protocolNumbers).find(([, number]) => number === protocol)?.[0] ?? `protocol ${protocol}`
  if (protocol !== protocolNumbers.ICMP && protocol !== protocolNumbers.ICMPv6) {
    const number =
      lastPort === port ? `${port}` : port === 0 && lastPort === 0xffff ? 'every port' : `${port}-${lastPort}`
    return portName === undefined ? `${number}/${name}` : `${portName} (${number})/${name}`
  }
  const type = port >>> 8
  const isEcho = type === (protocol === protocolNumbers.ICMP ? 8 : 128)
  return isEcho ? `echo/${name}` : `${portName ?? `type ${type}`} code ${port & 0xff}/${name}`
}

/** `(event 9, web.yaml:3)` */
export type PlaceOf = (seq: number) => string

/** What came nearest to letting a flow pass that is denied by default, and what it would take. */
function nearLines(
  rules: readonly NearRule[],
  whom: WhyAnswer['nearestFor'],
  colour: Colour,
  placeOf: PlaceOf,
): readonly string[] {
  const of = whom === undefined ? '' : ` (for ${whom.from} → ${whom.to})`
  return rules.flatMap(({ origin, shortfalls }) => [
    `            nearest${of}: ${originText(origin)}${placeOf(origin.seq)}`,
    ...shortfalls.map(({ message, change }) => `              ${message}; ${colour.strong(change)}`),
  ])
}

function sideLines(
  label: string,
  side: SideExplanation,
  end: NamedAddress,
  colour: Colour,
  placeOf: PlaceOf,
): readonly string[] {
  const verdict = side.verdict === verdicts.allow ? colour.good('allows') : colour.bad('denies')
  const where =
    side.enforcedHere || end.address === '' || side.reason === 'not-a-pod'
      ? ''
      : colour.dim(' (enforced by its own node)')
  return [
    `  ${label.padEnd(8)}${verdict}: ${reasonText(side, end, placeOf)}${where}`,
    ...ruleLines(side, colour, placeOf),
  ]
}

/** Why an end allows or denies, in words. */
export function reasonText(
  side: Pick<SideExplanation, 'reason' | 'decidedBy'>,
  end: NamedAddress,
  placeOf: PlaceOf,
): string {
  const many = (end.members?.length ?? 1) > 1
  switch (side.reason) {
    case 'not-a-pod':
      return many ? "these are no pods: policies don't select them" : `${end.name} is no pod: policies don't select it`
    case 'itself':
      return 'a pod always reaches itself'
    case 'not-isolated':
      return `no policy isolates ${many ? 'these' : end.name} in this direction`
    case 'default-deny':
      return many ? 'these are isolated and nothing allows this' : `${end.name} is isolated and nothing allows this`
    case 'proxy':
      return side.decidedBy === undefined
        ? 'it may pass only through a proxy, and none runs for it'
        : `it may pass only through a proxy, and none runs for it: ${ruleText(side.decidedBy, placeOf)}`
    case 'rule':
      return side.decidedBy === undefined ? 'a rule' : ruleText(side.decidedBy, placeOf)
  }
}

const ruleText = ({ origin, l7 }: MatchedRule, placeOf: PlaceOf): string =>
  `${originText(origin)}${placeOf(origin.seq)}${demandText(l7)}`

/** The rules that match beside the one that decides, in deciding order, and for a default deny who isolates. */
function ruleLines(side: SideExplanation, colour: Colour, placeOf: PlaceOf): readonly string[] {
  const { decidedBy, matched, reason } = side
  const isDefault = reason === 'default-deny'
  const isolating = isDefault
    ? side.isolatedBy.map(origin => `            isolated by ${originText(origin)}${placeOf(origin.seq)}`)
    : []
  const decidedAt = matched.findIndex(rule => rule === decidedBy || sameRule(rule, decidedBy))
  const others = matched.flatMap((rule, at) => {
    if (at === decidedAt || (isDefault && side.isolatedBy.some(origin => isOrigin(origin, rule.origin)))) return []
    const text = `${originText(rule.origin)}${placeOf(rule.origin.seq)}${demandText(rule.l7)}`
    return [colour.dim(`            ${standing(rule, at, decidedAt, decidedBy)} ${text}`)]
  })
  return [...isolating, ...others]
}

/** What became of a rule that matches: it said the same, it passed the flow on, or it was beaten. */
function standing(
  { action, tier }: MatchedRule,
  at: number,
  decidedAt: number,
  decidedBy: MatchedRule | undefined,
): string {
  if (action === 'pass' && (decidedAt < 0 || at < decidedAt)) return `passed on (${tier}) by`
  if (decidedBy === undefined || at < decidedAt) return `${action} (${tier}) of`
  return action === decidedBy.action && tier === decidedBy.tier
    ? 'also'
    : `beats ${action}${tier === decidedBy.tier ? '' : ` (${tier})`} of`
}

const isOrigin = (a: Origin, b: Origin): boolean => a.policy === b.policy && a.path === b.path && a.seq === b.seq

const sameRule = (rule: MatchedRule, other: MatchedRule | undefined): boolean =>
  other !== undefined &&
  rule.action === other.action &&
  rule.tier === other.tier &&
  isOrigin(rule.origin, other.origin) &&
  JSON.stringify(rule.l7) === JSON.stringify(other.l7)

/** What a proxy must find in the traffic, as the policy has it. */
function demandText(demand: ProxyDemand | undefined): string {
  if (demand === undefined) return ''
  const { rules, ...rest } = demand
  const asked = [
    ...(rules === undefined ? [] : [rulesText(rules)]),
    ...Object.entries(rest).map(
      ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
  ]
  return `, if it is ${asked.join(' and ')}`
}

function rulesText(rules: NonNullable<ProxyDemand['rules']>): string {
  switch (rules.kind) {
    case 'http':
      return `http ${JSON.stringify(rules.http)}`
    case 'kafka':
      return `kafka ${JSON.stringify(rules.kafka)}`
    case 'dns':
      return `dns ${JSON.stringify(rules.dns)}`
    case 'generic':
      return `${rules.protocol} ${JSON.stringify(rules.rules)}`
  }
}

export function eventText(seq: number, place: string | undefined): string {
  return seq === 0 ? '' : ` (event ${seq}${place === undefined ? '' : `, ${place}`})`
}
