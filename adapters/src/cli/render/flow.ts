import type { FlowEnd, FlowRecord, ServiceName } from '../../agent/protocol.js'
import { endName } from '../../flows/top.js'
import { stagedText } from './staged.js'
import type { Colour } from '../terminal.js'

/** A line for the flow, and one for what staged policies would make of it where that is something else. */
export function flowLines(flow: FlowRecord, colour: Colour): readonly string[] {
  const staged = flow.staged === undefined ? [] : [`${' '.repeat(14)}${stagedText(flow.staged, colour)}`]
  return [flowLine(flow, colour), ...staged]
}

/** `12:01:02.345  shop/web-1:40312 → shop/cart-1:7070 TCP SYN  allowed  NetworkPolicy shop/cart spec.ingress[0]` */
function flowLine(flow: FlowRecord, colour: Colour): string {
  const verdict = flow.verdict === 'allowed' ? colour.good('allowed') : colour.bad(flow.verdict)
  const reason = flow.reason === '' ? '' : ` (${flow.reason})`
  const causes = flow.causes.length === 0 ? '' : `  ${colour.dim(flow.causes.join(', '))}`
  const [source, destination] = [
    `${endText(flow.source)}${serviceText(flow.source_service)}`,
    `${endText(flow.destination)}${serviceText(flow.destination_service)}`,
  ]
  const times = flow.packets === undefined || flow.packets === 1 ? '' : ` ×${flow.packets}`
  return `${timeText(flow.time)}  ${source} → ${destination} ${protocolText(flow)}${times}  ${verdict}${reason}${causes}`
}

/** A field a line, then a rule: for reading one flow closely. */
export function flowDictionary(flow: FlowRecord, colour: Colour): readonly string[] {
  const fields: readonly (readonly [string, string])[] = [
    ['time', new Date(flow.time).toISOString()],
    ['source', endText(flow.source)],
    ['source identity', identityText(flow.source)],
    ['source service', nameText(flow.source_service)],
    ['destination', endText(flow.destination)],
    ['destination identity', identityText(flow.destination)],
    ['destination service', nameText(flow.destination_service)],
    ['protocol', protocolText(flow)],
    ['verdict', flow.reason === '' ? flow.verdict : `${flow.verdict} (${flow.reason})`],
    ['decided by', flow.causes.join(', ')],
    ['staged', flow.staged === undefined ? '' : stagedText(flow.staged, colour)],
  ]
  const said = fields.filter(([name, value]) => value !== '' || !(name === 'staged' || name.endsWith(' service')))
  return [...said.map(([name, value]) => `${`${name}:`.padEnd(22)}${value}`), '-'.repeat(60)]
}

/**
 * Columns of fixed width, as flows come one by one.
 *
 * @param withHeading With the line of headings before it.
 */
export function flowRow(flow: FlowRecord, withHeading: boolean): readonly string[] {
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(columnWidths[at] ?? 0))
      .join(' ')
      .trimEnd()
  const heading = ['TIMESTAMP', 'SOURCE', 'DESTINATION', 'PROTOCOL', 'VERDICT', 'PACKETS', 'SUMMARY']
  const cells = [
    new Date(flow.time).toISOString(),
    endText(flow.source),
    endText(flow.destination),
    protocolText(flow),
    flow.verdict,
    String(flow.packets ?? 1),
    flow.reason === '' ? flow.causes.join(', ') : `${flow.reason}: ${flow.causes.join(', ')}`,
  ]
  return withHeading ? [row(heading), row(cells)] : [row(cells)]
}

const columnWidths = [24, 32, 32, 12, 8, 8]

const nameText = (service: ServiceName | undefined): string =>
  service === undefined ? '' : `${service.namespace}/${service.name}`

/** ` (svc shop/web)` */
const serviceText = (service: ServiceName | undefined): string =>
  service === undefined ? '' : ` (svc ${nameText(service)})`

/** `shop/web:80`, `203.0.113.7:443`, `[2001:db8::1]:443` */
export function endText(end: FlowEnd): string {
  const name = endName(end)
  if (end.port === undefined) return name
  return `${name.includes(':') ? `[${name}]` : name}:${end.port}`
}

function protocolText(flow: FlowRecord): string {
  return flow.detail === undefined || flow.detail === '' ? flow.protocol : `${flow.protocol} ${flow.detail}`
}

function identityText(end: FlowEnd): string {
  return end.labels.length === 0 ? String(end.identity) : `${end.identity} (${end.labels.join(' ')})`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23)
}
