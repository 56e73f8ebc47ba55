import type { Colour } from '../../cli/terminal.js'
import { tableLines } from '../../cli/table.js'
import type { Rolling } from './rolling.js'
import { askers, type Cell, type Row } from './rows.js'

/** Every service at each of its addresses: who was reached, from where; both families at once where they are alike. */
export function rowLines(rows: readonly Row[], colour: Colour): readonly string[] {
  return tableLines(rows, [
    { heading: 'service', cell: ({ service }) => service.name },
    { heading: 'asks for', cell: ({ service: { spec } }) => spec || 'ClusterIP' },
    { heading: 'at its', cell: ({ at }) => at },
    { heading: 'port', cell: ({ cells, service }) => `${cells[0]?.port}/${service.protocol}` },
    ...askers.map(asker => ({
      heading: asker,
      cell: ({ cells }: Row) => {
        const texts = cells.filter(cell => cell.asker === asker).map(cell => cellText(cell, colour))
        return texts.length === 0 ? '-' : [...new Set(texts)].join(' / ')
      },
    })),
    { heading: 'p50 ms', cell: ({ cells }) => medianOf(cells) },
  ])
}

/** `4 of 4`, `1 of 4`, `refused`; what isn't right with who answered and what failed. */
function cellText({ expected, tally, isRight }: Cell, colour: Colour): string {
  const answered = Object.keys(tally.answers)
  if (!isRight) {
    const parts = [...answered, ...Object.entries(tally.failures).map(([code, count]) => `${count} ${code}`)]
    return colour.bad(`! ${parts.join(' ')} (seen as ${Object.keys(tally.seenAs).join(' ')})`)
  }
  if (expected.kind === 'refused') return colour.good('refused')
  return colour.good(`${answered.length} of ${expected.pods.length}`)
}

function medianOf(cells: readonly Cell[]): string {
  const values = cells.map(({ tally }) => tally.p50Ms).filter(value => value > 0)
  if (values.length === 0) return '-'
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!.toFixed(1)
}

export function rollingLines({ loads }: Rolling, colour: Colour): readonly string[] {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0)
  return tableLines(loads, [
    { heading: 'load', cell: ({ clients, from }) => `${clients} clients in a ${from}` },
    { heading: 'service', cell: ({ service, family }) => `${service} ipv${family}` },
    { heading: 'requests', cell: ({ tally }) => String(sum(tally.answers) + sum(tally.failures)) },
    {
      heading: 'failed',
      cell: ({ tally: { failures } }) => {
        const text = Object.entries(failures).map(([code, count]) => `${count} ${code}`)
        return text.length === 0 ? colour.good('0') : colour.bad(text.join(', '))
      },
    },
    { heading: 'backends met', cell: ({ tally }) => String(Object.keys(tally.answers).length) },
    { heading: 'p50 ms', cell: ({ tally }) => tally.p50Ms.toFixed(1) },
    { heading: 'p99 ms', cell: ({ tally }) => tally.p99Ms.toFixed(1) },
  ])
}
