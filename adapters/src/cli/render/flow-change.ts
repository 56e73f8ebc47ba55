import { originText } from '../../agent/causes.js'
import type { ChangedFlow, FlowChange, FlowStanding, SideCause } from '../../agent/flow-history.js'
import type { NamedAddress } from '../../agent/protocol.js'
import { keyTitle } from '../../manifests/set.js'
import { placesIn, provenanceOf } from '../origins.js'
import type { Colour } from '../terminal.js'
import { eventText, type PlaceOf, portText, reasonText } from './explanation.js'

/** `event 12  2026-01-02T03:04:05.678Z  networkpolicy.upserted  NetworkPolicy shop/web  (web.yaml:3)`; of a cut log `12, 10412 there` */
export function changedByLine(
  { seq, time, kind, object, originals, ...from }: Omit<FlowChange, 'flows' | 'sources'>,
  colour: Colour,
  workingFolder: string,
): string {
  const about = object === undefined ? '' : `  ${keyTitle(object)}`
  const at = new Date(time).toISOString()
  return `${colour.strong(`event ${seq}${thereText(originals, seq)}`)}  ${at}  ${kind}${about}  ${colour.dim(`(${provenanceOf(from, workingFolder)})`)}`
}

/** The event, then each flow with its verdict and the rules before and after; those that changed alike are told once. */
export function flowChangeLines(
  change: Omit<FlowChange, 'flows'> & { readonly flows: readonly ChangedFlow[] },
  colour: Colour,
  workingFolder: string,
): readonly string[] {
  const places = placesIn(change.sources, workingFolder)
  const placeOf = (seq: number): string => {
    const place = places.get(seq)
    const there = thereText(change.originals, seq).slice(2)
    return eventText(seq, there === '' ? place : place === undefined ? there : `${there}, ${place}`)
  }
  return [changedByLine(change, colour, workingFolder), ...changedFlowLines(change.flows, colour, placeOf)]
}

function thereText(originals: FlowChange['originals'], seq: number): string {
  const there = originals?.find(([here]) => here === seq)?.[1]
  return there === undefined ? '' : `, ${there} there`
}

/** Most pairs of ends that a line names. */
const namedMax = 3

/** Each flow with its verdict and the rules before and after; those that changed alike are told once. */
export function changedFlowLines(flows: readonly ChangedFlow[], colour: Colour, placeOf: PlaceOf): readonly string[] {
  const told = new Map<string, { readonly pairs: Set<string>; readonly flow: ChangedFlow }>()
  for (const flow of flows) {
    const { protocol, port, lastPort, portName, before, after } = flow
    const key = JSON.stringify([
      ...[portText({ protocol, port, lastPort, ...(portName !== undefined && { portName }) })],
      ...[before, after].map(standing =>
        sidesText(standing, { name: '', address: '' }, { name: '', address: '' }, placeOf),
      ),
    ])
    const known = told.get(key) ?? { pairs: new Set<string>(), flow }
    known.pairs.add(`${flow.from.name} → ${flow.to.name}`)
    told.set(key, known)
  }
  return [...told.values()].flatMap(({ pairs, flow }) => {
    const names = [...pairs]
    const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : ''
    const head = `${names.slice(0, namedMax).join(', ')}${more} ${portText(flow)}`
    const [from, to] = names.length > 1 ? [these, these] : [flow.from, flow.to]
    return [
      `  ${colour.strong(head)}  ${stateText(flow.before, colour)} → ${stateText(flow.after, colour)}`,
      ...standingLines('before', flow.before, from, to, placeOf).map(colour.dim),
      ...standingLines('after', flow.after, from, to, placeOf),
    ]
  })
}

const these: NamedAddress = { name: '', address: '', members: ['', ''] }

function stateText({ state }: FlowStanding, colour: Colour): string {
  return state === 'absent' ? colour.dim('not there') : state === 'allowed' ? colour.good(state) : colour.bad(state)
}

/** A line for each side; of somebody who isn't there why not. */
export function standingLines(
  label: string,
  standing: FlowStanding,
  from: NamedAddress,
  to: NamedAddress,
  placeOf: PlaceOf,
): readonly string[] {
  return sidesText(standing, from, to, placeOf).map((text, at) => `    ${(at === 0 ? label : '').padEnd(8)}${text}`)
}

function sidesText(standing: FlowStanding, from: NamedAddress, to: NamedAddress, placeOf: PlaceOf): readonly string[] {
  if (standing.state === 'absent') return [standing.why]
  return [`egress  ${sideText(standing.egress, from, placeOf)}`, `ingress ${sideText(standing.ingress, to, placeOf)}`]
}

function sideText(side: SideCause, end: NamedAddress, placeOf: PlaceOf): string {
  const isolating = side.isolatedBy.map(origin => `${originText(origin)}${placeOf(origin.seq)}`).join(', ')
  const by = isolating === '' ? '' : `; isolated by ${isolating}`
  return `${side.verdict === 1 ? 'allows' : 'denies'}: ${reasonText(side, end, placeOf)}${by}`
}
