import { counted } from '@weir/core/counted.js'
import type { StagedChange, StagedFlows } from '../../agent/protocol.js'
import { type Column, tableLines } from '../table.js'
import type { Colour } from '../terminal.js'

/** What staged policies would change for flows that were seen, and which policies these are. */
export function stagedLines({ sinceMs, policies, changes, forgotten }: StagedFlows, colour: Colour): readonly string[] {
  if (policies.length === 0) return ['no policy is staged']
  const columns: readonly Column<StagedChange>[] = [
    { heading: 'would', cell: ({ change }) => (change === 'newly-denied' ? colour.bad('deny') : colour.good('allow')) },
    { heading: 'from', cell: ({ from }) => from },
    { heading: 'to', cell: ({ to }) => to },
    {
      heading: 'port',
      cell: ({ protocol, port, detail = '' }) =>
        port === undefined ? `${protocol} ${detail}`.trimEnd() : `${port}/${protocol}`,
    },
    { heading: 'packets', cell: ({ packets }) => String(packets) },
    { heading: 'last seen', cell: ({ lastMs }) => new Date(lastMs).toISOString() },
    { heading: 'by', cell: ({ after }) => after.join(', ') },
  ]
  const since = new Date(sinceMs).toISOString()
  return [
    ...(changes.length === 0 ? [] : tableLines(changes, columns)),
    ...(forgotten === 0
      ? []
      : [
          `${counted(forgotten, "kind of flows that wasn't seen for long is", "kinds of flows that weren't seen for long are")} left out`,
        ]),
    `${counted(changes.length, 'kind of flows', 'kinds of flows')} would be judged otherwise, of those seen since ${since}, by what is staged:`,
    ...policies.map(({ policy, seq }) => `  ${policy} (event ${seq})`),
  ]
}
