import { type NearRule, protocolNumbers, type SideExplanation, verdicts } from '@weir/core'
import { originText } from '../../agent/causes.js'
import type { NamedAddress, WhyAnswer } from '../../agent/protocol.js'
import { placeOfSource } from '../origins.js'
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
    const head = `${answer.from.name} → ${answer.to.name} ${portText(answer)}  ${verdict}`
    const places = new Map(answer.sources.map(([seq, source]) => [seq, placeOfSource(source, workingFolder)] as const))
    const placeOf = (seq: number): string => eventText(seq, places.get(seq))
    const body = [
      ...sideLines('egress', answer.explanation.egress, answer.from, colour, placeOf),
      ...nearLines(answer.nearest.egress, colour, placeOf),
      ...sideLines('ingress', answer.explanation.ingress, answer.to, colour, placeOf),
      ...nearLines(answer.nearest.ingress, colour, placeOf),
    ]
    const key = [head, ...body].join('\n')
    const known = told.get(key)
    const addresses = `${answer.from.address} → ${answer.to.address}`
    if (known === undefined) told.set(key, { head, addresses: [addresses], body })
    else known.addresses.push(addresses)
  }
  const seq = answers[0]?.seq ?? 0
  return [
    ...[...told.values()].flatMap(({ head, addresses, body }) => [
      colour.strong(head),
      colour.dim(`  ${addresses.join(', ')}`),
      ...body,
    ]),
    colour.dim(`as of event ${seq}`),
  ]
}

/** `7070/TCP`, `echo/ICMP` */
function portText({ protocol, port }: WhyAnswer): string {
  const name = Object.entries(protocolNumbers).find(([, number]) => number === protocol)?.[0] ?? String(protocol)
  if (protocol !== protocolNumbers.ICMP && protocol !== protocolNumbers.ICMPv6) return `${port}/${name}`
  const type = port >>> 8
  const isEcho = type === (protocol === protocolNumbers.ICMP ? 8 : 128)
  return isEcho ? `echo/${name}` : `type ${type} code ${port & 0xff}/${name}`
}

/** `(event 9, web.yaml:3)` */
type PlaceOf = (seq: number) => string

/** What came nearest to letting a flow pass that is denied by default, and what it would take. */
function nearLines(rules: readonly NearRule[], colour: Colour, placeOf: PlaceOf): readonly string[] {
  return rules.flatMap(({ origin, shortfalls }) => [
    `            nearest: ${originText(origin)}${placeOf(origin.seq)}`,
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
  const where = side.enforcedHere || side.reason === 'not-a-pod' ? '' : colour.dim(' (enforced by its own node)')
  return [
    `  ${label.padEnd(8)}${verdict}: ${reasonText(side, end, placeOf)}${where}`,
    ...ruleLines(side, colour, placeOf),
  ]
}

function reasonText(side: SideExplanation, end: NamedAddress, placeOf: PlaceOf): string {
  switch (side.reason) {
    case 'not-a-pod':
      return `${end.name} is no pod: policies don't select it`
    case 'itself':
      return 'a pod always reaches itself'
    case 'not-isolated':
      return `no policy isolates ${end.name} in this direction`
    case 'default-deny':
      return `${end.name} is isolated and nothing allows this`
    case 'proxy':
      return 'it may pass only through a proxy, and none runs for it'
    case 'rule':
      return side.decidedBy === undefined
        ? 'a rule'
        : `${originText(side.decidedBy.origin)}${placeOf(side.decidedBy.origin.seq)}`
  }
}

/** Other rules that say the same, and for a default deny who isolates. */
function ruleLines(side: SideExplanation, colour: Colour, placeOf: PlaceOf): readonly string[] {
  if (side.reason === 'default-deny')
    return side.isolatedBy.map(origin => `            isolated by ${originText(origin)}${placeOf(origin.seq)}`)
  if (side.reason !== 'rule') return []
  const others = side.matched.filter(
    ({ action, origin }) =>
      action === side.decidedBy?.action && originText(origin) !== originText(side.decidedBy.origin),
  )
  return others.map(({ origin }) => colour.dim(`            also ${originText(origin)}${placeOf(origin.seq)}`))
}

function eventText(seq: number, place: string | undefined): string {
  return seq === 0 ? '' : ` (event ${seq}${place === undefined ? '' : `, ${place}`})`
}
