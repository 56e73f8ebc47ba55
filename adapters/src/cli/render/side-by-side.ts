import { diffArrays } from 'diff'
import { stringify } from 'yaml'
import type { Colour } from '../terminal.js'

/** Equal lines that are shown around those that differ. */
const context = 3
const narrowest = 30
const between = 3

/**
 * Two versions of an object as YAML beside each other, what differs and a few lines around it. One that isn't there leaves
 * its half empty.
 *
 * @param widthColumns of the terminal; long lines are cut with an ellipsis
 */
export function sideBySide(before: unknown, after: unknown, widthColumns: number, colour: Colour): readonly string[] {
  const rows = rowsOf(linesOf(before), linesOf(after))
  const shown = rows.map((_, at) =>
    rows.slice(Math.max(0, at - context), at + context + 1).some(({ left, right }) => left !== right),
  )
  const half = Math.max(narrowest, Math.floor((widthColumns - between) / 2))
  const widest = Math.max(narrowest, ...rows.map(({ left = '' }) => left.length))
  const width = Math.min(half, widest)
  const lines: string[] = []
  for (const [at, { left, right }] of rows.entries()) {
    if (!shown[at]) {
      if (shown[at - 1] ?? at === 0) lines.push(colour.dim('⋮'))
      continue
    }
    const isSame = left === right
    const [from, to] = [cut(left ?? '', width).padEnd(width), cut(right ?? '', half)]
    const mark = isSame ? ' ' : left === undefined ? '>' : right === undefined ? '<' : '|'
    const painted = isSame ? [from, to] : [colour.bad(from), colour.good(to)]
    lines.push(`${painted[0]} ${mark} ${painted[1]}`.trimEnd())
  }
  return lines
}

interface Row {
  readonly left?: string
  readonly right?: string
}

/** Lines that came stand beside those that went, as many as there are of both. */
function rowsOf(before: string[], after: string[]): readonly Row[] {
  const rows: Row[] = []
  let gone: string[] = []
  const flush = (): void => {
    for (const left of gone) rows.push({ left })
    gone = []
  }
  for (const { value, added, removed } of diffArrays(before, after)) {
    if (removed) gone.push(...value)
    else if (added) {
      for (const right of value) {
        const left = gone.shift()
        rows.push(left === undefined ? { right } : { left, right })
      }
      flush()
    } else {
      flush()
      for (const line of value) rows.push({ left: line, right: line })
    }
  }
  flush()
  return rows
}

const linesOf = (value: unknown): string[] =>
  value === undefined ? [] : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n')

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`)
