import type { Command } from 'commander'
import type { Engine, WeirEvent } from '@weir/core'
import type { EventLog, LogFinding } from '@weir/store'
import { countsOf } from '../../agent/event-effect.js'
import { restoreEngine } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { baseText, type Moment, momentHelp, pointInLog, seqsBetween } from '../moment.js'
import { countLines } from '../render/effect.js'
import { eventLine, subjectOf } from '../render/event.js'
import { invalid } from '../states.js'

interface ListOptions {
  readonly log?: string
  readonly output: Output
  readonly from?: Moment
  readonly to?: Moment
  readonly kind?: readonly string[]
  readonly object?: string
  readonly source?: string
  readonly by?: string
  readonly limit?: number
  readonly changes?: boolean
  readonly readable?: boolean
}

/** Events that are listed unless told otherwise. */
const lastOnes = 100

/** `weir log list` */
export function logListCommand(context: CommandContext): Command {
  const made = command(
    context,
    'list',
    'events in order: the last hundred, or all of a range or a selection',
    (options: ListOptions) => tell(context, options),
  )
  return withSelection(made)
}

/** `weir log grep TEXT` */
export function logGrepCommand(context: CommandContext): Command {
  const made = command(
    context,
    'grep',
    'events that hold a text anywhere: in a name, a label, an address, a source',
    (text: string, options: ListOptions) => {
      const wanted = text.toLowerCase()
      return tell(context, options, event => JSON.stringify(event).toLowerCase().includes(wanted))
    },
  )
  return withSelection(made.argument('<text>', 'the text; upper and lower case are one'))
}

function withSelection(made: Command): Command {
  return made
    .option('--from <moment>', `first event: ${momentHelp}`, pointInLog)
    .option('--to <moment>', 'last event, likewise', pointInLog)
    .option('--kind <kind>', 'only these: pod, networkpolicy.deleted, … (may be repeated)', collected)
    .option('--object <name>', 'only of objects whose name, or namespace/name, is this; shop/* for a namespace')
    .option('--source <text>', 'only what came from a source that holds this text: a file, kubernetes:, …')
    .option('--by <text>', 'only what somebody changed whose name holds this: kubectl, argocd, …')
    .option('--limit <count>', 'the last so many of them', wholeNumber(1))
    .option('--changes', 'says of each how many rows of which tables it changed')
    .option('--readable', 'of a damaged log, what can be read; says what is left out')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

const collected = (kind: string, before: readonly string[] = []): readonly string[] => [...before, kind]

async function tell(context: CommandContext, options: ListOptions, holds?: (event: WeirEvent) => boolean) {
  const { terminal } = context
  if (options.changes === true && options.readable === true)
    throw invalid('--readable', 'what events changed follows from a whole log only', '--changes or --readable')
  const isWanted = selecting(options)
  const isSelection =
    (holds ?? options.kind ?? options.object ?? options.source ?? options.by ?? options.limit) !== undefined
  const work = async (log: EventLog) => {
    const { from, to } = await rangeOf(log, options, isSelection)
    const reading = {
      from,
      to,
      ...(options.readable === true && {
        onDamage: ({ message }: LogFinding) => terminal.note(`weir: left out: ${message}`),
      }),
    }
    const engine = options.changes === true ? (await restoreEngine(log, () => {}, from - 1, 'fresh')).engine : undefined
    const kept: string[] = []
    let found = 0
    for await (const batch of log.read(reading))
      for (const event of batch) {
        const lines =
          isWanted(event) && holds?.(event) !== false ? linesOf(event, options, terminal.colour, engine) : undefined
        if (lines !== undefined) found++
        if (lines === undefined) engine?.fold([event])
        else if (options.limit === undefined) for (const line of lines) await terminal.line(line)
        else kept.push(lines.join('\n'))
        if (kept.length > (options.limit ?? 0)) kept.shift()
      }
    for (const lines of kept) for (const line of lines.split('\n')) await terminal.line(line)
    const before = options.from === undefined && isSelection ? baseText(log) : undefined
    if (before !== undefined) terminal.note(`weir: ${before}`)
    if (found === 0) terminal.note(`weir: no event ${isSelection ? 'like that ' : ''}among ${from} to ${to}`)
    return exitCodes.ok
  }
  return await readingLog(context, await logFolder(context, options.log), work, options.readable)
}

function linesOf(
  event: WeirEvent,
  { output }: ListOptions,
  colour: Parameters<typeof eventLine>[1],
  engine: Engine | undefined,
): readonly string[] {
  // What was folded for events in between isn't this one's.
  engine?.apply([])
  const tables = engine === undefined ? undefined : countsOf(engine.apply([event]))
  if (output === 'json') return [JSON.stringify({ ...event, ...(tables !== undefined && { tables }) })]
  return [
    eventLine(event, colour),
    ...(tables === undefined ? [] : countLines(tables).map(line => colour.dim(`         ${line}`))),
  ]
}

async function rangeOf(
  log: EventLog,
  { from: given, to: until }: ListOptions,
  isSelection: boolean,
): Promise<{ from: number; to: number }> {
  const moments = { ...(given !== undefined && { from: given }), ...(until !== undefined && { to: until }) }
  const { from, to = log.head.seq } = await seqsBetween(log, moments, false)
  if (from !== undefined) return { from, to }
  const first = log.base.seq + 1
  return { from: until === undefined && !isSelection ? Math.max(first, to - lastOnes + 1) : first, to }
}

function selecting({ kind, object, source, by }: ListOptions): (event: WeirEvent) => boolean {
  const isKind = (event: WeirEvent): boolean =>
    kind === undefined || kind.some(each => event.kind === each || event.kind.startsWith(`${each}.`))
  const isObject = (event: WeirEvent): boolean => {
    if (object === undefined) return true
    const name = subjectOf(event).split(/[ ,]/)[0]!
    if (object.endsWith('/*')) return name.startsWith(object.slice(0, -1))
    return name === object || name.endsWith(`/${object}`)
  }
  const isFrom = (event: WeirEvent): boolean => source === undefined || event.source.includes(source)
  const isBy = (event: WeirEvent): boolean => by === undefined || event.by?.manager.includes(by) === true
  return event => isKind(event) && isObject(event) && isFrom(event) && isBy(event)
}
