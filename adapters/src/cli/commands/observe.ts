import { counted } from '@weir/core/counted.js'
import { type Command, Option } from 'commander'
import { defaultSocketPath, type FlowRecord } from '../../agent/protocol.js'
import { matchesFlow } from '../../flows/filter.js'
import { pastFlows } from '../../flows/past.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, socketOption, wholeNumber } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { type FlowChoice, withFlowChoice } from '../flow-options.js'
import { type FlowSpan, flowsWithin, readingFlows } from '../flow-source.js'
import { moment } from '../quantities.js'
import { invalid } from '../states.js'
import { flowDictionary, flowLines, flowRow } from '../render/flow.js'

interface ObserveOptions extends FlowSpan {
  readonly socket: string
  readonly log?: string
  readonly output: 'compact' | 'text' | 'json' | 'dict' | 'table'
  readonly first?: number
  readonly last?: number
  readonly follow?: boolean
}

type Told = FlowRecord | { readonly lost: number }

/** `weir observe` */
export function observeCommand(context: CommandContext): Command {
  const made = command(
    context,
    'observe',
    'flows as they pass or are stopped, with the policies that decide; with --since and the like, those of before',
    async (options: ObserveOptions) => {
      const { since, until, first, log } = options
      const asksPast = [since, until, first, log].some(given => given !== undefined)
      return asksPast ? observePast(context, options, choice) : observeLive(context, options, choice)
    },
  )
  const choice = withFlowChoice(made)
  return made
    .option('--since <time>', 'flow history from then on: 10m (ago), 2026-01-31T12:00:00Z', moment)
    .option('--until <time>', 'flow history up to then', moment)
    .option('--first <count>', 'the first so many flows of history', wholeNumber(1))
    .option('--last <count>', 'the last so many; without --since and the like those in memory', wholeNumber(0))
    .option('--log <folder>', 'history of a log with flows beside it, or of a state folder; no agent is asked')
    .option('-f, --follow', 'go on with flows as they come; without --since and the like it does unless --no-follow')
    .option('--no-follow', 'end after the flows from before')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(
      new Option('-o, --output <form>', 'compact: a line each; dict: a field each; table; json: an object a line')
        .choices(['compact', 'text', 'json', 'dict', 'table'])
        .default('compact'),
    )
}

async function observeLive(
  context: CommandContext,
  { socket, last, output, follow = true }: ObserveOptions,
  choice: FlowChoice,
): Promise<ExitCode> {
  // Refused here already, before anybody is asked.
  choice.filter()
  const query = [...choice.query(), ['follow', String(follow)] as const, ...lastOf(last)]
  const write = writer(context, output)
  for await (const flow of agentClient(socket).stream<Told>('/v1/observe', query, context.interrupted))
    await write(flow)
  return exitCodes.ok
}

const lastOf = (last: number | undefined): (readonly [string, string])[] =>
  last === undefined ? [] : [['last', String(last)]]

async function observePast(context: CommandContext, options: ObserveOptions, choice: FlowChoice): Promise<ExitCode> {
  const { log: given, socket, first, last, output, follow = false } = options
  const filter = choice.filter()
  if (follow && given !== undefined) throw invalid('--follow', 'a copy goes on with nothing', '--log or --follow')
  if (follow && options.until !== undefined) throw invalid('--follow', 'it has no end', '--until or --follow')
  const write = writer(context, output)
  const query = flowsWithin(context, options)
  // Live flows are asked for before history ends, so that none falls between.
  const live = follow && given === undefined ? followed(context, socket, choice) : undefined
  let toldUntilMs = 0
  await readingFlows(context, given, socket, async ({ log, store }) => {
    const kept: FlowRecord[] = []
    let count = 0
    for await (const flow of pastFlows(log, store, query)) {
      if (context.interrupted.aborted || (first !== undefined && count >= first)) break
      if (!matchesFlow(flow, filter)) continue
      count++
      toldUntilMs = Math.max(toldUntilMs, flow.lastTime ?? flow.time)
      if (last === undefined) await write(flow)
      else kept.push(flow)
      if (last !== undefined && kept.length > 2 * last) kept.splice(0, kept.length - last)
    }
    for (const flow of last === undefined || last === 0 ? [] : kept.slice(-last)) await write(flow)
    if (count === 0 && !follow && output !== 'json')
      context.terminal.note('weir: no flow like that is recorded of this time')
  })
  if (live === undefined) return exitCodes.ok
  for await (const flow of live) if ('lost' in flow || flow.time > toldUntilMs) await write(flow)
  return exitCodes.ok
}

/** A stream that is under way when this returns. */
function followed({ interrupted }: CommandContext, socket: string, choice: FlowChoice): AsyncIterable<Told> {
  const stream = agentClient(socket).stream<Told>('/v1/observe', choice.query(), interrupted)
  const first = stream.next()
  // Whoever awaits it later still gets the error.
  first.catch(() => {})
  return (async function* () {
    for (let next = await first; next.done !== true; next = await stream.next()) yield next.value
  })()
}

function writer({ terminal }: CommandContext, output: ObserveOptions['output']): (flow: Told) => Promise<void> {
  let isFirst = true
  return async flow => {
    if ('lost' in flow) return terminal.note(`weir: this reader was too slow for ${counted(flow.lost, 'flow')}`)
    if (output === 'json') return await terminal.line(JSON.stringify(flow))
    const lines =
      output === 'dict'
        ? flowDictionary(flow, terminal.colour)
        : output === 'table'
          ? tableOf(flow)
          : flowLines(flow, terminal.colour)
    for (const line of lines) await terminal.line(line)
  }
  function tableOf(flow: FlowRecord): readonly string[] {
    const lines = flowRow(flow, isFirst)
    isFirst = false
    return lines
  }
}
