import type { ServiceFlowChange } from '../../agent/service-flow-history.js'
import type { ServiceWay } from '../../agent/service-flow.js'
import { placesIn } from '../origins.js'
import type { Colour } from '../terminal.js'
import { changedByLine } from './flow-change.js'

/** The event, what connections to the service came to, and each way before and after that is another. */
export function serviceFlowLines(
  change: Omit<ServiceFlowChange, 'sources'> & Partial<Pick<ServiceFlowChange, 'sources'>>,
  colour: Colour,
  workingFolder: string,
): readonly string[] {
  const { before, after, outcome, sources = [] } = change
  const places = placesIn(sources, workingFolder)
  const [was, is] = [before, after].map(ways => new Map(ways.map(way => [keyOf(way), lineOf(way, places)])))
  const keys = [...new Set([...was!.keys(), ...is!.keys()])].filter(key => was!.get(key) !== is!.get(key))
  const painted = (text: string): string => (text === 'allowed' ? colour.good(text) : colour.bad(text))
  return [
    changedByLine(change, colour, workingFolder),
    `  ${colour.strong(headOf([...after, ...before][0]))}  ${painted(outcome.before)} → ${painted(outcome.after)}`,
    ...keys.flatMap(key => [
      colour.dim(`    before  ${was!.get(key) ?? 'not there'}`),
      `    after   ${is!.get(key) ?? 'not there'}`,
    ]),
  ]
}

const keyOf = ({ from, service, port, protocol, family }: ServiceWay): string =>
  [from, service, port, protocol, family].join(' ')

const headOf = (way: ServiceWay | undefined): string =>
  way === undefined ? '' : `${way.from} → service ${way.service} ${way.port}/${way.protocol}`

/** `goes to 10.0.0.1:8080/TCP (red/server): red/server allowed by NetworkPolicy red/p spec.ingress[0]` */
function lineOf({ outcome, lack, backends, verdicts }: ServiceWay, places: ReadonlyMap<number, string>): string {
  if (outcome === 'externalName') return 'another name, which nothing translates'
  if (backends.length === 0) return `no backend${lack === undefined ? '' : `: ${lack}`}`
  const whom = backends.map(({ backend, pod }) => `${backend}${pod === '' ? '' : ` (${pod})`}`).join(', ')
  const judged = verdicts.map(({ to, state, causes, seqs }) => {
    const where = [...new Set(seqs)].flatMap(seq => places.get(seq) ?? [])
    return `${to} ${state} by ${causes.join(', ')}${where.length === 0 ? '' : ` (${where.join(', ')})`}`
  })
  return [`goes to ${whom}`, ...judged].join('; ')
}
