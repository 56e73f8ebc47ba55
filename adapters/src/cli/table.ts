import { printableLine } from './printable.js'

/** One column: its heading and what of a row it shows. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
}

/**
 * Rows as kubectl prints them: headings in capitals, columns as wide as their longest cell, three blanks between, no
 * trailing blanks. Escape sequences for colour take no width, all others are shown, not acted on.
 */
export function tableLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): readonly string[] {
  const cells = [
    columns.map(column => column.heading.toUpperCase()),
    ...rows.map(row => columns.map(column => printableLine(column.cell(row)))),
  ]
  const widths = columns.map((_, at) => cells.reduce((widest, line) => Math.max(widest, width(line[at] ?? '')), 0))
  return cells.map(line =>
    line
      .map((cell, at) => (at === line.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - width(cell) + 3)))
      .join('')
      .trimEnd(),
  )
}

/** Columns that a text takes on a terminal. */
export function width(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one
  return [...text.replace(/\u001b\[\d+m/g, '')].length
}
