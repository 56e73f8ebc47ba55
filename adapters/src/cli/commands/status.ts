import type { Command } from 'commander'
import { defaultSocketPath, type StatusReport } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { statusLines } from '../render/status.js'

/** `weir status` */
export function statusCommand(context: CommandContext): Command {
  return command(
    context,
    'status',
    'what the agent does, with what, and how full it is',
    async (options: { socket: string; output: Output }) => {
      const report = await agentClient(options.socket).get<StatusReport>('/v1/status')
      if (options.output === 'json') await context.terminal.line(JSON.stringify(report))
      else for (const line of statusLines(report, context.terminal.colour)) await context.terminal.line(line)
      return exitCodes.ok
    },
  )
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}
