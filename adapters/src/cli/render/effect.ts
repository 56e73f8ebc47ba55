import type { EventEffect, RowCounts } from '../../agent/event-effect.js'
import type { Terminal } from '../terminal.js'
import { changeLines, changeSummary, type Places, uncoveredLines } from './change.js'
import { serviceChangeLines } from './service-change.js'
import { sideBySide } from './side-by-side.js'

/** Sets of flows that are told one by one. */
const flowsMax = 20

/** What an event changed: the object, the tables, services, flows. */
export function effectLines(
  effect: EventEffect,
  places: Places,
  { colour, widthColumns }: Pick<Terminal, 'colour' | 'widthColumns'>,
  workingFolder: string,
): readonly string[] {
  const { before, after, tables, services, flows } = effect
  const since = before === undefined ? 'not there' : before.seq === 0 ? 'before' : `event ${before.seq}`
  const versions =
    before === undefined && after === undefined
      ? []
      : ['', colour.strong(`${since} → ${after === undefined ? 'gone' : `event ${after.seq}`}`)]
  const shown = flows.changes.slice(0, flowsMax)
  const left = flows.changes.length - shown.length
  return [
    ...versions,
    ...sideBySide(before?.fact, after?.fact, widthColumns, colour),
    '',
    ...countLines(tables),
    ...services.flatMap(service => [
      colour.strong(`service ${service.service}`),
      ...serviceChangeLines(service, colour, workingFolder).slice(1),
    ]),
    changeSummary(flows.changes),
    ...changeLines(shown, places, colour).map(line => `  ${line}`),
    ...(left > 0 ? [`  and ${left} more (-o json has all)`] : []),
    ...uncoveredLines(flows.uncovered, colour),
  ]
}

/** `tables: addresses +1, cells +2 ~1 -3`; of an event that changed none, so. */
export function countLines(tables: EventEffect['tables']): readonly string[] {
  const parts = Object.entries(tables).map(([name, counts]) => `${name} ${countText(counts)}`)
  return [parts.length === 0 ? 'no row of any table changes' : `tables: ${parts.join(', ')}`]
}

function countText({ added, changed, removed }: RowCounts): string {
  const parts = [
    ['+', added],
    ['~', changed],
    ['-', removed],
  ] as const
  return parts.flatMap(([sign, count]) => (count === 0 ? [] : [`${sign}${count}`])).join(' ')
}
