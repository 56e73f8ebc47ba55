import { type Command, Option } from 'commander'
import { defaultSocketPath, type FlowRecord } from '../../agent/protocol.js'
import { type FlowFilter, matchesFlow } from '../../flows/filter.js'
import { pastFlows } from '../../flows/past.js'
import { type TopField, topFields, topFlows, type TopMetric, topMetrics } from '../../flows/top.js'
import { command, type CommandContext, type Output, outputOption, socketOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { withFlowChoice } from '../flow-options.js'
import { type FlowSpan, flowsWithin, readingFlows } from '../flow-source.js'
import { moment } from '../quantities.js'
import { topLines } from '../render/top-flows.js'

interface TopOptions extends FlowSpan {
  readonly by: TopField
  readonly metric: TopMetric
  readonly limit: number
  readonly log?: string
  readonly socket: string
  readonly output: Output
}

/** `weir flows top` */
export function flowsTopCommand(context: CommandContext): Command {
  const made = command(
    context,
    'top',
    'who sends most, to whom, to which ports: flow history summed up',
    async ({ log: given, socket, output, ...options }: TopOptions) => {
      const filter = choice.filter()
      const { terminal, interrupted } = context
      const top = await readingFlows(context, given, socket, ({ log, store }) =>
        topFlows(chosen(pastFlows(log, store, flowsWithin(context, options)), filter, interrupted), options),
      )
      if (interrupted.aborted) return exitCodes.interrupted
      if (output === 'json') await terminal.line(JSON.stringify(top))
      else for (const line of topLines(top)) await terminal.line(line)
      return exitCodes.ok
    },
  )
  const choice = withFlowChoice(made)
  return made
    .addOption(
      new Option('--by <what>', 'what flows are taken together by; by endpoint, each counts for both of its ends')
        .choices(topFields)
        .default('pair'),
    )
    .addOption(new Option('--metric <what>', 'what is ranked by').choices(topMetrics).default('packets'))
    .option('--limit <count>', 'most rows', wholeNumber(1), 10)
    .option('--since <time>', 'flows from then on: 10m (ago), 2026-01-31T12:00:00Z; else all that are kept', moment)
    .option('--until <time>', 'flows up to then', moment)
    .option('--log <folder>', 'history of a log with flows beside it, or of a state folder; no agent is asked')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

async function* chosen(
  flows: AsyncIterable<FlowRecord>,
  filter: FlowFilter,
  interrupted: AbortSignal,
): AsyncGenerator<FlowRecord> {
  for await (const flow of flows) {
    if (interrupted.aborted) return
    if (matchesFlow(flow, filter)) yield flow
  }
}
