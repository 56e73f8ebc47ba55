import type { Matrix, MatrixCell } from '@weir/core/matrix/matrix.js'
import { portsText } from '@weir/core/compare/port-text.js'
import { width } from '../table.js'

/** Forms of a matrix besides JSON. */
export type MatrixForm = 'text' | 'markdown' | 'dot'

export function matrixLines(matrix: Matrix, form: MatrixForm): readonly string[] {
  const cells = new Map(matrix.cells.map(cell => [`${cell.from}\u0000${cell.to}`, cell]))
  const cellOf = (from: string, to: string): MatrixCell | undefined => cells.get(`${from}\u0000${to}`)
  switch (form) {
    case 'text':
      return textLines(matrix, cellOf)
    case 'markdown':
      return markdownLines(matrix, cellOf)
    case 'dot':
      return dotLines(matrix)
  }
}

type CellOf = (from: string, to: string) => MatrixCell | undefined

/** A grid with a mark per pair, then the ports of those pairs that have some. */
function textLines({ parties, cells }: Matrix, cellOf: CellOf): readonly string[] {
  const widest = Math.max(4, ...parties.map(width))
  const numbers = parties.map((_, at) => String(at + 1).padStart(4))
  const grid = parties.map(
    (from, at) =>
      `${from.padEnd(widest)} ${String(at + 1).padStart(4)} ${parties.map(to => mark(cellOf(from, to)).padStart(4)).join('')}`,
  )
  const ports = cells
    .filter(cell => !isOpen(cell) && !isEmpty(cell))
    .map(cell => `${cell.from} → ${cell.to} : ${cellText(cell)}`)
  return [
    `${'from'.padEnd(widest)}   to ${numbers.join('')}`,
    ...grid,
    '● every port   ○ some ports   ◐ some of them, or some addresses only   · nothing   blank: no policy is asked',
    ...(ports.length === 0 ? [] : ['', ...ports]),
  ]
}

function markdownLines({ parties }: Matrix, cellOf: CellOf): readonly string[] {
  const shown = parties.map(escaped)
  return [
    `| from \\ to | ${shown.join(' | ')} |`,
    `|---|${shown.map(() => '---|').join('')}`,
    ...parties.map(
      (from, at) => `| **${shown[at]}** | ${parties.map(to => escaped(markdownCell(cellOf(from, to)))).join(' | ')} |`,
    ),
  ]
}

/** Edges with their ports; a party that nothing leads to or from stands alone. */
function dotLines({ parties, cells }: Matrix): readonly string[] {
  const edges = cells
    .filter(cell => !isEmpty(cell))
    .map(cell => {
      const style = isPartial(cell) ? ', style=dashed' : ''
      return `  ${quoted(cell.from)} -> ${quoted(cell.to)} [label=${quoted(cellText(cell))}${style}]`
    })
  return [
    'digraph matrix {',
    '  rankdir=LR',
    '  node [shape=box]',
    ...parties.map(party => `  ${quoted(party)}`),
    ...edges,
    '}',
  ]
}

const markdownCell = (cell: MatrixCell | undefined): string =>
  cell === undefined ? '' : isEmpty(cell) ? '–' : cellText(cell)

function mark(cell: MatrixCell | undefined): string {
  if (cell === undefined) return ''
  if (isPartial(cell)) return '◐'
  return isEmpty(cell) ? '·' : isOpen(cell) ? '●' : '○'
}

function cellText(cell: MatrixCell): string {
  const all = cell.all.length === 0 ? 'some of them only' : `all of them ${portsText(cell.all)}`
  const passing = isPartial(cell) ? `${portsText(cell.some)} (${all})` : portsText(cell.some)
  const l7 = cell.l7.length === 0 ? '' : `${portsText(cell.l7)} by L7 rules`
  return [cell.some.length === 0 ? '' : passing, l7].filter(text => text !== '').join('; ')
}

const isEmpty = ({ some, l7 }: MatrixCell): boolean => some.length === 0 && l7.length === 0
const isPartial = ({ all, some }: MatrixCell): boolean => JSON.stringify(all) !== JSON.stringify(some)
const isOpen = (cell: MatrixCell): boolean => !isPartial(cell) && portsText(cell.all) === 'any'
const escaped = (text: string): string => text.replaceAll('|', '\\|')
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
