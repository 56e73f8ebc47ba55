import type { Command } from 'commander'
import { defaultSocketPath, type StagedFlows } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitOn, type FailOn, failOnOption } from '../fail-on.js'
import { stagedLines } from '../render/staged-flows.js'

interface StagedOptions {
  readonly failOn?: FailOn
  readonly socket: string
  readonly output: Output
}

/** `weir flows staged` */
export function flowsStagedCommand(context: CommandContext): Command {
  return command(
    context,
    'staged',
    'live flows that staged policies would judge otherwise',
    async ({ failOn, socket, output }: StagedOptions) => {
      const { terminal } = context
      const told = await agentClient(socket).get<StagedFlows>('/v1/flows/staged')
      if (output === 'json') await terminal.line(JSON.stringify(told))
      else for (const line of stagedLines(told, terminal.colour)) await terminal.line(line)
      return exitOn(told.changes, failOn)
    },
  )
    .addOption(failOnOption('flow'))
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}
