import { counted } from '@weir/core/counted.js'
import type { TopField, TopFlows, TopRow } from '../../flows/top.js'
import { type Column, tableLines } from '../table.js'

const headings: Readonly<Record<TopField, string>> = {
  endpoint: 'endpoint',
  pair: 'from → to',
  port: 'port',
  verdict: 'verdict',
  service: 'service',
}

/** Ranked sums of flows as a table, and what they are of. */
export function topLines({ by, metric, total, rows, left }: TopFlows): readonly string[] {
  const columns: readonly Column<TopRow>[] = [
    { heading: headings[by], cell: ({ name }) => (name === '' ? '-' : name) },
    { heading: 'packets', cell: ({ packets }) => String(packets) },
    { heading: 'bytes', cell: ({ bytes }) => String(bytes) },
    { heading: 'flows', cell: ({ flows }) => String(flows) },
    { heading: 'share', cell: row => shareText(row[metric], total[metric]) },
    { heading: 'last seen', cell: ({ lastMs }) => new Date(lastMs).toISOString() },
  ]
  const sum = `${counted(total.flows, 'flow')}, ${counted(total.packets, 'packet')} and ${counted(total.bytes, 'byte')} that were told of`
  return [...(rows.length === 0 ? [] : tableLines(rows, columns)), left === 0 ? sum : `${left} more rows; ${sum}`]
}

const shareText = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`
