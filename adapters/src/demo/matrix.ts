import type { Colour } from '../cli/terminal.js'
import { agrees, type Trial } from './trial.js'

/** `10.0.0.0` and `::` rows of one pair of parties and port, together. */
interface Square {
  readonly trials: Trial[]
}

/**
 * The matrix as text: a row for each sender, a column for each port, numbered, with a legend; below, the policies that
 * decide for each port. `●` allowed, `·` denied, `4` or `6` only that family, `!` not what the reference says.
 */
export function matrixLines(trials: readonly Trial[], colour: Colour): readonly string[] {
  const senders = unique(trials.map(trial => trial.cell.from))
  const targets = unique(trials.map(targetOf))
  const squares = new Map<string, Square>()
  for (const trial of trials) {
    const key = `${trial.cell.from} ${targetOf(trial)}`
    const square = squares.get(key) ?? { trials: [] }
    square.trials.push(trial)
    squares.set(key, square)
  }
  const margin = senders.reduce((widest, sender) => Math.max(widest, sender.length), 'from'.length) + 2
  const cellWidth = String(targets.length).length + 1
  const lines = [
    `${'from'.padEnd(margin)}${targets.map((_, at) => String(at + 1).padStart(cellWidth)).join('')}`,
    ...senders.map(
      sender =>
        sender.padEnd(margin) +
        targets.map(target => ' '.repeat(cellWidth - 1) + mark(squares.get(`${sender} ${target}`), colour)).join(''),
    ),
    colour.dim('● allowed   · denied   4/6 allowed in that family only   ! not what the reference semantics say'),
    '',
    ...targets.flatMap((target, at) => [
      `${String(at + 1).padStart(3)}  ${colour.strong(target)}`,
      ...decidersOf(target, trials, colour),
    ]),
  ]
  return lines
}

/** Verdicts that changed, those together whose causes before and after are the same; families that go alike once. */
export function flipLines(
  flipped: readonly { readonly before: Trial; readonly after: Trial }[],
  colour: Colour,
): readonly string[] {
  const groups = new Map<string, { readonly lines: readonly string[]; readonly cells: Map<string, Set<number>> }>()
  for (const { before, after } of flipped) {
    const verdict = after.outcome.allowed ? colour.good('now allowed') : colour.bad('now denied')
    const lines = [`  ${verdict}: ${causesText(after)}`, colour.dim(`    before: ${causesText(before)}`)]
    const key = lines.join()
    const group = groups.get(key) ?? { lines, cells: new Map() }
    groups.set(key, group)
    const { from, family } = after.cell
    const name = `${from} → ${targetOf(after)}`
    group.cells.set(name, (group.cells.get(name) ?? new Set()).add(family))
  }
  return [...groups.values()].flatMap(({ lines, cells }) => [
    ...lines,
    ...[...cells].map(([name, families]) => `    ${name}${families.size === 2 ? '' : ` (IPv${[...families].join()})`}`),
  ])
}

/** `web → cart:7070/TCP (IPv4)` */
export function cellName({ cell }: Trial): string {
  return `${cell.from} → ${cell.to}:${cell.port}/${cell.protocol} (IPv${cell.family})`
}

/** A disagreement in one line: what each of the three says, and why. */
export function disagreementLine(trial: Trial): string {
  const said = (allowed: boolean): string => (allowed ? 'allowed' : 'denied')
  const causes = trial.expectedCauses.length === 0 ? 'no policy isolates it' : trial.expectedCauses.join(', ')
  return `${cellName(trial)}: packets ${said(trial.outcome.allowed)} (${trial.outcome.evidence}); explained as ${said(trial.explained)} (${trial.causes.join(', ')}); reference ${said(trial.expected)} (${causes})`
}

function targetOf({ cell }: Trial): string {
  return `${cell.to}:${cell.port}/${cell.protocol}`
}

function mark(square: Square | undefined, colour: Colour): string {
  if (square === undefined) return ' '
  if (!square.trials.every(agrees)) return colour.bad('!')
  const allowed = square.trials.filter(trial => trial.outcome.allowed)
  if (allowed.length === 0) return colour.dim('·')
  return colour.good(allowed.length === square.trials.length ? '●' : String(allowed[0]?.cell.family))
}

/** Who may and who may not, grouped by what decides it. A pod's way to itself goes without saying. */
function decidersOf(target: string, trials: readonly Trial[], colour: Colour): string[] {
  const groups = new Map<string, { allowed: boolean; causes: string; senders: Set<string> }>()
  for (const trial of trials) {
    if (targetOf(trial) !== target || trial.cell.from === trial.cell.to) continue
    const causes = causesText(trial)
    const key = `${trial.outcome.allowed} ${causes}`
    const group = groups.get(key) ?? { allowed: trial.outcome.allowed, causes, senders: new Set<string>() }
    group.senders.add(trial.cell.from)
    groups.set(key, group)
  }
  return [...groups.values()]
    .sort((a, b) => Number(b.allowed) - Number(a.allowed))
    .map(({ allowed, causes, senders }) => {
      const who = senders.size > 4 ? `${senders.size} senders` : [...senders].join(', ')
      return `     ${allowed ? colour.good('allowed') : colour.bad('denied ')} ${who}: ${causes}`
    })
}

/** The first side that denies is enough here; `weir why` tells of both. */
function causesText({ causes, outcome }: Trial): string {
  const told = outcome.allowed ? causes : causes.slice(0, 1)
  return told.join(', ').replaceAll(', NetworkPolicy ', ', ')
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
