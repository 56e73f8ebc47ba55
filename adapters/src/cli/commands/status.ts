import type { Command } from 'commander'
import { pastStatus } from '../../agent/past-status.js'
import { defaultSocketPath, type StatusReport } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { pastStatusLines } from '../render/past-status.js'
import { statusLines } from '../render/status.js'
import { withStates } from '../states.js'

interface StatusOptions {
  readonly socket: string
  readonly output: Output
  readonly log?: string
  readonly at?: Moment
}

/** `weir status` */
export function statusCommand(context: CommandContext): Command {
  return command(
    context,
    'status',
    'what the agent does, with what, and how full it is; or what its log knows of a moment',
    async (options: StatusOptions) => {
      const lines =
        options.log === undefined && options.at === undefined
          ? await linesNow(context, options)
          : await linesThen(context, options)
      for (const line of lines) await context.terminal.line(line)
      return exitCodes.ok
    },
  )
    .option('--log <folder>', 'a log, or the state folder of an agent, as it is at its end or --at')
    .option('--at <moment>', `as it was then: ${momentHelp}`, pointInLog)
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

async function linesNow({ terminal }: CommandContext, { socket, output }: StatusOptions): Promise<readonly string[]> {
  const report = await agentClient(socket).get<StatusReport>('/v1/status')
  return output === 'json' ? [JSON.stringify(report)] : statusLines(report, terminal.colour)
}

function linesThen(context: CommandContext, options: StatusOptions): Promise<readonly string[]> {
  const { log = 'live', at, socket, output } = options
  return withStates([() => openStateAt(context, log, at, socket)], async given => {
    const status = await pastStatus(given!.engine, seq => given!.sourceOf(seq))
    return output === 'json'
      ? [JSON.stringify(status)]
      : pastStatusLines(status, context.terminal.colour, context.workingFolder)
  })
}
